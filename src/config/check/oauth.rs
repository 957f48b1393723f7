//! What a user of a mail server logs in with: a password, or access tokens.

use serde_spanned::Spanned;
use url::Url;

use super::super::error::Problem;
use super::super::raw::{Maybe, RawOauth};
use super::secret::RawSecret;
use super::{Checks, Section};
use crate::mailbox::settings::Login;
use crate::oauth::{AccessTokens, Grant, OauthSettings};

/// The two ways to ask for a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Refresh,
    Client,
}

impl Checks<'_> {
    /// Either a password or a section for access tokens.
    pub(super) fn login(
        &mut self,
        section: &Section,
        password: RawSecret,
        name: &'static str,
        raw: Maybe<RawOauth>,
    ) -> Option<Login> {
        let Some(raw) = raw else {
            if self.was_taken_out(name) {
                return None;
            }
            return self.secret(section, "password", password).map(Login::Password);
        };
        if let Some(given) = password.first_given() {
            let problem = Problem::new(format!("there is a password in [{}], and [{name}] beside it", section.name))
                .at(raw.span(), "a second way to log in")
                .beside(given, "a first way to log in")
                .help("keep one of them");
            self.note(problem);
            return None;
        }
        self.oauth(name, raw).map(|settings| Login::Oauth(AccessTokens::new(settings)))
    }

    fn oauth(&mut self, name: &'static str, raw: Spanned<RawOauth>) -> Option<OauthSettings> {
        let (section, raw) = Self::open(name, Some(raw));
        let endpoint = self.endpoint(&section, raw.endpoint);
        let way = raw.grant.map_or(Some(Way::Refresh), |raw| self.way(&raw));
        let client_id = self.line_required(&section, "client_id", raw.client_id, "the client's id at the provider");
        let secret = RawSecret {
            value: raw.client_secret,
            file: raw.client_secret_file,
            credential: raw.client_secret_credential,
        };
        // A public client has none; one that stands for itself must prove it.
        let client_secret = if secret.is_given() || way == Some(Way::Client) {
            self.secret(&section, "client_secret", secret).map(Some)
        } else {
            Some(None)
        };
        let token = RawSecret {
            value: raw.refresh_token,
            file: raw.refresh_token_file,
            credential: raw.refresh_token_credential,
        };
        let grant = match way? {
            Way::Refresh => {
                let token = self.secret(&section, "refresh_token", token);
                let renewed_file = match raw.renewed_token_file {
                    Some(raw) => self.path("renewed_token_file", raw).map(Some),
                    None => Some(None),
                };
                token.zip(renewed_file).map(|(token, renewed_file)| Grant::Refresh { token, renewed_file })
            }
            Way::Client => {
                let unused = token.first_given().or(raw.renewed_token_file.map(|raw| raw.span()));
                if let Some(span) = unused {
                    let problem =
                        Problem::new(format!("[{name}] asks by client_credentials, which take no refresh token"))
                            .at(span, "nobody reads it")
                            .help("take it out, or set grant = \"refresh_token\"");
                    self.note(problem);
                }
                Some(Grant::Client)
            }
        };
        let scope = raw.scope.map_or_else(Vec::new, Spanned::into_inner);
        let scope: Option<Vec<String>> = scope.into_iter().map(|scope| self.scope(scope)).collect();
        Some(OauthSettings {
            endpoint: endpoint?,
            client_id: client_id?,
            client_secret: client_secret?,
            grant: grant?,
            scope: scope?,
            section: name,
        })
    }

    fn endpoint(&mut self, section: &Section, raw: Maybe<String>) -> Option<Url> {
        let span = raw.as_ref().map(Spanned::span);
        let text = self.line_required(section, "endpoint", raw, "the provider's token endpoint, a url")?;
        if let Ok(url) = Url::parse(&text)
            && OauthSettings::is_endpoint(&url)
        {
            return Some(url);
        }
        let problem = Problem::new("`endpoint` is no token endpoint")
            .help("secrets go there: plain http is for this machine alone");
        self.note(match span {
            Some(span) => problem.at(span, "expected a url that begins with https://"),
            None => problem,
        });
        None
    }

    fn way(&mut self, raw: &Spanned<String>) -> Option<Way> {
        match raw.get_ref().as_str() {
            "refresh_token" => Some(Way::Refresh),
            "client_credentials" => Some(Way::Client),
            other => {
                let problem = Problem::new(format!("{other:?} is no way to ask for a token (`grant`)"))
                    .at(raw.span(), "expected one of refresh_token, client_credentials");
                self.note(problem);
                None
            }
        }
    }

    /// One word of a scope (RFC 6749 §3.3).
    fn scope(&mut self, raw: Spanned<String>) -> Option<String> {
        let span = raw.span();
        let scope = self.line("scope", raw)?;
        if scope.chars().all(|c| c.is_ascii_graphic() && !"\"\\".contains(c)) {
            return Some(scope);
        }
        let problem =
            Problem::new("`scope` cannot be used").at(span, "expected one scope in each text, without blanks");
        self.note(problem);
        None
    }
}
