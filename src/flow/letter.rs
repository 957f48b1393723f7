//! Fills a letter with its facts: one arm per kind. Nothing is looked up outside our own database.

use jiff::civil::Date;

use crate::db::letters::LetterRow;
use crate::db::requests::Stored;
use crate::db::{Tx, challenges};
use crate::domain::request::Audience;
use crate::domain::{Language, LetterKind, Scope, Timestamp};
use crate::reply::letters::{
    AlarmBounced, AlarmDueSoon, AlarmMailbox, AlarmReview, AlarmStepFailed, ApprovalAsked, Challenge, Choice,
    CodeAsked, Common, Completed, Expired, Extension, Forwarded, InReview, Letter, NothingHeld, OnHold, Refused,
    Reminder, Scheduled, Withdrawn,
};

use super::challenge::printed;
use super::error::FlowError;
use super::facts::{Closing, Contact, Subject};
use super::house::House;
use super::operate::unless_forgotten;
use super::{outbox, safe};

/// A letter with its facts and where it goes.
pub(super) struct Written {
    pub(super) letter: Letter,
    pub(super) language: Language,
    /// One address, or all of the team's.
    pub(super) to: Vec<String>,
    /// What an answer proves possession with.
    pub(super) token: Option<String>,
    /// The letter of the customer that we answer.
    pub(super) in_reply_to: Option<String>,
}

/// Fills a letter; `None` where there is nobody to write it to.
pub(super) async fn write(
    house: &House,
    tx: &mut Tx,
    row: &LetterRow,
    stored: Option<&Stored>,
) -> Result<Option<Written>, FlowError> {
    let language = outbox::language(house, row, stored);
    if row.audience == Audience::Team {
        let to = house.config.service.team.clone();
        if to.is_empty() {
            return Ok(None);
        }
        let letter = alarm(house, tx, row, stored).await?;
        return Ok(Some(Written { letter, language, to, token: None, in_reply_to: None }));
    }
    let stored = stored.ok_or(FlowError::Missing("the request of a letter"))?;
    let desk = Desk::open(house, tx, row, stored).await?;
    let Some(to) = desk.address() else { return Ok(None) };
    let (letter, token) = desk.fill(house, tx, &to).await?;
    // Their letter is forgotten after a while; a letter that comes later stands alone.
    let opening = super::operate::unless_forgotten(safe::opening(house, tx, &stored.request).await)?;
    let in_reply_to = opening.message_id.filter(|_| row.audience == Audience::Asker);
    Ok(Some(Written { letter, language, to: vec![to], token, in_reply_to }))
}

/// All that the letters of one request are filled from.
struct Desk<'a> {
    row: &'a LetterRow,
    stored: &'a Stored,
    common: Common,
    contact: Contact,
    subject: Subject,
    closing: Closing,
}

impl<'a> Desk<'a> {
    async fn open(house: &House, tx: &mut Tx, row: &'a LetterRow, stored: &'a Stored) -> Result<Self, FlowError> {
        let request = &stored.request;
        let service = &house.config.service;
        Ok(Self {
            row,
            stored,
            common: Common {
                reference: request.reference.clone(),
                service_name: service.name.clone(),
                support_address: service.address.clone(),
                received_on: house.calendar.day(request.deadlines.received_at),
                due_on: if row.kind == LetterKind::Extension {
                    request.deadlines.base_due
                } else {
                    request.deadlines.legal_due
                },
            },
            contact: safe::contact(house, tx, request).await?,
            subject: safe::subject(house, tx, request).await?,
            closing: safe::closing(house, tx, request).await?,
        })
    }

    fn address(&self) -> Option<String> {
        match self.row.audience {
            Audience::Owner => self.contact.owner.clone(),
            _ => self.contact.asker.clone(),
        }
    }

    /// The letter, and the token that it carries.
    async fn fill(self, house: &House, tx: &mut Tx, to: &str) -> Result<(Letter, Option<String>), FlowError> {
        let request = &self.stored.request;
        let round = self.row.round;
        let common = self.common.clone();
        let asked = challenges::load(tx, request.id, round).await?.map(|stored| stored.challenge);
        let scopes: Vec<Scope> =
            asked.as_ref().map(|asked| asked.choices.iter().map(|choice| choice.scope).collect()).unwrap_or_default();
        let secret = safe::contact_key(house, tx, request).await?.challenge_secret();
        // The token of the round belongs to the address that the round asked; others get no token.
        let owner_round =
            asked.as_ref().is_some_and(|asked| asked.addressee == crate::verify::Addressee::ApprovingOwner);
        let mine = owner_round == (self.row.audience == Audience::Owner);
        let printed = if mine || asked.is_none() {
            printed(&secret, request, round, to, &scopes)
        } else {
            // The asker after the owner approved: their own round's token still stops it.
            printed(&secret, request, round.saturating_sub(1), to, &scopes)
        };
        let token = printed.token.as_str().to_owned();
        let choices: Vec<Choice> = printed
            .codes
            .iter()
            .map(|(scope, code)| {
                let offer = self.subject.offer(*scope);
                Choice {
                    scope: *scope,
                    code: code.as_str().to_owned(),
                    subject_label: offer.and_then(|offer| offer.label.clone()),
                    categories: offer.map(|offer| offer.target.categories.clone()).unwrap_or_default(),
                }
            })
            .collect();
        let code_required = asked.as_ref().is_none_or(crate::verify::Challenge::needs_code);
        let expires_on = asked.as_ref().map_or(common.due_on, |asked| house.calendar.day(asked.expires_at));
        let grace_days = u32::try_from(house.policy.grace.as_secs() / 86_400).unwrap_or(0);
        let scope = request.ask.as_ref().and_then(|ask| ask.scope).or_else(|| scopes.first().copied());
        let scope = scope.unwrap_or(Scope::Account);
        let label = self.subject.offer(scope).and_then(|offer| offer.label.clone());
        let asked_by_label = self.subject.asker_label.clone().unwrap_or_default();
        let letter = match self.row.kind {
            LetterKind::Challenge => {
                Letter::Challenge(Challenge { common, choices, code_required, expires_on, token, grace_days })
            }
            LetterKind::Reminder => {
                Letter::Reminder(Reminder { common, choices, code_required, expires_on, token, grace_days })
            }
            LetterKind::CodeAsked => Letter::CodeAsked(CodeAsked { common, choices, token, expires_on }),
            LetterKind::Scheduled => {
                let erase_on = request.erase_at.map_or(common.due_on, |at| house.calendar.day(at));
                Letter::Scheduled(Scheduled { common, scope, erase_on, token })
            }
            LetterKind::ApprovalAsked => Letter::ApprovalAsked(ApprovalAsked {
                common,
                scope,
                subject_label: label,
                asked_by_label,
                code_required,
                code: choices.into_iter().next().map(|choice| choice.code).unwrap_or_default(),
                token,
                expires_on,
                grace_days,
            }),
            LetterKind::Forwarded => Letter::Forwarded(Forwarded { common, subject_label: asked_by_label }),
            LetterKind::InReview => Letter::InReview(InReview { common }),
            LetterKind::OnHold => Letter::OnHold(OnHold { common, token }),
            LetterKind::Withdrawn => Letter::Withdrawn(Withdrawn { common }),
            LetterKind::Expired => Letter::Expired(Expired { common }),
            LetterKind::Completed => Letter::Completed(self.completed(house, scope)),
            LetterKind::NothingHeld => {
                Letter::NothingHeld(NothingHeld { common, searched: self.closing.searched.clone() })
            }
            LetterKind::Refused => Letter::Refused(self.refused(house)),
            LetterKind::Extension => Letter::Extension(Extension {
                common,
                new_due_on: request.deadlines.legal_due,
                reason: self.closing.extension_reason.clone().unwrap_or_default(),
            }),
            LetterKind::AlarmReview
            | LetterKind::AlarmStepFailed
            | LetterKind::AlarmBounced
            | LetterKind::AlarmDueSoon
            | LetterKind::AlarmMailbox => return Err(FlowError::Broken("an alarm is written to the team")),
        };
        let carries = letter_carries_token(self.row.kind);
        Ok((letter, carries.then(|| printed.token.as_str().to_owned())))
    }

    fn completed(&self, house: &House, scope: Scope) -> Completed {
        let finished_on = house.calendar.day(self.row.created_at);
        Completed {
            common: self.common.clone(),
            scope,
            outcome: self.closing.outcome.clone(),
            detached: self.closing.detached,
            backups: house.backups(&self.closing.found_in, finished_on),
            recipients: Vec::new(),
            finished_on,
        }
    }

    fn refused(&self, house: &House) -> Refused {
        let service = &house.config.service;
        let (ground, article) = match &self.closing.refusal {
            Some(refusal) => (refusal.ground.clone(), refusal.article.clone()),
            // The owner of the account said no to their user.
            None => (
                house.templates.refused_by_owner(self.stored.request.language).to_owned(),
                house.config.law.pack.articles.refusal.clone(),
            ),
        };
        let categories = self.subject.offers.iter().flat_map(|offer| offer.target.categories.clone()).collect();
        Refused {
            common: self.common.clone(),
            ground,
            article,
            data_concerned: categories,
            review_on: None,
            supervisory_authority: service.supervisory_authority.clone(),
            court_remedy: service.court_remedy.clone(),
        }
    }
}

const fn letter_carries_token(kind: LetterKind) -> bool {
    matches!(
        kind,
        LetterKind::Challenge
            | LetterKind::Reminder
            | LetterKind::CodeAsked
            | LetterKind::Scheduled
            | LetterKind::ApprovalAsked
            | LetterKind::OnHold
    )
}

async fn alarm(house: &House, tx: &mut Tx, row: &LetterRow, stored: Option<&Stored>) -> Result<Letter, FlowError> {
    if row.kind == LetterKind::AlarmMailbox {
        let mailbox = house.mailbox_name().to_owned();
        let since = crate::db::deliveries::polled_at(tx, &mailbox).await?.unwrap_or(row.created_at);
        return Ok(Letter::AlarmMailbox(AlarmMailbox { mailbox, since }));
    }
    let stored = stored.ok_or(FlowError::Missing("the request of an alarm"))?;
    let request = &stored.request;
    let reference = request.reference.clone();
    let due_on: Date = request.deadlines.legal_due;
    let waiting_since: Timestamp = row.created_at;
    let failure = unless_forgotten(safe::closing(house, tx, request).await)?.failure;
    Ok(match row.kind {
        LetterKind::AlarmReview => {
            let word = request.review.map_or("reopened", |reason| reason.as_str());
            let failure = failure.filter(|failure| failure.reason == word);
            let reason = failure.map_or_else(|| word.to_owned(), |failure| format!("{word}: {}", failure.text));
            Letter::AlarmReview(AlarmReview { reference, reason, waiting_since, due_on })
        }
        LetterKind::AlarmStepFailed => {
            let steps = crate::db::erasures::steps(tx, request.id).await?;
            let open = steps.iter().find(|step| step.state != "read_back").or(steps.last());
            let jobs = crate::db::jobs::list(tx, &[crate::db::jobs::JobState::Dead], Some(request.id), 1).await?;
            let reason = jobs.first().and_then(|job| job.reason.clone()).unwrap_or_else(|| "unknown".to_owned());
            let place = failure.as_ref().map(|failure| (failure.store.clone(), failure.table.clone()));
            let (store, table) = place.unwrap_or_default();
            Letter::AlarmStepFailed(AlarmStepFailed {
                reference,
                waits: failure.as_ref().is_some_and(|failure| failure.waits),
                store: store.or_else(|| Some(open?.store.clone())).unwrap_or_else(|| "-".to_owned()),
                table: table.or_else(|| Some(open?.table.clone())).unwrap_or_else(|| "-".to_owned()),
                reason: failure.map_or(reason, |failure| failure.text),
            })
        }
        LetterKind::AlarmBounced => {
            let letters = crate::db::letters::of_request(tx, request.id).await?;
            let lost = letters.iter().rev().find(|letter| letter.is_lost());
            Letter::AlarmBounced(AlarmBounced { reference, letter: lost.map_or(LetterKind::Challenge, |row| row.kind) })
        }
        LetterKind::AlarmDueSoon => {
            Letter::AlarmDueSoon(AlarmDueSoon { reference, state: request.state.to_string(), due_on })
        }
        _ => return Err(FlowError::Broken("a letter to the team that is no alarm")),
    })
}
