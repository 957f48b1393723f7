//! How an explained letter looks: as a record for programs, and as a text for the person who asks "why".

use std::fmt::Write as _;

use serde::Serialize;

use crate::authenticate::{Authentication, Outcome};
use crate::db::deliveries;
use crate::domain::request::{Audience, ReviewReason};
use crate::domain::{LetterKind, Reference, Role, State};
use crate::flow::observe::{Prospect, Whom};
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
    /// The request that it belongs to already.
    request: Option<Reference>,
    account: Option<Account>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revealed: Option<Revealed>,
    /// What the authority table says, where it was asked.
    authority: Option<Rule>,
    letters: Option<Vec<Written>>,
    /// What becomes of its further requests, by other addresses that it names as its writer's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<Other>,
}

/// A further request of a letter.
#[derive(Debug, Serialize)]
struct Other {
    becomes: Option<State>,
    review: Option<ReviewReason>,
    request: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revealed: Option<Revealed>,
    authority: Option<Rule>,
    letters: Vec<Written>,
}

impl Other {
    fn of(prospect: Prospect, reveal: bool) -> Self {
        let letters = prospect.letters.into_iter().map(|(letter, to)| Written { letter, to });
        Self {
            becomes: prospect.becomes,
            review: prospect.review,
            request: prospect.request,
            revealed: prospect.whom.filter(|_| reveal).map(Revealed::from),
            authority: prospect.rule,
            letters: letters.collect(),
        }
    }

    /// For people: whose, what becomes of it, and what would be written.
    fn text(&self) -> String {
        let whose = self.revealed.as_ref().map(Revealed::text);
        let becomes = [self.becomes.map(|state| state.as_str()), self.review.map(|reason| reason.as_str())];
        let written = self.letters.iter().map(|one| format!("{} to {}", one.letter, one.to)).collect::<Vec<_>>();
        let parts = whose.into_iter().chain(becomes.into_iter().flatten().map(str::to_owned)).chain(written);
        parts.collect::<Vec<_>>().join(", ")
    }
}

#[derive(Debug, Serialize)]
struct Quoted {
    kind: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct Identifiers {
    addresses: Vec<String>,
    /// Those that it names as its writer's own; each that is on file is asked by itself.
    own: Vec<String>,
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

/// Whose account it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Account {
    /// The directory has one person of the address.
    OnFile,
    /// It has several, of one account or more: as which of them the letter asks, a person must say.
    Several,
    /// It has nobody.
    NotOnFile,
    /// That of the request which it belongs to; the directory was not asked.
    OfTheRequest,
    /// The daemon does not ask for letters like this.
    NotAsked,
}

/// What the directory has of whom the letter means, with `--reveal`.
#[derive(Debug, Serialize)]
struct Revealed {
    account: Option<String>,
    role: Option<Role>,
    address_on_file: Option<String>,
    owner_address_on_file: Option<String>,
}

/// A letter of ours that would be written.
#[derive(Debug, Serialize)]
struct Written {
    letter: LetterKind,
    to: Audience,
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
                own: strings(&claims.own.addresses),
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
            request: None,
            account: None,
            revealed: None,
            authority: None,
            letters: None,
            others: Vec::new(),
        }
    }

    /// With what the daemon would do.
    pub(super) fn beside_a_config(self, delivery: deliveries::Disposition, prospect: Prospect, reveal: bool) -> Self {
        let account = account(delivery, &prospect);
        let letters = prospect.letters.into_iter().map(|(letter, to)| Written { letter, to });
        Self {
            delivery: Some(delivery),
            becomes: prospect.becomes,
            review: prospect.review,
            request: prospect.request,
            account: Some(account),
            revealed: prospect.whom.filter(|_| reveal).map(Revealed::from),
            authority: prospect.rule,
            letters: Some(letters.collect()),
            others: prospect.others.into_iter().map(|other| Other::of(other, reveal)).collect(),
            ..self
        }
    }

    /// Without the sender's address: its first letter and its domain are enough to see why it passes or not.
    pub(super) fn masked(mut self) -> Self {
        self.authentication.address = self.authentication.address.as_deref().map(masked);
        self
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
        line("account", &self.whose());
        line("authority", self.authority.map_or("- (not asked)", Rule::as_str));
        let becomes =
            [self.delivery.map(|d| d.as_str()), self.becomes.map(|s| s.as_str()), self.review.map(|r| r.as_str())];
        line("becomes", &becomes.into_iter().flatten().collect::<Vec<_>>().join(", "));
        let written = letters.iter().map(|one| format!("{} to {}", one.letter, one.to));
        let written = written.collect::<Vec<_>>().join("\n");
        line("would write", if written.is_empty() { "nothing to anybody" } else { &written });
        self.others.iter().for_each(|other| line("by another", &other.text()));
        out
    }
}

impl Explained {
    /// Whose account it means, in words.
    fn whose(&self) -> String {
        if let Some(revealed) = &self.revealed {
            return revealed.text();
        }
        match self.account {
            Some(Account::OnFile) => "on file; --reveal says whose, and is recorded".to_owned(),
            Some(Account::Several) => "on file more than once: a person must say which".to_owned(),
            Some(Account::OfTheRequest) => {
                self.request.as_ref().map_or_else(|| "that of its request".to_owned(), |at| format!("that of {at}"))
            }
            Some(Account::NotOnFile) => "none on file".to_owned(),
            Some(Account::NotAsked) | None => "not asked for: nothing would be opened".to_owned(),
        }
    }
}

fn masked(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    format!("{}…@{domain}", local.chars().next().unwrap_or('…'))
}

fn account(delivery: deliveries::Disposition, prospect: &Prospect) -> Account {
    match &prospect.whom {
        Some(Whom { account: Some(_), .. }) => Account::OnFile,
        Some(Whom { account: None, .. }) => Account::Several,
        None if delivery == deliveries::Disposition::Opened => Account::NotOnFile,
        None if prospect.request.is_some() => Account::OfTheRequest,
        None => Account::NotAsked,
    }
}

impl Revealed {
    fn text(&self) -> String {
        let word = |word: &Option<String>| word.as_deref().unwrap_or("-").to_owned();
        let role = self.role.map_or("several", Role::as_str);
        let (account, asker) = (word(&self.account), word(&self.address_on_file));
        format!("{account} ({role}, {asker}; owner {})", word(&self.owner_address_on_file))
    }
}

impl From<Whom> for Revealed {
    fn from(Whom { account, role, asker, owner }: Whom) -> Self {
        Self { account, role, address_on_file: asker, owner_address_on_file: owner }
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
