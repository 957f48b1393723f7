//! What can go wrong while the stages are joined. No text carries personal data.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::db::DbError;
use crate::domain::Retry;
use crate::domain::request::{IllegalTransition, ReviewReason};
use crate::erase::map::TableRef;
use crate::erase::{EraseError, PlanError, rows_that};
use crate::vault::KeyPurpose;
use crate::verify::NotEnded;

use super::successor::Successor;

/// Why a piece of work could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// Our own database.
    #[error("our own database")]
    Db(#[from] DbError),
    /// How far our own database had come is not known.
    #[error(transparent)]
    Watermark(#[from] crate::vault::WatermarkError),
    /// Our own database came back from a backup, and nobody has accepted it yet.
    #[error("our own database is behind what it was; nothing is erased or sent until 'expunged ledger accept'")]
    Behind,
    /// The request's state does not take the event.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// The mailbox.
    #[error("the mailbox")]
    Mailbox(#[from] crate::mailbox::MailboxError),
    /// The directory.
    #[error("the directory")]
    Directory(#[from] crate::verify::DirectoryError),
    /// The plan cannot be made.
    #[error("the plan")]
    Plan(#[from] crate::erase::PlanError),
    /// The erasing.
    #[error("the erasing")]
    Erase(#[from] crate::erase::EraseError),
    /// A recipient cannot be asked.
    #[error("a recipient")]
    Ask(#[from] crate::stores::AskError),
    /// A letter cannot be written.
    #[error("a letter of ours")]
    Reply(#[from] crate::reply::ReplyError),
    /// A fact that a leaf of the trail cannot hold.
    #[error("the trail")]
    Fact(#[from] crate::trail::NotAFact),
    /// A leaf of the trail that cannot be written.
    #[error("the trail")]
    Leaf(#[from] crate::trail::LeafError),
    /// A challenge that this program did not write.
    #[error(transparent)]
    ForgedChallenge(#[from] crate::verify::ForgedChallenge),
    /// An authority that this program did not write.
    #[error(transparent)]
    ForgedAuthority(#[from] crate::verify::ForgedAuthority),
    /// A beginning that this program did not write.
    #[error(transparent)]
    ForgedBeginning(#[from] crate::verify::ForgedBeginning),
    /// A "completed" that this program did not write.
    #[error(transparent)]
    ForgedCompletion(#[from] crate::verify::ForgedCompletion),
    /// An end of service that this program did not write, or that permits nothing any more.
    #[error(transparent)]
    NotEnded(#[from] NotEnded),
    /// A record of kept rows that this program did not write.
    #[error(transparent)]
    ForgedKept(#[from] crate::verify::ForgedKept),
    /// Under keys of rows that were kept there are others, as far as anybody can tell.
    #[error(
        "{0}: under keys of rows that were kept there are rows with a later end, or that lead to somebody again; nobody can tell \
         whether they are those that were kept"
    )]
    Doubtful(TableRef),
    /// A hold that this program did not lift.
    #[error(transparent)]
    ForgedRelease(#[from] crate::verify::ForgedRelease),
    /// A legal hold that this program did not place.
    #[error(transparent)]
    ForgedLegalHold(#[from] crate::verify::ForgedLegalHold),
    /// Evidence that does not hold.
    #[error(transparent)]
    Evidence(#[from] crate::verify::EvidenceError),
    /// The period cannot be extended.
    #[error(transparent)]
    Extension(#[from] crate::domain::ExtensionRefused),
    /// Somebody else moved the request meanwhile: it is read again.
    #[error("the request was moved by somebody else meanwhile")]
    Moved,
    /// A key that is needed was destroyed, by its term or by hand.
    #[error("the {0} key of this case was destroyed{help}", help = without(*.0))]
    KeyDestroyed(KeyPurpose),
    /// Rows were found again after the erasing: nothing is called done while that is so.
    #[error(
        "{} still found after the erasing; where one is of the same person under another key (a trigger wrote it back, or they \
         came anew), say what becomes of it: 'expunged requests erase-again REF --recognised goes|stays'",
        rows_that(*.0, "was", "were")
    )]
    Residue(u64),
    /// A delivery of ours was cut off; whether it arrived is not known.
    #[error("the mail server went away after the letter was handed over")]
    Uncertain,
    /// Our clock and that of our own database show different times: nobody knows which periods are over.
    #[error(
        "the clock of this machine and the clock of our own database differ by {0} s; nothing begins to be erased until they agree: \
         set the wrong one right (NTP)"
    )]
    ClocksDiffer(u64),
    /// Something that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Somebody gave blanks for words.
    #[error("{0} is missing: there are only blanks")]
    Blank(&'static str),
    /// Somebody gave words that cannot be taken.
    #[error("{0}")]
    Unusable(&'static str),
    /// An article by which the law of this house knows no refusal.
    #[error(
        "the law knows no refusal by this article; use one of: {known} (a law of your country may follow behind a semicolon)"
    )]
    NoSuchArticle {
        /// Those that it knows.
        known: String,
    },
    /// A category that no data map has.
    #[error("there is no category of this name in the data maps; they have: {known}")]
    NoSuchCategory {
        /// Those that they have.
        known: String,
    },
    /// An account whose service had ended is not said to have ended any more, or not clearly, and its erasure was prepared.
    #[error(
        "the directory no longer says clearly that the service of this account has ended, and its erasure is prepared: nothing more is \
         erased until it says so again with the same date ('ended' of [directory.sql]); 'expunged holds place' keeps it from going on"
    )]
    EndUnclear,
    /// From the letter of a request that has ended a new one was opened already.
    #[error("a new request was opened from its letter already{}", of_successor(.0))]
    OpenedAnew(Successor),
    /// Every attempt at it ended its worker, and nobody knows why.
    #[error("it ended its worker each time it was tried")]
    Exhausted,
    /// What somebody named does not exist.
    #[error("there is no {0}")]
    NotFound(&'static str),
    /// A rule of the program was broken.
    #[error("{0}")]
    Broken(&'static str),
}

/// Which request goes on.
fn of_successor(successor: &Successor) -> String {
    let named =
        |reference| format!(": {reference}; what is to be done is done there ('expunged requests show {reference}')");
    successor.reference.as_ref().map_or_else(|| ", and was forgotten since".to_owned(), named)
}

/// An error with its causes, in one line: each says what is so in words and codes of ours or of a library, and no value.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An error, and what caused it, the nearest first.
fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// What helps where a key of a case is gone that nothing gives back.
const fn without(purpose: KeyPurpose) -> &'static str {
    match purpose {
        KeyPurpose::Replay => {
            ", and the saved keys of its rows with it: what is being erased goes on as a new request ('requests scope' opens it from \
             its letter; rows that had let go of the person by then are found by hand, in the steps that 'requests show' has as \
             intended), and what is open again ends with 'requests leave'"
        }
        _ => "",
    }
}

impl FlowError {
    /// Whether the same work may go through later.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Db(error) => error.retry(),
            Self::Mailbox(error) => error.retry(),
            Self::Directory(error) => error.retry(),
            Self::Erase(error) => error.retry(),
            Self::Ask(error) => error.retry(),
            // Moved: it is read again and the event applied anew.
            Self::Watermark(_)
            | Self::Behind
            | Self::Uncertain
            | Self::Moved
            | Self::Residue(_)
            | Self::ClocksDiffer(_)
            | Self::EndUnclear => Retry::Transient,
            Self::Illegal(_)
            | Self::Plan(_)
            | Self::Reply(_)
            | Self::Fact(_)
            | Self::Leaf(_)
            | Self::ForgedChallenge(_)
            | Self::ForgedAuthority(_)
            | Self::ForgedBeginning(_)
            | Self::ForgedCompletion(_)
            | Self::ForgedKept(_)
            | Self::NotEnded(_)
            | Self::Doubtful(_)
            | Self::ForgedRelease(_)
            | Self::ForgedLegalHold(_)
            | Self::Evidence(_)
            | Self::Extension(_)
            | Self::KeyDestroyed(_)
            | Self::Missing(_)
            | Self::Blank(_)
            | Self::Unusable(_)
            | Self::NoSuchArticle { .. }
            | Self::NoSuchCategory { .. }
            | Self::OpenedAnew(_)
            | Self::Exhausted
            | Self::NotFound(_)
            | Self::Broken(_) => Retry::Permanent,
        }
    }

    /// Whether a store or the directory could not be reached: the work waits for it, however long.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Directory(error) => error.retry() == Retry::Transient,
            Self::Erase(error) => error.is_away(),
            // It waits for a clock, as it does for a store.
            Self::ClocksDiffer(_) | Self::EndUnclear => true,
            _ => false,
        }
    }

    /// Whether our own database was away or busy, or the job's lease passed on: nothing is wrong with the work, and
    /// however often that happens, it is no failed attempt at it.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        let told = causes(self).find_map(|error| match error.downcast_ref() {
            Some(Self::Watermark(_)) => Some(true),
            _ => error.downcast_ref().map(DbError::is_passing),
        });
        told.unwrap_or(false)
    }

    /// Whether nothing can be written any more because of the disk that our own database lies on.
    #[must_use]
    pub fn is_of_disk(&self) -> bool {
        matches!(self, Self::Db(error @ (DbError::Full(_) | DbError::Disk(_))) if error.retry() == Retry::Permanent)
    }

    /// Whether it waits for an operator to accept our own database as it is.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        causes(self).any(|error| matches!(error.downcast_ref(), Some(Self::Behind)))
    }

    /// What a person must look at where this stopped a request for good; `None` where it is none of these causes.
    #[must_use]
    pub fn cause(&self) -> Option<ReviewReason> {
        match self {
            Self::Plan(PlanError::UnknownCategory { .. } | PlanError::NothingNamed { .. }) => {
                Some(ReviewReason::CategoryUnknown)
            }
            Self::Plan(_) => Some(ReviewReason::MapDefects),
            Self::Erase(error) if error.retry() == Retry::Permanent => match error {
                EraseError::Drift(_) | EraseError::MapChanged | EraseError::Plan(PlanError::OtherPlan) => {
                    Some(ReviewReason::PlanDrifted)
                }
                EraseError::Plan(_)
                | EraseError::Defects { .. }
                | EraseError::NotMapped { .. }
                | EraseError::UnknownWord { .. }
                | EraseError::Unmade { .. }
                | EraseError::SavedKeys { .. }
                | EraseError::NoPlaceholder { .. }
                | EraseError::NoLag { .. }
                | EraseError::PlaceholderErased { .. } => Some(ReviewReason::MapDefects),
                EraseError::TooManyRows { .. } => Some(ReviewReason::TooManyRows),
                EraseError::NoEnd { .. } | EraseError::NoBlank { .. } => Some(ReviewReason::RetentionUnclear),
                EraseError::NotOneRoot { .. } => Some(ReviewReason::SubjectMissing),
                EraseError::Store { .. } | EraseError::NotByKey { .. } => Some(ReviewReason::StoreFailed),
                _ => None,
            },
            _ => None,
        }
    }

    /// The table and column that it is about, by their names in the data map.
    #[must_use]
    pub fn place(&self) -> Option<(&TableRef, Option<&str>)> {
        match self {
            Self::Erase(error) => error.place(),
            _ => None,
        }
    }

    /// The legal holds that it waits for, by their ids.
    #[must_use]
    pub fn holds(&self) -> BTreeSet<Uuid> {
        match self {
            Self::Erase(EraseError::Held { holds, .. }) => holds.clone(),
            _ => BTreeSet::new(),
        }
    }

    /// The error with its causes, in one line. None of them carries personal data.
    #[must_use]
    pub fn chain(&self) -> String {
        chain(self)
    }

    /// Why a job waits that a legal hold stops.
    pub const HELD: &'static str = "held";

    /// Why a job waits that has to ask the directory, which does not answer.
    pub const DIRECTORY: &'static str = "directory";

    /// Why a job waits for our clock and the database's to agree.
    pub const CLOCKS: &'static str = "clocks_differ";

    /// Why a job waits for the directory to say again that a service has ended.
    pub const END_UNCLEAR: &'static str = "end_unclear";

    /// Why a job waits for an operator to accept our own database as it is.
    pub const BEHIND: &'static str = "ledger_behind";

    /// Why a job is tried again at once, more or less: somebody else was faster.
    pub const MOVED: &'static str = "moved_meanwhile";

    /// A fixed code for the job table and the log.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Db(_) => "database",
            Self::Watermark(_) => "watermark",
            Self::Behind => Self::BEHIND,
            Self::Illegal(_) => "illegal_transition",
            Self::Mailbox(_) => "mailbox",
            Self::Directory(_) => Self::DIRECTORY,
            Self::Plan(_) => "plan",
            Self::Erase(EraseError::Held { .. }) => Self::HELD,
            Self::Erase(_) => "erase",
            Self::Ask(_) => "recipient",
            Self::Reply(_) => "letter",
            Self::Fact(_) | Self::Leaf(_) => "trail",
            Self::ForgedChallenge(_) => "forged_challenge",
            Self::ForgedAuthority(_) => "forged_authority",
            Self::ForgedBeginning(_) => "forged_beginning",
            Self::ForgedCompletion(_) => "forged_completion",
            Self::ForgedKept(_) => "forged_kept",
            Self::NotEnded(NotEnded::Forged(_)) => "forged_end",
            Self::NotEnded(_) => "not_ended",
            Self::Doubtful(_) => "doubtful",
            Self::ForgedRelease(_) => "forged_release",
            Self::ForgedLegalHold(_) => "forged_legal_hold",
            Self::Evidence(_) => "evidence",
            Self::Extension(_) => "extension",
            Self::Moved => Self::MOVED,
            Self::KeyDestroyed(_) => "key_destroyed",
            Self::Residue(_) => "residue",
            Self::Uncertain => "delivery_uncertain",
            Self::ClocksDiffer(_) => Self::CLOCKS,
            Self::EndUnclear => Self::END_UNCLEAR,
            Self::Missing(_) => "missing",
            Self::Blank(_) => "blank",
            Self::Unusable(_) | Self::NoSuchArticle { .. } => "unusable",
            Self::Exhausted => "attempts_used_up",
            Self::NotFound(_) | Self::NoSuchCategory { .. } => "not_found",
            Self::Broken(_) | Self::OpenedAnew(_) => "broken_rule",
        }
    }
}
