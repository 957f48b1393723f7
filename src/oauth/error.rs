//! Why there is no access token, and what helps. It holds our own words and codes from a closed list: what an endpoint says
//! besides may name accounts.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::domain::Retry;

/// An access token was not given.
#[derive(Debug, thiserror::Error)]
pub enum OauthError {
    /// The endpoint was not reached, or did not answer in time.
    #[error("the token endpoint at {host} was not reached: {why} (endpoint in [{section}])")]
    Unreachable {
        /// Its host.
        host: String,
        /// Why, in our words.
        why: &'static str,
        /// The section of the config.
        section: &'static str,
    },
    /// The endpoint refused.
    #[error("the token endpoint at {host} said {refusal}; {} in [{section}]", refusal.advice())]
    Refused {
        /// Its host.
        host: String,
        /// The code that it gave.
        refusal: OauthRefusal,
        /// The section of the config.
        section: &'static str,
    },
    /// The endpoint answered with a status that no token comes with.
    #[error("the token endpoint at {host} answered {status}; if that stays, check endpoint in [{section}]")]
    Status {
        /// Its host.
        host: String,
        /// The status of HTTP.
        status: u16,
        /// The section of the config.
        section: &'static str,
    },
    /// What the endpoint said is no answer with a token (RFC 6749 §5.1).
    #[error("the answer of {host} is none of a token endpoint; check endpoint in [{section}]")]
    Unreadable {
        /// Its host.
        host: String,
        /// The section of the config.
        section: &'static str,
    },
    /// No client for HTTPS can be made here.
    #[error("no connection over HTTPS can be prepared; is there a store of certificates on this machine?")]
    Client,
    /// The file that keeps a newer refresh token cannot be read or written.
    #[error("the renewed refresh token cannot be kept in {}", path.display())]
    Renewed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl OauthError {
    /// Whether the same question may be answered later.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Unreachable { .. } | Self::Unreadable { .. } => Retry::Transient,
            Self::Status { status, .. } if *status == 429 || *status >= 500 => Retry::Transient,
            Self::Refused { refusal: OauthRefusal::Busy, .. } => Retry::Transient,
            Self::Status { .. } | Self::Refused { .. } | Self::Client | Self::Renewed { .. } => Retry::Permanent,
        }
    }

    /// Whether the grant itself is not good any more.
    pub(super) const fn is_of_grant(&self) -> bool {
        matches!(self, Self::Refused { refusal: OauthRefusal::Grant, .. })
    }
}

/// Why an endpoint refused: the codes of RFC 6749 §5.2, and those of providers that make a difference to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OauthRefusal {
    /// `invalid_grant`: the refresh token is not good any more.
    Grant,
    /// `invalid_client`: the client is not known by this id and secret.
    Client,
    /// `unauthorized_client`: the client may not ask in this way.
    NotPermitted,
    /// `invalid_scope`: there is no such scope, or it was not consented to.
    Scope,
    /// `unsupported_grant_type`: the endpoint does not know the grant.
    GrantType,
    /// `invalid_request`: something is missing.
    Request,
    /// `interaction_required`, `consent_required`, `login_required`, `access_denied`: a person must consent.
    Consent,
    /// `temporarily_unavailable`, `server_error`, `slow_down`: not now.
    Busy,
    /// Any other.
    Other,
}

impl OauthRefusal {
    /// The refusal of this code.
    pub(super) fn of(code: &str) -> Self {
        match code {
            "invalid_grant" => Self::Grant,
            "invalid_client" => Self::Client,
            "unauthorized_client" => Self::NotPermitted,
            "invalid_scope" => Self::Scope,
            "unsupported_grant_type" => Self::GrantType,
            "invalid_request" => Self::Request,
            "interaction_required" | "consent_required" | "login_required" | "access_denied" => Self::Consent,
            "temporarily_unavailable" | "server_error" | "slow_down" => Self::Busy,
            _ => Self::Other,
        }
    }

    /// What helps.
    const fn advice(self) -> &'static str {
        match self {
            Self::Grant => "let the account's owner consent again, and put the new refresh_token",
            Self::Client => "have a new secret made at the provider, and check client_id and client_secret",
            Self::NotPermitted => "have the permission given and consented to at the provider, and check grant",
            Self::Scope => "check scope",
            Self::GrantType => "check grant and endpoint",
            Self::Request => "check endpoint (with the tenant in it), grant and scope",
            Self::Consent => "let the account's owner, or an administrator, consent at the provider for the client_id",
            Self::Busy => "it is asked again; nothing is wrong",
            Self::Other => "look into the provider's log of this client_id, and check all",
        }
    }
}

impl fmt::Display for OauthRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grant => "invalid_grant: the refresh token has expired, was revoked, or is another client's",
            Self::Client => "invalid_client: the id or the secret is wrong, or the secret has expired",
            Self::NotPermitted => "unauthorized_client: this client may not ask in this way",
            Self::Scope => "invalid_scope: what is asked for does not exist or was not consented to",
            Self::GrantType => "unsupported_grant_type: it does not know this grant",
            Self::Request => "invalid_request: something is missing or wrong",
            Self::Consent => "that a person must consent",
            Self::Busy => "that it cannot answer now",
            Self::Other => "no, for a reason of its own",
        })
    }
}
