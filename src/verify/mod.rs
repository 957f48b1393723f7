//! Who asks, and may they? Turns a letter's claims and a person's answer into an [`Authority`].
//!
//! The [`Directory`] says who an address is, the [`AuthorityTable`] says what follows from that, a [`Challenge`]
//! goes to the address on file, and [`judge_answer`] rules on what comes back. Nothing else in the house makes an
//! [`Authority`]: its constructors are private to this room, and what is read back from the database must carry an
//! HMAC under a key that the database does not have.
//!
//! This room never sends, stores, logs or waits (the directory's look-ups excepted), and it never trusts a From line.

mod authority;
mod beginning;
mod challenge;
mod completion;
mod directory;
mod ended;
mod evidence;
mod hold;
mod kept;
mod legal;
#[cfg(test)]
mod pinned;
mod policy;
mod settled;
#[cfg(test)]
mod testing;
mod token;

pub use authority::{Authority, AuthorityKind, AuthorityRecord, CompletedPlan, ForgedAuthority, Method, Unfounded};
pub use beginning::{Beginning, BeginningRecord, ForgedBeginning, NotBegun};
pub use challenge::{
    Addressee, AnswerFacts, Challenge, ForgedChallenge, Ignored, Intent, Judge, Offer, Possession, Ruling, Terms,
    judge_answer,
};
pub use completion::{CompletionRecord, Covers, ForgedCompletion};
pub use directory::{
    ClosedDirectory, Directory, DirectoryError, Ended, FileDirectory, HttpLookup, LdapLookup, LdapSettings, Lookup,
    Membership, MissingColumn, Person, Queries, QueryError, Refusal, Row, SqlDirectory, Trial, is_filter, rehearse,
};
pub use ended::{EndedRecord, NotEnded};
pub use evidence::{Endorsed, EvidenceError, EvidenceRecord, ForgedEvidence, Hand, ProofKind, Vouched};
pub use hold::{ForgedRelease, HoldRecord, ReleaseRecord};
pub use kept::{ForgedKept, KeptRecord};
pub use legal::{ForgedLegalHold, HeldKind, LegalHoldRecord};
pub use policy::{AuthorityRow, AuthoritySettings, AuthorityTable, DoubleRow, Rule, Target};
pub use settled::Settled;
pub use token::{Code, CodeHash, MessageKey, Token, TokenHash};
