//! Access tokens for mail accounts (OAuth 2.0, RFC 6749), which Microsoft 365 and Google ask for in the place of a password.
//!
//! A token is asked for at the provider's endpoint when it is first needed, kept in memory until shortly before it ends, and asked
//! for anew when a mail server refuses it. Two grants: a refresh token (§6), for which the account's owner consented once, and
//! client credentials (§4.4), by which an application stands for itself.
//!
//! Never logs or prints a token or a secret, and quotes nothing of what an endpoint says but an error code of RFC 6749 §5.2 or
//! OpenID. Never asks over plain HTTP, but on this machine.

mod endpoint;
mod error;
mod renewed;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::{Host, Url};

pub use error::{OauthError, OauthRefusal};

/// A token is asked for anew so long before its end, or after half of its life where that is shorter.
const BEFORE_END: Duration = Duration::from_secs(300);

/// How long a token lives where the endpoint does not say so (RFC 6749 §5.1 only recommends it).
const LIFE_UNTOLD: Duration = Duration::from_secs(600);

/// How a token is asked for.
#[derive(Clone, Debug)]
pub enum Grant {
    /// By a refresh token: the account's owner consented once.
    Refresh {
        /// The refresh token.
        token: SecretString,
        /// Where a newer one is kept when the endpoint gives one; none is kept beyond the end of the process without it.
        renewed_file: Option<PathBuf>,
    },
    /// By the client's own credentials: an administrator consented for the application.
    Client,
}

/// Where and as whom tokens are asked for.
#[derive(Clone)]
pub struct OauthSettings {
    /// The token endpoint; `https`, or this machine.
    pub endpoint: Url,
    /// The client's id at the provider.
    pub client_id: String,
    /// The client's secret; a public client has none.
    pub client_secret: Option<SecretString>,
    /// How.
    pub grant: Grant,
    /// What the token shall be good for; empty for what was consented to.
    pub scope: Vec<String>,
    /// The section of the config, for errors.
    pub section: &'static str,
}

impl OauthSettings {
    /// Whether tokens may be asked for at this address: never in the clear, but on this machine.
    #[must_use]
    pub fn is_endpoint(url: &Url) -> bool {
        let here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => return false,
        };
        (url.scheme() == "https" || (url.scheme() == "http" && here))
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    }

    fn host(&self) -> String {
        self.endpoint.host_str().unwrap_or("-").to_owned()
    }
}

impl fmt::Debug for OauthSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grant = if matches!(self.grant, Grant::Client) { "client_credentials" } else { "refresh_token" };
        write!(f, "OauthSettings({}, {grant})", self.endpoint.host_str().unwrap_or("-"))
    }
}

/// The tokens of one account. Clones share them, so that all connections use the same one.
#[derive(Clone)]
pub struct AccessTokens(Arc<Inner>);

struct Inner {
    settings: OauthSettings,
    held: Mutex<Held>,
}

/// What was got so far.
#[derive(Default)]
struct Held {
    access: Option<(SecretString, Instant)>,
    /// The newest refresh token that the endpoint gave.
    refresh: Option<SecretString>,
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.settings.fmt(f)
    }
}

impl AccessTokens {
    /// Tokens by these settings; nothing is asked yet.
    #[must_use]
    pub fn new(settings: OauthSettings) -> Self {
        Self(Arc::new(Inner { settings, held: Mutex::default() }))
    }

    /// Where and as whom they are asked for.
    #[must_use]
    pub fn settings(&self) -> &OauthSettings {
        &self.0.settings
    }

    /// A token that is good for some minutes more.
    ///
    /// # Errors
    /// Why the endpoint gave none.
    pub async fn access(&self) -> Result<SecretString, OauthError> {
        // Who comes meanwhile waits here, and is given the same one.
        let mut held = self.0.held.lock().await;
        if let Some((token, until)) = &held.access
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let granted = self.ask(&mut held).await?;
        let life = granted.life.unwrap_or(LIFE_UNTOLD);
        held.access = Some((granted.access.clone(), Instant::now() + life - BEFORE_END.min(life / 2)));
        Ok(granted.access)
    }

    /// A server refused this one: the next is asked for anew.
    pub async fn forget(&self, refused: &SecretString) {
        let mut held = self.0.held.lock().await;
        if held.access.as_ref().is_some_and(|(token, _)| token.expose_secret() == refused.expose_secret()) {
            held.access = None;
        }
    }

    /// Asks the endpoint. A newer refresh token replaces the one before it, here and in its file; where the kept one is refused,
    /// the configured one may have been replaced by a person.
    async fn ask(&self, held: &mut Held) -> Result<endpoint::Granted, OauthError> {
        let settings = &self.0.settings;
        let Grant::Refresh { token, renewed_file } = &settings.grant else {
            return endpoint::ask(settings, None).await;
        };
        if let (None, Some(file)) = (&held.refresh, renewed_file) {
            held.refresh = renewed::read(file)?;
        }
        let newest = held.refresh.as_ref().unwrap_or(token);
        let mut granted = endpoint::ask(settings, Some(newest)).await;
        if held.refresh.is_some() && granted.as_ref().is_err_and(OauthError::is_of_grant) {
            held.refresh = None;
            granted = endpoint::ask(settings, Some(token)).await;
        }
        let granted = granted?;
        if let Some(newer) = &granted.refresh {
            if let Some(file) = renewed_file {
                renewed::write(file, newer)?;
            }
            held.refresh = Some(newer.clone());
        }
        Ok(granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_asked_for_in_the_clear_on_this_machine_alone() {
        for (url, may) in [
            ("https://login.example.com/token", true),
            ("http://127.0.0.1:9/token", true),
            ("http://[::1]:9/token", true),
            ("http://localhost/token", true),
            ("http://login.example.com/token", false),
            ("http://localhost.example.com/token", false),
            ("https://user:pass@login.example.com/token", false),
            ("ftp://login.example.com/token", false),
        ] {
            assert_eq!(OauthSettings::is_endpoint(&Url::parse(url).unwrap()), may, "{url}");
        }
    }
}
