//! Who sent a letter, as far as a signature can tell: our own gate behind `mail-auth`, and the header of our own MX where
//! the configuration trusts it. Its answer is a fact beside a letter, and never a proof of ownership: whoever asks is
//! challenged at the address on file, signed or not.
//!
//! [`Authenticator::authenticate`] is total: it never fails and never panics, whatever the bytes. It asks DNS through
//! [`Dns`] and nothing else, and what DNS does not answer ends as [`Outcome::TempError`], never as a pass.
//!
//! # The way of a letter
//! `fields` (is the header plain?) → `sender` (exactly one address, as every parser reads it) → `signature` (rules that
//! `mail-auth` does not have) → `key` (is the key a key for mail, and long enough?) → `mail-auth` over the `answers` of DNS
//! → DMARC alignment → `results` (what our MX says, if it is trusted).
//!
//! # What does not count
//! A signature that leaves out From, the subject or Reply-To, that signs fewer instances of a header than there are, has
//! `l=`, is SHA-1, is old, or is by a key that is short (below 2048 bits), revoked or a test. Two parsers must read the one
//! address. An address of another script than ASCII is never authenticated: homoglyphs are for a person to see.
//!
//! The header of our MX counts only while somebody has proven that it takes out what others write in its name
//! ([`OurMx`]); `forgery` writes the letters by which that is tried, and reads what was delivered of them.
//!
//! SPF is not asked: it judges the envelope, which a mailbox does not keep. Our MX knew it, and its DMARC result counts
//! where it is trusted. ARC is only noted.
//!
//! # How to add a rule
//! A line in the file whose business it is, with its reason as a phrase without any part of the letter; a forged letter in
//! `tests/authentication` that passes without the rule.

mod answers;
mod dns;
mod fields;
mod forgery;
mod gate;
mod key;
mod our_mx;
mod results;
mod sender;
mod signature;
mod tags;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use mail_auth::MessageAuthenticator;
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};

use crate::domain::{Timestamp, stored_enum};
use crate::intake::Address;

pub use dns::{Dns, FileDns, NoAnswer, NotADnsFile, SystemDns};
pub use forgery::{Delivered, Forged, Forgery, forgeries};
pub use our_mx::{OurMx, Unproven};

stored_enum! {
    /// Whether a letter is from whom its one From address names.
    Outcome, "outcome of authentication" {
        /// The domain of the address vouches for it.
        Pass = "pass",
        /// Something vouches for nobody: a signature that does not count, a header that can be read in two ways.
        Fail = "fail",
        /// Nothing vouches, and nothing tries to.
        None = "none",
        /// DNS did not answer; the same letter may pass later.
        TempError = "temperror",
    }
}

stored_enum! {
    /// What a reason is about.
    Mechanism, "mechanism" {
        /// The shape of the letter's header.
        Header = "header",
        /// The From header.
        From = "from",
        /// Signatures (RFC 6376).
        Dkim = "dkim",
        /// The envelope (RFC 7208).
        Spf = "spf",
        /// Alignment and the policy of the domain (RFC 9989).
        Dmarc = "dmarc",
        /// Seals of those who passed it on (RFC 8617).
        Arc = "arc",
        /// What our own MX says (RFC 8601).
        Results = "authentication-results",
    }
}

/// Why the outcome is what it is. Carries no part of the letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reason {
    /// What it is about.
    pub mechanism: Mechanism,
    /// A phrase of ours.
    pub says: &'static str,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.mechanism, self.says)
    }
}

/// What is known of who sent a letter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authentication {
    /// Whether it is from its address.
    pub outcome: Outcome,
    /// The one address of its From header; `None` where it has none, or two parsers could read two.
    pub address: Option<Address>,
    /// Why, in the order in which it was found, each once.
    pub reasons: Vec<Reason>,
}

impl Authentication {
    /// A letter that is not judged further.
    fn refused(mechanism: Mechanism, says: &'static str) -> Self {
        Self { outcome: Outcome::Fail, address: None, reasons: vec![Reason { mechanism, says }] }
    }

    /// Why the results of our own MX were passed over, where they were.
    #[must_use]
    pub fn unproven(&self) -> Option<Unproven> {
        Unproven::ALL.iter().copied().find(|why| self.reasons.contains(&why.reason()))
    }

    /// Whether the domain of the one address vouches for the letter.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.outcome == Outcome::Pass
    }
}

/// A letter as it arrived.
#[derive(Clone, Copy)]
pub struct Arrived<'a> {
    /// Its bytes, as the mailbox has them.
    pub bytes: &'a [u8],
    /// When it arrived: signatures are judged as of then.
    pub at: Timestamp,
    /// The domain that letters to us are written to; `None` where that is not known. A signed letter to somebody else is a
    /// replay.
    pub our_domain: Option<&'a str>,
    /// Our own MX, and whether its Authentication-Results are trusted.
    pub our_mx: OurMx<'a>,
}

/// Authenticates letters.
#[derive(Clone)]
pub struct Authenticator {
    dns: Arc<dyn Dns>,
    /// Verifies signatures. Its own way to DNS leads nowhere: it is only asked what [`Dns`] has answered.
    verifier: MessageAuthenticator,
    /// How long all questions of one letter may take.
    limit: Duration,
}

/// The verifier of signatures cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the verifier of signatures cannot be made")]
pub struct NoVerifier(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Authenticator {
    /// One that asks this DNS, for so long per letter.
    ///
    /// # Errors
    /// [`NoVerifier`] where the library cannot be set up.
    pub fn new(dns: Arc<dyn Dns>, limit: Duration) -> Result<Self, NoVerifier> {
        let verifier = MessageAuthenticator::new(ResolverConfig::default(), ResolverOpts::default())
            .map_err(|error| NoVerifier(Box::new(error)))?;
        Ok(Self { dns, verifier, limit })
    }

    /// Says who sent a letter. Total: what cannot be read is a [`Outcome::Fail`] with its reason.
    pub async fn authenticate(&self, letter: &Arrived<'_>) -> Authentication {
        let judged = AssertUnwindSafe(gate::judge(&self.verifier, &*self.dns, letter)).catch_unwind();
        match tokio::time::timeout(self.limit, judged).await {
            Ok(Ok(judged)) => judged,
            Ok(Err(_)) => Authentication::refused(Mechanism::Header, "it cannot be read"),
            Err(_) => {
                let reason = Reason { mechanism: Mechanism::Dkim, says: "DNS took too long" };
                Authentication { outcome: Outcome::TempError, address: None, reasons: vec![reason] }
            }
        }
    }
}
