//! The gate as a type: only this room makes an [`Authority`].

use crate::domain::{AuthorityId, RequestId, Timestamp, stored_enum};

stored_enum! {
    /// On what an authority rests.
    AuthorityKind, "authority" {
        /// A person proved that they own the address on file, or two operators vouched with evidence.
        Verified = "verified",
        /// The account's service ended; the deletion policy erases it.
        Termination = "termination",
        /// A completed plan goes on: second sweep, replay, retention that ended.
        Continuation = "continuation",
    }
}

/// What permits exactly one plan of exactly one request to be executed. It cannot be built outside `verify`.
#[derive(Debug)]
pub struct Authority {
    id: AuthorityId,
    request: RequestId,
    kind: AuthorityKind,
    account_mac: [u8; 32],
    plan_digest: [u8; 32],
    expires_at: Timestamp,
}

impl Authority {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> AuthorityId {
        self.id
    }
    /// The request that it is for.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.request
    }
    /// What it rests on.
    #[must_use]
    pub const fn kind(&self) -> AuthorityKind {
        self.kind
    }
    /// HMAC of the account under the installation key.
    #[must_use]
    pub const fn account_mac(&self) -> &[u8; 32] {
        &self.account_mac
    }
    /// The digest of the one plan that it permits.
    #[must_use]
    pub const fn plan_digest(&self) -> &[u8; 32] {
        &self.plan_digest
    }
    /// Whether it still lives: it must, when the request enters `Erasing`.
    #[must_use]
    pub fn live_at(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}
