//! Keys, and what is sealed under them: destroying a key is how this program erases its own copies (DESIGN §6, Keys).
//!
//! A key-encryption key lives in a file outside the database ([`KeyEncryptionKey`]). From it come the keys of the
//! installation ([`InstallationKeys`]: look-ups, gate, digests, message ids). Every delivery and every case has
//! random keys of its own ([`DataKey`]), kept in the database only [`WrappedKey`], and personal data are kept only
//! [`Sealed`] under one of them.
//!
//! This room never reads or writes a database (`db::keys` does), never logs, and has no way to turn a key back into
//! text.
//!
//! | key | purpose | ends |
//! |---|---|---|
//! | delivery | the bytes of one letter until it is judged | once judged, or adopted by a case |
//! | letter | the letters of a case | 30 days after its end |
//! | contact | the reply address, challenge tokens and codes | when the last letter is delivered or has bounced; with the letters where one was never handed over |
//! | replay | saved keys of what was erased | with the last backup of the stores |
//! | record | private facts of the trail | with the period of the law pack |
//! | kept | the keys of rows that stay on a ground | when the time of the last of them is over and it is erased |

mod data_key;
mod installation;
mod kek;
mod sealed;
mod secret;
mod watermark;

pub use data_key::{DataKey, KeyId, KeyOwner, KeyPurpose, WrappedKey};
pub(crate) use installation::base32_lower;
pub use installation::{GateKey, InstallationKeys, Pseudonym};
pub use kek::{KeyEncryptionKey, KeyFileError};
pub use sealed::{Place, SEALED_BYTES_MAX, Sealed};
pub use secret::ChallengeSecret;
pub use watermark::{Watermark, WatermarkError, WatermarkFile};

/// What cannot be unwrapped, unsealed or sealed. None of the texts tells anything of the contents.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum VaultError {
    /// The bytes are not what was sealed here: another key, another place, or altered.
    #[error("sealed bytes do not open: they were altered, moved, or sealed under another key")]
    Altered,
    /// Not a version that this program writes.
    #[error("sealed bytes of version {0}; this program knows version 1")]
    UnknownVersion(u8),
    /// Shorter than any sealed bytes can be.
    #[error("sealed bytes are cut off")]
    CutOff,
    /// More than one blob may hold.
    #[error("more than {SEALED_BYTES_MAX} bytes for one sealed blob")]
    TooLong,
}

impl VaultError {
    /// Nothing here gets better by waiting.
    #[must_use]
    pub const fn retry(&self) -> crate::domain::Retry {
        crate::domain::Retry::Permanent
    }
}
