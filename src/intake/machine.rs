//! Did a machine write this letter? Headers first, then the words of automatic replies.
//!
//! `X-Auto-Response-Suppress` alone proves nothing: mail clients set it on people's letters. Never looks at who the
//! sender is beyond the role names of RFC 2142 and 5321.

use super::intent::{Part, Reason};
use super::letter::Letter;
use super::lexicon::{Group, Lexicon};
use super::normal::fold;
use super::signals::Signals;
use crate::domain::stored_enum;

stored_enum! {
    /// What kind of machine wrote a letter.
    MachineKind, "machine" {
        /// An answer in somebody's name, or a notice of a program (RFC 3834).
        AutoReply = "auto_reply",
        /// Came through a mailing list (RFC 2369, RFC 2919).
        List = "list",
        /// Sent to many (Precedence: bulk, junk).
        Bulk = "bulk",
        /// A report on a letter that was sent (RFC 3464, RFC 5965).
        Bounce = "bounce",
    }
}

/// A machine that seems to have written a letter.
pub(super) struct Robot {
    pub kind: MachineKind,
    /// The rule that says so.
    pub reason: Reason,
    /// Headers show it that people's mail programs do not write. Words alone may be a person's.
    pub proven: bool,
}

impl Robot {
    pub fn proven(kind: MachineKind, reason: Reason) -> Self {
        Self { kind, reason, proven: true }
    }

    /// What words alone say, proven where a header says that the letter is an automatic answer.
    pub fn backed_by(self, other: Option<&Self>) -> Self {
        let answers = other.is_some_and(|other| other.proven && other.kind == MachineKind::AutoReply);
        Self { proven: self.proven || answers, ..self }
    }

    pub fn by_words(kind: MachineKind, reason: Reason) -> Self {
        Self { kind, reason, proven: false }
    }
}

/// The kind of machine by the headers, else by the words. Bounces are found in `bounce`.
pub(super) fn machine(letter: &Letter, new: &Signals, lexicon: &Lexicon) -> Option<Robot> {
    let proven = |kind: MachineKind, rule: &'static str| Some(Robot::proven(kind, Reason::of(rule, Part::Header)));
    if let Some(rule) = reply_header(letter) {
        return proven(MachineKind::AutoReply, rule);
    }
    let by_subject = lexicon.starts(Group::AutoSubject, &fold(&letter.subject));
    let by_subject = by_subject.then(|| Reason::of("auto.subject", Part::Subject));
    if let Some(rule) = list_header(letter).filter(|_| by_subject.is_none()) {
        return proven(MachineKind::List, rule);
    }
    let precedence = letter.header("precedence").map(str::to_ascii_lowercase);
    match precedence.as_deref().map(str::trim) {
        Some("auto_reply") => return proven(MachineKind::AutoReply, "precedence"),
        Some("list") if by_subject.is_none() => return proven(MachineKind::List, "precedence"),
        Some("bulk" | "junk") if by_subject.is_none() => return proven(MachineKind::Bulk, "precedence"),
        _ => {}
    }
    let by_body = || new.has_any(Group::AutoBody).then(|| Reason::of("auto.body", Part::New));
    by_subject.or_else(by_body).map(|reason| Robot::by_words(MachineKind::AutoReply, reason))
}

/// Headers of automatic replies. Their names are those that mail servers set, standard and not.
fn reply_header(letter: &Letter) -> Option<&'static str> {
    if let Some(value) = letter.header("auto-submitted") {
        let keyword = value.split(';').next().unwrap_or_default().trim();
        if !keyword.eq_ignore_ascii_case("no") {
            return Some("auto-submitted");
        }
    }
    const ANY_VALUE: [&str; 4] = ["x-autoreply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply"];
    if letter.headers().any(|(name, value)| ANY_VALUE.contains(&name) && !value.eq_ignore_ascii_case("no")) {
        return Some("x-autoreply");
    }
    if letter.report_type == "disposition-notification" {
        return Some("report.disposition-notification");
    }
    // Nobody could be told that a letter from a null path did not arrive: a program sent it (RFC 5321 §4.5.5).
    has_null_path(letter).then_some("return-path.null")
}

fn has_null_path(letter: &Letter) -> bool {
    letter.header("return-path").is_some_and(|path| path.split_whitespace().collect::<String>() == "<>")
}

fn list_header(letter: &Letter) -> Option<&'static str> {
    letter.headers().any(|(name, _)| name.starts_with("list-")).then_some("list")
}

/// Whether the header says that the letter answers another one automatically, rather than that a program made it:
/// contact forms mark what people write into them as `auto-generated` (RFC 3834 §5), or only have no return path.
pub(super) fn is_generated(letter: &Letter) -> bool {
    match letter.header("auto-submitted") {
        Some(value) => value.trim().to_ascii_lowercase().starts_with("auto-generated"),
        None => has_null_path(letter),
    }
}
