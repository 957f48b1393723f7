//! How an explained letter looks: as a record for programs, and as a text for the person who asks "why".

use std::fmt::Write as _;

use serde::Serialize;

use crate::authenticate::{Authentication, Outcome};
use crate::db::deliveries;
use crate::domain::request::{Audience, ReviewReason};
use crate::domain::{LetterKind, Role, State};
use crate::flow::observe::Prospect;
use crate::intake::{self, IdentifierKind, Intake, Parts, Tongue};
use crate::output::printable;
use crate::verify::Rule;

use super::super::classify::reasons;

/// Why a letter is taken for what it is.
#[derive(Debug, Serialize)]
pub(super) struct Explained {
    file: String,
    disposition: intake::Disposition,
    intent: &'static str,
    confidence: f64,
    language: Option<Tongue>,
    /// The rules that spoke, each with the part of the letter that it spoke of.
    phrases: Vec<String>,
    /// What was read as new; only this counts.
    new_text: String,
    quoted: Vec<Quoted>,
    identifiers: Identifiers,
    authentication: Authenticated,
    /// What the daemon would do with it; `None` without a config.
    delivery: Option<deliveries::Disposition>,
    becomes: Option<State>,
    review: Option<ReviewReason>,
    account: Option<Meant>,
    authority: Option<Rule>,
    letters: Option<Vec<Written>>,
}

#[derive(Debug, Serialize)]
struct Quoted {
    kind: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct Identifiers {
    addresses: Vec<String>,
    numbers: Vec<Identified>,
    names: Vec<String>,
    categories: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Identified {
    kind: IdentifierKind,
    value: String,
}

#[derive(Debug, Serialize)]
struct Authenticated {
    result: Outcome,
    address: Option<String>,
    reasons: Vec<String>,
}

/// Whose account it means, masked.
#[derive(Debug, Serialize)]
pub(super) struct Meant {
    pub(super) account: String,
    pub(super) role: Role,
    pub(super) address_on_file: String,
}

/// A letter of ours that would be written.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    pub(super) letter: LetterKind,
    pub(super) to: Audience,
    /// Masked; `None` where nobody has one.
    pub(super) address: Option<String>,
}

impl Explained {
    pub(super) fn of(file: String, letter: &Intake, parts: Parts, sender: &Authentication) -> Self {
        let claims = &letter.claims;
        let quoted = [("quoted", parts.quoted), ("forwarded", parts.forwarded)].into_iter();
        let identified = claims.identifiers.iter();
        let strings = |addresses: &[intake::Address]| addresses.iter().map(|a| a.as_str().to_owned()).collect();
        Self {
            file,
            disposition: letter.verdict.disposition,
            intent: letter.verdict.intent.label(),
            confidence: (letter.verdict.confidence * 100.0).round() / 100.0,
            language: letter.language,
            phrases: reasons(&letter.verdict),
            new_text: parts.new.trim().to_owned(),
            quoted: quoted
                .filter(|(_, text)| !text.trim().is_empty())
                .map(|(kind, text)| Quoted { kind, text: text.trim().to_owned() })
                .collect(),
            identifiers: Identifiers {
                addresses: strings(&claims.addresses),
                numbers: identified.map(|one| Identified { kind: one.kind, value: one.value.clone() }).collect(),
                names: claims.names.clone(),
                categories: claims.categories.clone(),
            },
            authentication: Authenticated {
                result: sender.outcome,
                address: sender.address.as_ref().map(|address| address.as_str().to_owned()),
                reasons: sender.reasons.iter().map(ToString::to_string).collect(),
            },
            delivery: None,
            becomes: None,
            review: None,
            account: None,
            authority: None,
            letters: None,
        }
    }

    /// With what the daemon would do.
    pub(super) fn beside_a_config(
        self,
        delivery: deliveries::Disposition,
        prospect: &Prospect,
        account: Option<Meant>,
        letters: Vec<Written>,
    ) -> Self {
        Self {
            delivery: Some(delivery),
            becomes: prospect.becomes,
            review: prospect.review,
            account,
            authority: rule(prospect),
            letters: Some(letters),
            ..self
        }
    }

    /// For people: a line per answer.
    pub(super) fn text(&self) -> String {
        let mut out = printable(&self.file);
        let mut line = |head: &str, says: &str| {
            let mut lines = says.lines().map(printable);
            let _ = write!(out, "\n  {head:<15} {}", lines.next().unwrap_or_default());
            for more in lines {
                let _ = write!(out, "\n  {:<15} {more}", "");
            }
        };
        let sure = format!("{} ({}, {:.2})", self.disposition, self.intent, self.confidence);
        line("disposition", &sure);
        line("language", self.language.map_or("-", |tongue| tongue.as_str()));
        line("because", &self.phrases.join("\n"));
        line("new text", if self.new_text.is_empty() { "-" } else { &self.new_text });
        self.quoted.iter().for_each(|quoted| line(quoted.kind, &quoted.text));
        line("names", &self.identifiers.text());
        let sender = &self.authentication;
        line("sender", &format!("{} {}", sender.result, sender.address.as_deref().unwrap_or("(no one address)")));
        line("", &sender.reasons.join("\n"));
        let Some(letters) = &self.letters else {
            line("account", "not looked for: there is no config");
            return out;
        };
        let account = self.account.as_ref().map_or_else(
            || "none on file".to_owned(),
            |meant| format!("{} ({}, {})", meant.account, meant.role, meant.address_on_file),
        );
        line("account", &account);
        line("authority", self.authority.map_or("-", Rule::as_str));
        let word = |word: Option<&'static str>| word.unwrap_or("-");
        let becomes = [word(self.delivery.map(|d| d.as_str())), word(self.becomes.map(|s| s.as_str()))].join(", ");
        line("becomes", &becomes);
        let written = letters.iter().map(|one| {
            format!("{} to {} {}", one.letter, one.to, one.address.as_deref().unwrap_or("(no address on file)"))
        });
        let written = written.collect::<Vec<_>>().join("\n");
        line("would write", if written.is_empty() { "nothing to anybody" } else { &written });
        out
    }
}

impl Identifiers {
    fn text(&self) -> String {
        let numbers = self.numbers.iter().map(|one| format!("{} {}", one.kind, one.value));
        let all: Vec<String> = self.addresses.iter().chain(&self.names).cloned().chain(numbers).collect();
        let categories = self.categories.join(", ");
        match (all.is_empty(), categories.is_empty()) {
            (true, true) => "-".to_owned(),
            (false, true) => all.join("\n"),
            (true, false) => format!("data: {categories}"),
            (false, false) => format!("{}\ndata: {categories}", all.join("\n")),
        }
    }
}

/// What the authority table says, as far as it was asked.
fn rule(prospect: &Prospect) -> Option<Rule> {
    match prospect.becomes? {
        State::AwaitingConfirmation if prospect.approval => Some(Rule::ChallengeThenOwnerApproval),
        State::AwaitingConfirmation => Some(Rule::Challenge),
        State::Forwarded => Some(Rule::ForwardToOwner),
        State::NeedsReview => Some(Rule::Review),
        _ => None,
    }
}

/// The first character, and that there is more.
pub(super) fn masked(text: &str) -> String {
    text.chars().take(1).chain(['…']).collect()
}

/// An address by which its owner knows it, and nobody else.
pub(super) fn masked_address(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{domain}", masked(local)),
        None => masked(address),
    }
}
