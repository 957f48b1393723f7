//! Letters that came back: delivery status notifications (RFC 3464), feedback reports (RFC 5965), and the plain
//! returns of servers that know neither.
//!
//! Says what came back and why; never whether the letter was ours (the recipients' plus-addresses tell that).

use std::fmt;

use super::Address;
use super::intent::{Part, Reason};
use super::letter::{Letter, id};
use super::lexicon::{Group, Lexicon};
use super::machine::{MachineKind, Robot};
use super::normal::{cut, fold};

const VALUE_CHARS_MAX: usize = 200;

/// What a returned letter says.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bounce {
    /// Whom it could not be delivered to.
    pub final_recipient: Option<Address>,
    /// The enhanced status code (RFC 3463), for example `5.1.1`.
    pub status: Option<String>,
    /// `failed`, `delayed`, `delivered`, `relayed` or `expanded` (RFC 3464 §2.3.3), lower case.
    pub action: Option<String>,
    /// The Message-ID of the letter that came back, without angle brackets.
    pub original_message_id: Option<String>,
}

impl Bounce {
    /// Whether the letter is lost. A notification may also say that it is late, passed on or delivered (RFC 3464
    /// §2.3.3); one that names no action is a plain return.
    #[must_use]
    pub fn says_failed(&self) -> bool {
        self.action.as_deref().is_none_or(|action| action == "failed")
    }
}

impl fmt::Debug for Bounce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounce").field("status", &self.status).field("action", &self.action).finish_non_exhaustive()
    }
}

/// What came back, if this is a returned letter, and what says so.
pub(super) fn bounce(letter: &Letter, lexicon: &Lexicon) -> Option<(Bounce, Robot)> {
    let robot = shape(letter, lexicon)?;
    let mut bounce = Bounce::default();
    for report in &letter.reports {
        read_report(report, &mut bounce);
    }
    read_report(&letter.plain, &mut bounce);
    let enclosed = letter.enclosed.iter().find_map(|enclosed| enclosed.message_id.clone());
    bounce.original_message_id = enclosed.or(bounce.original_message_id);
    if bounce.final_recipient.is_none() {
        bounce.final_recipient = letter.header("x-failed-recipients").and_then(first_address);
    }
    Some((bounce, robot))
}

fn shape(letter: &Letter, lexicon: &Lexicon) -> Option<Robot> {
    let proven = |rule: &'static str, part: Part| Some(Robot::proven(MachineKind::Bounce, Reason::of(rule, part)));
    let header = |rule: &'static str| proven(rule, Part::Header);
    if letter.media_type == "multipart/report" && letter.report_type != "disposition-notification" {
        return header("report");
    }
    if letter.header("x-failed-recipients").is_some() {
        return header("x-failed-recipients");
    }
    let reports =
        letter.reports.iter().any(|report| has_field(report, "final-recipient") || has_field(report, "feedback-type"));
    if reports {
        return header("report.part");
    }
    let subject = lexicon.has(Group::BounceSubject, &fold(&letter.subject));
    let body = || lexicon.has(Group::BounceBody, &fold(cut(shown(letter), 20_000)));
    let by_server = from_server(letter) || null_return_path(letter);
    match (by_server, subject) {
        (true, true) => proven("bounce.server+subject", Part::Subject),
        (true, false) if body() => proven("bounce.server+body", Part::New),
        (false, true) if body() => {
            Some(Robot::by_words(MachineKind::Bounce, Reason::of("bounce.subject+body", Part::New)))
        }
        _ => None,
    }
}

fn shown(letter: &Letter) -> &str {
    if letter.plain.trim().is_empty() { &letter.html } else { &letter.plain }
}

/// The role names under which mail servers write (RFC 5321 §4.5.1, RFC 2142, and the common daemon's name).
fn from_server(letter: &Letter) -> bool {
    const ROLES: [&str; 4] = ["mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon"];
    let raw = letter.header("from").unwrap_or_default().to_ascii_lowercase();
    ROLES.iter().any(|role| raw.contains(role)) || raw.contains("mail delivery") || raw.is_empty()
}

/// The reverse-path that RFC 5321 §4.5.5 wants of every notification.
fn null_return_path(letter: &Letter) -> bool {
    letter.header("return-path").is_some_and(|path| path.replace(' ', "") == "<>")
}

fn has_field(report: &str, name: &str) -> bool {
    report.lines().any(|line| line.split_once(':').is_some_and(|(key, _)| key.trim().eq_ignore_ascii_case(name)))
}

/// Takes what the fields of a report say; the first of each counts.
fn read_report(report: &str, bounce: &mut Bounce) {
    for line in report.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = cut(value.trim(), VALUE_CHARS_MAX);
        match key.trim().to_ascii_lowercase().as_str() {
            "final-recipient" | "original-recipient" if bounce.final_recipient.is_none() => {
                bounce.final_recipient = first_address(value.split_once(';').map_or(value, |(_, address)| address));
            }
            "status" if bounce.status.is_none() => bounce.status = status(value),
            "action" if bounce.action.is_none() => {
                bounce.action = value.split_whitespace().next().map(str::to_ascii_lowercase);
            }
            "message-id" if bounce.original_message_id.is_none() => {
                bounce.original_message_id = id(value.trim_matches(['<', '>']));
            }
            _ => {}
        }
    }
}

/// RFC 3463 §2: class, subject, detail.
fn status(value: &str) -> Option<String> {
    let code = value.split_whitespace().next()?;
    let numbers: Vec<&str> = code.split('.').collect();
    let well_formed = numbers.len() == 3 && numbers.iter().all(|n| n.len() <= 3 && n.parse::<u16>().is_ok());
    well_formed.then(|| code.to_owned())
}

fn first_address(text: &str) -> Option<Address> {
    text.split([' ', ',', ';']).find_map(|word| word.trim_matches(['<', '>', ' ']).parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failed_delivery_is_a_loss() {
        let said = |report: &str| {
            let mut bounce = Bounce::default();
            read_report(report, &mut bounce);
            bounce.says_failed()
        };
        assert!(said("Final-Recipient: rfc822; a@b.example\nAction: Failed\nStatus: 5.1.1"));
        assert!(said("Final-Recipient: rfc822; a@b.example"));
        for action in ["delayed", "Delayed (still trying)", "relayed", "delivered", "expanded"] {
            assert!(!said(&format!("Final-Recipient: rfc822; a@b.example\nAction: {action}")), "{action}");
        }
    }
}
