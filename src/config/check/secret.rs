//! Secrets: a value, a file or a systemd credential, exactly one. Never shown, in no error either.

use std::io::Read;
use std::path::Path;

use secrecy::SecretString;
use serde_spanned::Spanned;
use zeroize::Zeroizing;

use super::super::error::Problem;
use super::super::raw::Maybe;
use super::value::{Checks, Section, absolute};

/// The longest secret, in bytes.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// The three ways in which a secret may be given.
pub(super) struct RawSecret {
    pub(super) value: Maybe<String>,
    pub(super) file: Maybe<String>,
    pub(super) credential: Maybe<String>,
}

impl RawSecret {
    /// Whether it was given in any way.
    pub(super) const fn is_given(&self) -> bool {
        self.value.is_some() || self.file.is_some() || self.credential.is_some()
    }

    /// Where it was given first.
    pub(super) fn first_given(&self) -> Option<std::ops::Range<usize>> {
        [&self.value, &self.file, &self.credential]
            .into_iter()
            .flatten()
            .map(Spanned::span)
            .min_by_key(|span| span.start)
    }

    /// The ways that were used, with the ends of their keys' names.
    fn given(self) -> Vec<(Source, Spanned<String>)> {
        let ways = [(Source::Value, self.value), (Source::File, self.file), (Source::Credential, self.credential)];
        ways.into_iter().filter_map(|(source, raw)| Some((source, raw?))).collect()
    }
}

#[derive(Clone, Copy)]
enum Source {
    Value,
    File,
    Credential,
}

impl Source {
    fn key(self, key: &str) -> String {
        match self {
            Self::Value => key.to_owned(),
            Self::File => format!("{key}_file"),
            Self::Credential => format!("{key}_credential"),
        }
    }
}

impl Checks<'_> {
    /// A secret that must be given; empty where nobody uses it, which no secret is that was read.
    pub(super) fn secret(&mut self, section: &Section, key: &str, raw: RawSecret) -> Option<SecretString> {
        let mut given = raw.given();
        given.sort_by_key(|(_, raw)| raw.span().start);
        let (source, raw) = match (given.pop(), given.pop()) {
            (Some(one), None) => one,
            (None, _) => {
                let ways = [Source::Value, Source::File, Source::Credential].map(|source| source.key(key));
                if !ways.iter().any(|way| self.was_taken_out(&format!("{}.{way}", section.name))) {
                    self.note_missing(section, key, &format!("give exactly one of {}", ways.join(", ")));
                }
                return None;
            }
            (Some((second, at)), Some((first, beside))) => {
                let problem = Problem::new(format!("`{key}` is given more than once in [{}]", section.name))
                    .at(at.span(), format!("`{}` gives it again", second.key(key)))
                    .beside(beside.span(), format!("`{}` gives it already", first.key(key)))
                    .help("keep exactly one of them");
                self.note(problem);
                return None;
            }
        };
        let (name, span) = (source.key(key), raw.span());
        if !matches!(source, Source::Value) && !self.surroundings.purpose.uses_secrets_of(section.name) {
            return Some(SecretString::default());
        }
        match source {
            Source::Value => self.text_given(&name, raw).map(SecretString::from),
            Source::File => {
                let path = self.path(&name, raw)?;
                let otherwise = format!("or give {key} or {} instead", Source::Credential.key(key));
                self.secret_file(
                    &name,
                    span,
                    &path,
                    &format!("make it, readable by our user alone (chmod 600), {otherwise}"),
                )
            }
            Source::Credential => {
                let credential = self.line(&name, raw)?;
                self.credential(&name, span, &credential)
            }
        }
    }

    fn credential(&mut self, name: &str, span: std::ops::Range<usize>, credential: &str) -> Option<SecretString> {
        let problem = Problem::new(format!("the credential of `{name}` cannot be read"));
        if credential.contains('/') || credential == ".." || credential == "." {
            self.note(problem.at(span, "expected the name of a credential, not a path"));
            return None;
        }
        let Some(folder) = self.surroundings.credentials_directory.clone() else {
            let problem = problem
                .at(span, "there is no folder of credentials")
                .help(format!("systemd sets CREDENTIALS_DIRECTORY for a unit with LoadCredential={credential}:/path"))
                .help("outside of systemd, give a file instead");
            self.note(problem);
            return None;
        };
        let fix = format!("give the unit LoadCredential={credential}:/path");
        self.secret_file(name, span, &folder.join(credential), &fix)
    }

    fn secret_file(
        &mut self,
        name: &str,
        span: std::ops::Range<usize>,
        path: &Path,
        fix: &str,
    ) -> Option<SecretString> {
        let reason = match read_secret(path) {
            Ok(text) => match text.trim_end_matches(['\n', '\r']) {
                "" => "it is empty".to_owned(),
                secret if secret.len() as u64 >= SECRET_BYTES_MAX => {
                    format!("it has more than {SECRET_BYTES_MAX} bytes")
                }
                secret => return Some(SecretString::from(secret)),
            },
            Err(error) => error.to_string(),
        };
        let problem = Problem::new(format!("the secret of `{name}` cannot be read"))
            .at(span, reason)
            .help(format!("looked for {}", absolute(path).display()))
            .help(fix);
        self.note(problem);
        None
    }
}

fn read_secret(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(path)?.take(SECRET_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}
