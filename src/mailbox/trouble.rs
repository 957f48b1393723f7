//! What keeps a connection to a mail server from being made, in our words and with what helps. Read from the types of an
//! error and never from its text, which may quote the server.

use std::error::Error;
use std::fmt;
use std::io;

use tokio_rustls::rustls;
use tokio_rustls::rustls::CertificateError;

/// What stands in the way before anything is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The name of the host is not known.
    NoName,
    /// The port is closed.
    Refused,
    /// Nothing leads there.
    NoRoute,
    /// No answer came.
    Silent,
    /// The connection ended while TLS began.
    CutOff,
    /// The certificate is signed by nobody whom we trust.
    NotTrusted,
    /// The certificate is for another name.
    OtherName,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is one of an authority, and the server uses it as its own.
    OfAuthority,
    /// The certificate is not made for servers.
    OtherPurpose,
    /// The certificate was revoked.
    Revoked,
    /// The certificate is no X.509 of version 3, or encoded in another way than that says.
    BadlyMade,
    /// The certificate is signed in a way that is not taken any more.
    OldSignature,
    /// The certificate cannot be used for another reason.
    Certificate,
    /// The port speaks without TLS at first.
    NotTls,
    /// The server offers no STARTTLS.
    NoStartTls,
    /// User and password are refused.
    LoginRefused,
    /// No login is offered that we know.
    NoLogin,
    /// Two access tokens are refused, of which the second was new.
    TokenRefused,
    /// No login by access token is offered.
    NoXoauth2,
}

/// Whether a name has an address. Asked by itself, because the error of a connection does not tell it from others.
pub async fn is_known(host: &str, port: u16) -> bool {
    let found = tokio::net::lookup_host((host, port)).await;
    found.is_ok_and(|mut addresses| addresses.next().is_some())
}

impl Trouble {
    /// What an error, or what lies under it, comes to; `None` where its type says nothing of the kind.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            let io = error.downcast_ref::<io::Error>();
            // What an I/O error wraps is no source of it.
            let within = io.and_then(io::Error::get_ref).and_then(|inner| inner.downcast_ref::<rustls::Error>());
            if let Some(tls) = within.or_else(|| error.downcast_ref()) {
                return of_tls(tls);
            }
            if let Some(trouble) = io.and_then(|io| of_kind(io.kind())) {
                return Some(trouble);
            }
            next = error.source();
        }
        None
    }

    /// Whether it is about the encryption.
    #[must_use]
    pub const fn is_encryption(self) -> bool {
        matches!(
            self,
            Self::NotTrusted
                | Self::OtherName
                | Self::Expired
                | Self::NotYetValid
                | Self::OfAuthority
                | Self::OtherPurpose
                | Self::Revoked
                | Self::BadlyMade
                | Self::OldSignature
                | Self::Certificate
                | Self::NotTls
                | Self::NoStartTls
        )
    }
}

fn of_tls(error: &rustls::Error) -> Option<Trouble> {
    match error {
        rustls::Error::InvalidCertificate(certificate) => Some(match certificate {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Trouble::NotTrusted,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Trouble::OtherName,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Trouble::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Trouble::NotYetValid,
            CertificateError::Revoked => Trouble::Revoked,
            CertificateError::BadEncoding => Trouble::BadlyMade,
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Trouble::OtherPurpose,
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Trouble::OldSignature,
            CertificateError::Other(other) => of_verifier(&other.0),
            _ => Trouble::Certificate,
        }),
        // The first bytes were no record of TLS: a greeting in the clear.
        rustls::Error::InvalidMessage(_) => Some(Trouble::NotTls),
        _ => None,
    }
}

/// What the verifier has no type of its own for. Its errors are words of the program, and quote nothing of a certificate in these.
fn of_verifier(error: &impl ToString) -> Trouble {
    match error.to_string().as_str() {
        "CaUsedAsEndEntity" => Trouble::OfAuthority,
        "UnsupportedCertVersion" => Trouble::BadlyMade,
        _ => Trouble::Certificate,
    }
}

const fn of_kind(kind: io::ErrorKind) -> Option<Trouble> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some(Trouble::Refused),
        io::ErrorKind::TimedOut => Some(Trouble::Silent),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(Trouble::NoRoute),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
            Some(Trouble::CutOff)
        }
        _ => None,
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoName => "The name is not found in DNS: check the host, and the name server of this machine",
            Self::Refused => "Nothing listens on that port: check the port, and that the server runs",
            Self::NoRoute => "No way leads to that host: check the host and the network",
            Self::Silent => {
                "It does not answer in time: a firewall may swallow the connection, or the port begins with TLS at once (465, 993), \
                 which needs security = \"tls\""
            }
            Self::CutOff => "It ended the connection before it was encrypted: check host, port and security",
            Self::NotTrusted => {
                "Its certificate is signed by nobody whom we trust: name the authority's certificate in ca_file, or install it on \
                 this system"
            }
            Self::OtherName => "Its certificate is for another name: write the host as the certificate names it",
            Self::Expired => "Its certificate has expired: have it renewed, and check the clock of this machine",
            Self::NotYetValid => "Its certificate is not valid yet: check the clock of this machine",
            Self::OfAuthority => {
                "Its certificate is one of an authority (CA:TRUE), which no server may use as its own: make it a certificate with CA:FALSE \
                 (openssl req -x509 … -addext basicConstraints=critical,CA:FALSE), or one that this authority signs, and name the \
                 certificate to trust in ca_file"
            }
            Self::OtherPurpose => {
                "Its certificate is not made for servers: make it one whose extended key usage is serverAuth, or that has none"
            }
            Self::Revoked => "Its certificate was revoked: have it replaced",
            Self::BadlyMade => {
                "Its certificate is no X.509 of version 3, or badly encoded: make it anew, with a subject alternative name for the host"
            }
            Self::OldSignature => {
                "Its certificate is signed in a way that is not taken any more (SHA-1, or a short key): make it anew with SHA-256"
            }
            Self::Certificate => "Its certificate cannot be used: have it replaced",
            Self::NotTls => {
                "It speaks without TLS at first on that port: set security = \"starttls\", or take the port that begins with TLS \
                 (465, 993)"
            }
            Self::NoStartTls => {
                "It offers no STARTTLS, and nothing is sent in the clear: set security = \"tls\" with its port (465, 993)"
            }
            Self::NoLogin => {
                "It offers no login that we know on that port: take its port for submission (587, 465), or leave user and password out \
                 where it needs none"
            }
            Self::TokenRefused => {
                "It refuses the access token, and a new one: check that user is the account's address, that scope names SMTP and was \
                 consented to, and that the provider lets this account send by programs (SMTP AUTH)"
            }
            Self::NoXoauth2 => "It offers no login by access token (XOAUTH2) on that port: take its port for submission (587, 465)",
            Self::LoginRefused => "It refuses user and password: check both, and that this user may log in there",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_by_its_types() {
        let tls = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let certificate = |error| tls(rustls::Error::InvalidCertificate(error));
        for (error, trouble) in [
            (io::ErrorKind::ConnectionRefused.into(), Some(Trouble::Refused)),
            (io::ErrorKind::TimedOut.into(), Some(Trouble::Silent)),
            (certificate(CertificateError::UnknownIssuer), Some(Trouble::NotTrusted)),
            (certificate(CertificateError::NotValidForName), Some(Trouble::OtherName)),
            (certificate(CertificateError::Expired), Some(Trouble::Expired)),
            (tls(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)), Some(Trouble::NotTls)),
            (io::Error::other("something"), None),
        ] {
            assert_eq!(Trouble::of(&error), trouble, "{error}");
            let below = super::super::MailboxError::Tls { host: String::new(), port: 1, source: error };
            assert_eq!(Trouble::of(&below), trouble);
        }
    }
}
