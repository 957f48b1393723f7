//! From a host name to a session: TCP, TLS (from the start or by STARTTLS), greeting, login, capabilities.
//!
//! Never says user or password before TLS stands, and never takes a certificate on trust.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_imap::imap_proto::{Capability, Response};
use async_trait::async_trait;
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use zeroize::Zeroizing;

use super::command::Command;
use super::conversation::{Conversation, Stream};
use crate::domain::Retry;
use crate::mailbox::MailboxError;
use crate::mailbox::settings::{ImapSettings, Login, Security};
use crate::oauth::AccessTokens;

/// Opens connections; a seam for the fake servers of the tests.
#[async_trait]
pub(super) trait Dial: Send + Sync {
    /// A greeted, encrypted connection on which nobody is logged in yet.
    async fn dial(&self, settings: &ImapSettings) -> Result<Conversation, MailboxError>;
}

/// TCP and TLS.
pub(super) struct TlsDial;

#[async_trait]
impl Dial for TlsDial {
    async fn dial(&self, settings: &ImapSettings) -> Result<Conversation, MailboxError> {
        let connector = TlsConnector::from(Arc::new(tls_config(settings.ca_file.as_deref())?));
        let tcp: Box<dyn Stream> = Box::new(tcp(settings).await?);
        match settings.security {
            Security::Tls => {
                let mut conversation = encrypt(tcp, &connector, settings).await?;
                conversation.greeting().await?;
                Ok(conversation)
            }
            Security::StartTls => {
                let mut clear = Conversation::over(tcp, settings.step_timeout);
                clear.greeting().await?;
                if !capabilities(&mut clear).await?.has("STARTTLS") {
                    return Err(not_offered(
                        settings,
                        "STARTTLS",
                        "nothing was sent in the clear; set mailbox.imap.security to \"tls\"",
                    ));
                }
                clear.run(Command::new("STARTTLS").expecting(0, 0), |_| {}).await?;
                encrypt(clear.into_stream()?, &connector, settings).await
            }
        }
    }
}

async fn tcp(settings: &ImapSettings) -> Result<TcpStream, MailboxError> {
    let unreachable = |source| MailboxError::Unreachable { host: settings.host.clone(), port: settings.port, source };
    let connecting = TcpStream::connect((settings.host.as_str(), settings.port));
    let stream = timed(settings.step_timeout, connecting).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    Ok(stream)
}

async fn encrypt(
    stream: Box<dyn Stream>,
    connector: &TlsConnector,
    settings: &ImapSettings,
) -> Result<Conversation, MailboxError> {
    let name = ServerName::try_from(settings.host.clone())
        .map_err(|_| MailboxError::HostName { host: settings.host.clone() })?;
    let tls = timed(settings.step_timeout, connector.connect(name, stream))
        .await
        .map_err(|source| MailboxError::Tls { host: settings.host.clone(), port: settings.port, source })?;
    Ok(Conversation::over(Box::new(tls), settings.step_timeout))
}

async fn timed<T>(at_most: Duration, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(at_most, step).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Trusts the configured authority alone, or else those of the system.
fn tls_config(ca_file: Option<&Path>) -> Result<ClientConfig, MailboxError> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => add_ca_file(&mut roots, path)?,
        None => {
            let (_, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(MailboxError::NoAuthorities);
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| MailboxError::NoAuthorities)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn add_ca_file(roots: &mut RootCertStore, path: &Path) -> Result<(), MailboxError> {
    let unusable = |source| MailboxError::CaFile { path: path.to_owned(), source };
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| unusable(Box::new(error)))?;
    if certificates.is_empty() {
        return Err(unusable("the file holds no certificate".into()));
    }
    for certificate in certificates {
        roots.add(certificate).map_err(|error| unusable(Box::new(error)))?;
    }
    Ok(())
}

/// What a server says that it can do.
#[derive(Clone, Debug, Default)]
pub(super) struct Capabilities(BTreeSet<String>);

impl Capabilities {
    /// Whether the server has it, by itself or as a part of IMAP4rev2 (RFC 9051 §E).
    pub(super) fn has(&self, capability: &str) -> bool {
        const IN_REV2: [&str; 3] = ["IDLE", "MOVE", "UIDPLUS"];
        self.0.contains(capability) || (IN_REV2.contains(&capability) && self.0.contains("IMAP4REV2"))
    }
}

async fn capabilities(conversation: &mut Conversation) -> Result<Capabilities, MailboxError> {
    let mut found = BTreeSet::new();
    let take = |response: &Response<'_>| {
        let Response::Capabilities(capabilities) = response else { return };
        found.extend(capabilities.iter().map(|capability| match capability {
            Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
            Capability::Auth(mechanism) => format!("AUTH={}", mechanism.to_ascii_uppercase()),
            Capability::Atom(atom) => atom.to_ascii_uppercase(),
        }));
    };
    conversation.run(Command::new("CAPABILITY").expecting(0, 0), take).await?;
    Ok(Capabilities(found))
}

/// A session on a new connection, and what the server can do for this user. A token that is refused is asked for anew, once: it
/// may have been revoked before its end.
pub(super) async fn log_in(
    dial: &dyn Dial,
    settings: &ImapSettings,
) -> Result<(Conversation, Capabilities), MailboxError> {
    let tokens = match &settings.login {
        Login::Oauth(tokens) => tokens,
        Login::Password(password) => {
            let mut conversation = dial.dial(settings).await?;
            let capabilities = by_password(&mut conversation, settings, password).await?;
            return Ok((conversation, capabilities));
        }
    };
    let (refused, error) = match by_newest_token(dial, settings, tokens).await {
        (token, Err(error @ MailboxError::TokenRefused { .. })) if error.retry() == Retry::Permanent => (token, error),
        (_, answer) => return answer,
    };
    let Some(refused) = refused else { return Err(error) };
    tokens.forget(&refused).await;
    by_newest_token(dial, settings, tokens).await.1
}

/// What came of a log-in with the newest token, and that token, where one was had.
async fn by_newest_token(
    dial: &dyn Dial,
    settings: &ImapSettings,
    tokens: &AccessTokens,
) -> (Option<SecretString>, Result<(Conversation, Capabilities), MailboxError>) {
    let token = match tokens.access().await {
        Ok(token) => token,
        Err(error) => return (None, Err(error.into())),
    };
    let session = async {
        let mut conversation = dial.dial(settings).await?;
        let capabilities = by_token(&mut conversation, settings, &token).await?;
        Ok((conversation, capabilities))
    };
    let session = session.await;
    (Some(token), session)
}

/// AUTHENTICATE XOAUTH2, as Google and Microsoft describe it.
async fn by_token(
    conversation: &mut Conversation,
    settings: &ImapSettings,
    token: &SecretString,
) -> Result<Capabilities, MailboxError> {
    if !capabilities(conversation).await?.has("AUTH=XOAUTH2") {
        return Err(not_offered(settings, "AUTH=XOAUTH2", "take [mailbox.imap.oauth] out and log in with a password"));
    }
    let is_clean = |text: &str| !text.chars().any(char::is_control);
    if !is_clean(&settings.user) || !is_clean(token.expose_secret()) {
        return Err(MailboxError::Argument { what: "mailbox.imap.user", why: "it has a control character" });
    }
    let said = Zeroizing::new(format!("user={}\u{1}auth=Bearer {}\u{1}\u{1}", settings.user, token.expose_secret()));
    match conversation.authenticate("XOAUTH2", said.as_bytes()).await {
        Ok(()) => capabilities(conversation).await,
        Err(MailboxError::Refused { code, .. }) => {
            Err(MailboxError::TokenRefused { host: settings.host.clone(), port: settings.port, code })
        }
        Err(error) => Err(error),
    }
}

async fn by_password(
    conversation: &mut Conversation,
    settings: &ImapSettings,
    password: &SecretString,
) -> Result<Capabilities, MailboxError> {
    if capabilities(conversation).await?.has("LOGINDISABLED") {
        return Err(not_offered(settings, "LOGIN", "it needs a login with user and password"));
    }
    let login = Command::new("LOGIN")
        .expecting(0, 0)
        .string("mailbox.imap.user", settings.user.as_bytes())?
        .string("mailbox.imap.password", password.expose_secret().as_bytes())?;
    match conversation.run(login, |_| {}).await {
        Ok(()) => capabilities(conversation).await,
        Err(MailboxError::Refused { code, .. }) => {
            Err(MailboxError::LoginRefused { host: settings.host.clone(), port: settings.port, code })
        }
        Err(error) => Err(error),
    }
}

fn not_offered(settings: &ImapSettings, capability: &'static str, fix: &'static str) -> MailboxError {
    MailboxError::NotOffered { host: settings.host.clone(), port: settings.port, capability, fix }
}
