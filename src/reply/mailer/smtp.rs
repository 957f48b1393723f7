//! Submission to a mail server (RFC 6409), encrypted always, one connection a letter; and, for a look at our own MX, the way of
//! any stranger to it.
//!
//! The conversation is led step by step, because only the step tells what a failure means: before the final dot
//! nothing was handed over, after it nobody knows. Nothing of the conversation is logged: the library's own records
//! would hold addresses, bodies and the login, so it runs without a subscriber.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;
use tracing::warn;

use super::{Accepted, Mailer, Obstacle, Reached, SendError};
use crate::domain::Retry;
use crate::mailbox::settings::{Login, Security};
use crate::mailbox::trouble::Trouble;
use crate::oauth::{AccessTokens, OauthError};
use crate::reply::compose::Outgoing;
use crate::reply::settings::SmtpSettings;

/// Sends through one server.
pub struct SmtpMailer {
    settings: SmtpSettings,
    tls: TlsParameters,
    /// The server is an MX to which we are a stranger: encryption is taken where it is offered.
    as_stranger: bool,
}

/// Why a mailer for these settings cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file with the certificate authority cannot be read.
    #[error("cannot read the certificate authority {path}")]
    ReadCa {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file with the certificate authority holds none; trusting nobody would look like a fault of the server.
    #[error("there is no PEM certificate in {path}")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The certificate authority cannot be used, or the system's cannot be loaded.
    #[error("cannot prepare encryption for {host}")]
    Tls {
        /// The server.
        host: String,
        /// Why.
        source: lettre::transport::smtp::Error,
    },
}

impl SetupError {
    /// Always permanent: settings do not mend themselves.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        Retry::Permanent
    }
}

/// What a server was shut by, for somebody who looks for the cause. It quotes nothing of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Shut {
    /// What a letter would have met.
    pub error: SendError,
    /// What it comes to, where the connection tells.
    pub trouble: Option<Trouble>,
}

impl Shut {
    fn of(error: &lettre::transport::smtp::Error) -> Self {
        Self { error: before_letter(error), trouble: Trouble::of(error) }
    }
}

impl SmtpMailer {
    /// A mailer for these settings; nothing is connected yet.
    ///
    /// # Errors
    /// A certificate authority that cannot be read or is none.
    pub fn new(settings: SmtpSettings) -> Result<Self, SetupError> {
        let tls_error = |source| SetupError::Tls { host: settings.host.clone(), source };
        let mut tls = TlsParametersBuilder::new(settings.host.clone());
        if let Some(path) = &settings.ca_file {
            let pem = std::fs::read(path).map_err(|source| SetupError::ReadCa { path: path.clone(), source })?;
            if CertificateDer::pem_slice_iter(&pem).next().is_none() {
                return Err(SetupError::NoCertificate { path: path.clone() });
            }
            let authority = Certificate::from_pem(&pem).map_err(tls_error)?;
            // Instead of the system's authorities, not beside them.
            tls = tls.certificate_store(CertificateStore::None).add_root_certificate(authority);
        }
        let tls = tls.build().map_err(tls_error)?;
        Ok(Self { settings, tls, as_stranger: false })
    }

    /// One that hands letters to an MX as any stranger does: without a login, with STARTTLS where it is offered, and whatever its
    /// certificate says, as mail servers do among each other (RFC 7435). Never for letters that hold something to hide.
    ///
    /// # Errors
    /// Encryption that cannot be prepared for this name.
    pub fn as_stranger(host: &str, port: u16, send_timeout: Duration) -> Result<Self, SetupError> {
        let tls = TlsParametersBuilder::new(host.to_owned())
            .certificate_store(CertificateStore::None)
            .dangerous_accept_invalid_certs(true)
            .dangerous_accept_invalid_hostnames(true)
            .build()
            .map_err(|source| SetupError::Tls { host: host.to_owned(), source })?;
        let (host, security) = (host.to_owned(), Security::StartTls);
        let settings = SmtpSettings { host, port, security, ca_file: None, login: None, send_timeout };
        Ok(Self { settings, tls, as_stranger: true })
    }

    /// Asks for an access token where the login is by one, and keeps it for the letters that follow.
    ///
    /// # Errors
    /// Why the token endpoint gave none.
    pub async fn try_token(&self) -> Result<(), OauthError> {
        match &self.settings.login {
            Some((_, Login::Oauth(tokens))) => tokens.access().await.map(drop),
            _ => Ok(()),
        }
    }

    /// Connects, encrypts, logs in and leaves; hands over nothing.
    ///
    /// # Errors
    /// What stood in the way, as closely as the connection tells.
    pub async fn try_login(&self) -> Result<(), Shut> {
        let deadline = Instant::now() + self.settings.send_timeout;
        let error = SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Timeout };
        let late = Shut { error, trouble: Some(Trouble::Silent) };
        let connecting = self.reach().with_subscriber(NoSubscriber::default());
        let mut connection = timeout_at(deadline, connecting).await.map_err(|_| late)??;
        let _farewell = timeout_at(deadline, connection.quit()).await;
        Ok(())
    }

    /// Asks whether a letter with this envelope would be taken, and takes the question back (RSET, RFC 5321 §4.1.1.5); hands
    /// over nothing. A server may take what it returns later: only its refusal proves something. One at the recipient may
    /// be about the sender all the same, because Postfix says it only then (`smtpd_delay_reject`).
    ///
    /// # Errors
    /// What stood in the way, and how far it came.
    pub async fn try_envelope(&self, from: &str, to: &str) -> Result<(), SendError> {
        let deadline = Instant::now() + self.settings.send_timeout;
        let mut reached = Reached::Server;
        let asking = self.ask_about(from, to, &mut reached).with_subscriber(NoSubscriber::default());
        let answer = timeout_at(deadline, asking).await;
        answer.map_err(|_| SendError::Transient { reached, obstacle: Obstacle::Timeout })?
    }

    async fn ask_about(&self, from: &str, to: &str, reached: &mut Reached) -> Result<(), SendError> {
        let (from, to) = (address(from, Reached::Sender)?, address(to, Reached::Recipient)?);
        let mut connection = self.connect().await?;
        *reached = Reached::Sender;
        connection.command(Mail::new(Some(from), vec![])).await.map_err(|error| failure(&error, *reached))?;
        *reached = Reached::Recipient;
        connection.command(Rcpt::new(to, vec![])).await.map_err(|error| failure(&error, *reached))?;
        let _taken_back = connection.command(Rset).await;
        let _farewell = connection.quit().await;
        Ok(())
    }

    /// Connects, encrypts and logs in.
    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        self.reach().await.map_err(|shut| shut.error)
    }

    /// The same, with what stood in the way. A token that is refused is asked for anew, once: it may have been revoked before its end.
    async fn reach(&self) -> Result<AsyncSmtpConnection, Shut> {
        match &self.settings.login {
            None => self.encrypted().await,
            Some((user, Login::Password(password))) => {
                let connection = self.encrypted().await?;
                log_in(connection, DEFAULT_MECHANISMS, user, password, of_login).await
            }
            Some((user, Login::Oauth(tokens))) => {
                let token = newest(tokens).await?;
                match self.by_token(user, &token).await {
                    Err(Shut { trouble: Some(Trouble::TokenRefused), .. }) => tokens.forget(&token).await,
                    answer => return answer,
                }
                self.by_token(user, &newest(tokens).await?).await
            }
        }
    }

    async fn by_token(&self, user: &str, token: &SecretString) -> Result<AsyncSmtpConnection, Shut> {
        let connection = self.encrypted().await?;
        if !connection.server_info().supports_auth_mechanism(Mechanism::Xoauth2) {
            let error = SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Protocol };
            return Err(Shut { error, trouble: Some(Trouble::NoXoauth2) });
        }
        log_in(connection, &[Mechanism::Xoauth2], user, token, of_token).await
    }

    /// Connects and encrypts.
    async fn encrypted(&self) -> Result<AsyncSmtpConnection, Shut> {
        let SmtpSettings { host, port, security, .. } = &self.settings;
        let hello = ClientId::default();
        let at_once = matches!(security, Security::Tls).then(|| self.tls.clone());
        let server = (host.as_str(), *port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, None, &hello, at_once, None)
            .await
            .map_err(|error| Shut::of(&error))?;
        let encrypts = matches!(security, Security::StartTls) && (!self.as_stranger || connection.can_starttls());
        if encrypts {
            if !connection.can_starttls() {
                let error = SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Encryption };
                return Err(Shut { error, trouble: Some(Trouble::NoStartTls) });
            }
            connection.starttls(self.tls.clone(), &hello).await.map_err(|error| Shut::of(&error))?;
        }
        Ok(connection)
    }

    /// Everything up to the server's leave to send the message; `reached` tells how far it is.
    async fn announce(&self, outgoing: &Outgoing, reached: &mut Reached) -> Result<AsyncSmtpConnection, SendError> {
        let from = address(&outgoing.envelope_from, Reached::Sender)?;
        let to = address(&outgoing.to, Reached::Recipient)?;
        let mut connection = self.connect().await?;
        let options = mail_options(&connection, outgoing)?;
        *reached = Reached::Sender;
        connection.command(Mail::new(Some(from), options)).await.map_err(|error| failure(&error, *reached))?;
        *reached = Reached::Recipient;
        connection.command(Rcpt::new(to, vec![])).await.map_err(|error| failure(&error, *reached))?;
        *reached = Reached::Message;
        connection.command(Data).await.map_err(|error| failure(&error, *reached))?;
        Ok(connection)
    }

    async fn submit(&self, outgoing: &Outgoing) -> Result<Accepted, SendError> {
        let deadline = Instant::now() + self.settings.send_timeout;
        let mut reached = Reached::Server;
        let announced = timeout_at(deadline, self.announce(outgoing, &mut reached)).await;
        let late = SendError::Transient { reached, obstacle: Obstacle::Timeout };
        let mut connection = announced.map_err(|_| late)??;
        let unknown = SendError::Ambiguous { obstacle: Obstacle::Timeout };
        let answer = timeout_at(deadline, connection.message(&outgoing.bytes)).await.map_err(|_| unknown)?;
        let response = answer.map_err(|error| match error.status() {
            Some(_) => failure(&error, Reached::Message),
            None => SendError::Ambiguous { obstacle: obstacle(&error) },
        })?;
        // The letter is handed over whatever becomes of the farewell.
        let _farewell = timeout_at(deadline, connection.quit()).await;
        Ok(Accepted { code: Some(u16::from(response.code())) })
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, outgoing: &Outgoing) -> Result<Accepted, SendError> {
        // Said here, because of what follows nothing is logged.
        if let Err(error) = self.try_token().await {
            warn!(error = %error, "no access token to send letters with");
            return Err(NO_TOKEN);
        }
        self.submit(outgoing).with_subscriber(NoSubscriber::default()).await
    }
}

/// What the MAIL command must announce, as far as the server offers it (RFC 6531, RFC 6152).
fn mail_options(connection: &AsyncSmtpConnection, outgoing: &Outgoing) -> Result<Vec<MailParameter>, SendError> {
    let mut options = Vec::new();
    let offers = |extension| connection.server_info().supports_feature(extension);
    if !outgoing.to.is_ascii() || !outgoing.envelope_from.is_ascii() || !outgoing.bytes.is_ascii() {
        if !offers(Extension::SmtpUtfEight) || !offers(Extension::EightBitMime) {
            return Err(SendError::Permanent { reached: Reached::Recipient, obstacle: Obstacle::Address });
        }
        options.push(MailParameter::SmtpUtfEight);
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(options)
}

fn address(text: &str, reached: Reached) -> Result<Address, SendError> {
    text.parse().map_err(|_| SendError::Permanent { reached, obstacle: Obstacle::Address })
}

/// A failure that says nothing about the letter: it stays, whatever the server's code.
fn before_letter(error: &lettre::transport::smtp::Error) -> SendError {
    SendError::Transient { reached: Reached::Server, obstacle: obstacle(error) }
}

/// Nothing was said to the server yet.
const NO_TOKEN: SendError = SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Token };

async fn newest(tokens: &AccessTokens) -> Result<SecretString, Shut> {
    tokens.access().await.map_err(|_| Shut { error: NO_TOKEN, trouble: None })
}

async fn log_in(
    mut connection: AsyncSmtpConnection,
    mechanisms: &[Mechanism],
    user: &str,
    secret: &SecretString,
    trouble: fn(&lettre::transport::smtp::Error) -> Option<Trouble>,
) -> Result<AsyncSmtpConnection, Shut> {
    let credentials = Credentials::new(user.to_owned(), secret.expose_secret().to_owned());
    match connection.auth(mechanisms, &credentials).await {
        Ok(_) => Ok(connection),
        Err(error) => Err(Shut { trouble: trouble(&error), ..Shut::of(&error) }),
    }
}

/// What a login by access token that failed comes to.
fn of_token(error: &lettre::transport::smtp::Error) -> Option<Trouble> {
    match error.status() {
        Some(code) => (u16::from(code) >= 500).then_some(Trouble::TokenRefused),
        // In the place of its no, a server says first why (334), which the library takes for a question that it cannot answer.
        None if error.is_client() => Some(Trouble::TokenRefused),
        None => Trouble::of(error),
    }
}

/// What a login that failed comes to.
fn of_login(error: &lettre::transport::smtp::Error) -> Option<Trouble> {
    match error.status() {
        // 4xx is a server that cannot say at the moment (RFC 4954 §4.7.3).
        Some(code) => (u16::from(code) >= 500).then_some(Trouble::LoginRefused),
        // The library finds no mechanism that both sides speak.
        None if error.is_client() => Some(Trouble::NoLogin),
        None => Trouble::of(error),
    }
}

/// A failure about the letter: 5xx is final, everything else is not (RFC 5321 §4.2.1). A refused sender is ours, and the same
/// for every letter: it says no more about this one than a refused login does.
fn failure(error: &lettre::transport::smtp::Error, reached: Reached) -> SendError {
    let obstacle = obstacle(error);
    match obstacle {
        Obstacle::Reply(500..) if reached != Reached::Sender => SendError::Permanent { reached, obstacle },
        _ => SendError::Transient { reached, obstacle },
    }
}

fn obstacle(error: &lettre::transport::smtp::Error) -> Obstacle {
    match error.status() {
        Some(code) => Obstacle::Reply(u16::from(code)),
        // A handshake that fails is an error of the connection to the library.
        None if error.is_tls() || Trouble::of(error).is_some_and(Trouble::is_encryption) => Obstacle::Encryption,
        None if error.is_timeout() => Obstacle::Timeout,
        None if error.is_response() || error.is_client() => Obstacle::Protocol,
        None => Obstacle::Connection,
    }
}

#[cfg(test)]
mod tests;
