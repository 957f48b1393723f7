//! Fills a letter with its facts: one arm per kind. Nothing is looked up outside our own database.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::Date;
use uuid::Uuid;

use crate::db::erasures::StepRow;
use crate::db::letters::{self, LetterRow, LetterState};
use crate::db::requests::{self, Stored};
use crate::db::{Tx, challenges, jobs, terminations};
use crate::domain::request::{Audience, Hold, LookReason, Origin, Request};
use crate::domain::{Language, LetterKind, RequestId, Retry, Role, Scope, State, Timestamp};
use crate::intake::Intent;
use crate::reply::letters::{
    AlarmBounced, AlarmCapped, AlarmDelayed, AlarmDueSoon, AlarmGathered, AlarmHold, AlarmLedger, AlarmMailbox,
    AlarmReview, AlarmStepFailed, AlarmTermination, ApprovalAsked, Challenge, Choice, CodeAsked, Common, Completed,
    Expired, Extension, Forwarded, InReview, Letter, NothingHeld, OnHold, PassedOn, Paused, Refused, Reminder,
    Scheduled, SecondNotice, ServiceEnded, Withdrawn,
};
use crate::stores::KeyValue;

use super::challenge::printed;
use super::error::FlowError;
use super::facts::{Closing, Contact, Offered, Opening, Refusal, Subject};
use super::gone::{self, Gone};
use super::house::House;
use super::legal::{self, HeldTarget};
use super::{kinds, outbox, promise, recipients, retention, safe, termination};

/// A letter with its facts and where it goes.
pub(super) struct Written {
    pub(super) letter: Letter,
    pub(super) language: Language,
    /// Where it goes.
    pub(super) to: String,
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
    if row.audience == Audience::Team {
        let mut team = house.config.service.team.iter();
        // An address that the team has no more is written to no more.
        let Some(to) = team.find(|address| row.addressee == Some(house.keys.lookup_mac(address))).cloned() else {
            return Ok(None);
        };
        let letter = alarm(house, tx, row, stored).await?;
        let language = house.config.service.language;
        return Ok(Some(Written { letter, language, to, token: None, in_reply_to: None }));
    }
    let stored = stored.ok_or(FlowError::Missing("the request of a letter"))?;
    if row.audience == Audience::Recipient {
        return recipients::letter(house, tx, row, stored).await;
    }
    if row.kind == LetterKind::KeptErased {
        return retention::letter(house, tx, stored, house.calendar.day(row.created_at)).await;
    }
    let desk = Desk::open(house, tx, row, stored).await?;
    let Some(to) = desk.address() else { return Ok(None) };
    let language = desk.language(house);
    let in_reply_to = desk.opening.message_id.clone().filter(|_| row.audience == Audience::Asker);
    let (letter, token) = desk.fill(house, tx, &to).await?;
    Ok(Some(Written { letter, language, to, token, in_reply_to }))
}

/// What every letter about a request names, and every page.
pub(super) fn common(house: &House, request: &Request, due_on: Date) -> Common {
    let service = &house.config.service;
    Common {
        reference: request.reference.clone(),
        service_name: service.name.clone(),
        support_address: service.address.clone(),
        received_on: house.calendar.day(request.deadlines.received_at),
        due_on,
        extendable: request.deadlines.extend(house.clock.now(), &house.config.law.pack, &house.calendar).is_ok(),
    }
}

/// All that the letters of one request are filled from.
struct Desk<'a> {
    row: &'a LetterRow,
    stored: &'a Stored,
    common: Common,
    opening: Opening,
    contact: Contact,
    subject: Subject,
    closing: Closing,
}

impl<'a> Desk<'a> {
    async fn open(house: &House, tx: &mut Tx, row: &'a LetterRow, stored: &'a Stored) -> Result<Self, FlowError> {
        let request = &stored.request;
        let is_extension = row.kind == LetterKind::Extension;
        let due_on = if is_extension { request.deadlines.base_due } else { request.deadlines.legal_due };
        Ok(Self {
            row,
            stored,
            common: common(house, request, due_on),
            // Their letter is forgotten after a while; a letter that comes later stands alone.
            opening: super::operate::unless_forgotten(safe::opening(house, tx, request).await)?,
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

    /// The owner is written to in their own language, which the directory may know; not in that of whoever asks.
    fn language(&self, house: &House) -> Language {
        match self.row.audience {
            Audience::Owner => self.contact.owner_language.unwrap_or(house.config.service.language),
            _ => self.stored.request.language,
        }
    }

    /// How much is asked for: what was confirmed, was offered, was set by an operator, or what the letter says.
    fn scope(&self) -> Scope {
        let ask = self.stored.request.ask.as_ref();
        let offered = || self.subject.offers.first().map(|offer| offer.scope);
        let said = || match (self.opening.intent, ask.map(|ask| ask.role)) {
            (Some(Intent::ErasureSpecificData), _) => Scope::Data,
            (_, Some(Role::EndUser)) => Scope::EndUser,
            (_, Some(Role::User)) => Scope::User,
            _ => Scope::Account,
        };
        let known = ask.and_then(|ask| ask.scope).or_else(offered).or(self.subject.scope_set);
        known.unwrap_or_else(said)
    }

    /// The categories of a scope: those of the plan, or those that the letter names.
    fn categories(&self, scope: Scope) -> Vec<String> {
        match self.subject.offer(scope) {
            Some(offer) => offer.target.categories.clone(),
            None if scope == Scope::Data => self.opening.categories.clone(),
            None => Vec::new(),
        }
    }

    /// Who asks, for the owner: by name and address, and where the directory has neither, by the key of their row.
    fn asker(&self) -> String {
        let name = self.subject.asker_label.as_deref().map(str::trim).filter(|name| !name.is_empty());
        match (name, self.contact.asker.as_deref()) {
            (Some(name), Some(address)) if !name.contains(address) => format!("{name} ({address})"),
            (Some(name), _) => name.to_owned(),
            (None, Some(address)) => address.to_owned(),
            (None, None) => self.subject.asker.as_ref().map(|(_, key)| key.clone()).unwrap_or_default(),
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
        // The token of a round belongs to the address that the round asked. Whoever was not asked in this one gets the
        // token of their own last round, which still stops it.
        let own = challenges::latest_of(tx, request.id, round, self.row.audience == Audience::Owner).await?;
        let printed = printed(&secret, request, own.unwrap_or(round), to, &scopes);
        let token = printed.token.as_str().to_owned();
        let link = house.config.web.as_ref().map(|web| web.page(printed.page.as_str()));
        let choices: Vec<Choice> = printed
            .codes
            .iter()
            .map(|(scope, code)| {
                let subject_label = self.subject.offer(*scope).and_then(label_of);
                let code = code.as_str().to_owned();
                Choice { scope: *scope, code, subject_label, categories: self.categories(*scope) }
            })
            .collect();
        let code_required = asked.as_ref().is_none_or(crate::verify::Challenge::needs_code);
        let expires_on = asked.as_ref().map_or(common.due_on, |asked| house.calendar.last_over(asked.expires_at));
        let grace = promise::grace(house, tx, request.id).await?;
        // A question says what was noted with it; what comes after the answer, what follows from all that was said.
        let grace_days = asked.as_ref().map_or(promise::days(grace), |asked| asked.grace_days);
        let is_stoppable = !grace.is_zero();
        let scope = self.scope();
        let (label, categories) = (self.subject.offer(scope).and_then(label_of), self.categories(scope));
        let asked_by_label = self.asker();
        let articles = &house.config.law.pack.articles;
        let unasked = request.origin == Origin::Termination;
        let letter = match self.row.kind {
            LetterKind::Challenge => {
                Letter::Challenge(Challenge { common, choices, code_required, expires_on, token, grace_days, link })
            }
            LetterKind::Reminder => {
                let answered = request.code_asked;
                Letter::Reminder(Reminder {
                    common,
                    choices,
                    code_required,
                    expires_on,
                    token,
                    grace_days,
                    answered,
                    link,
                })
            }
            LetterKind::CodeAsked => {
                // As the count is when it is sent: a wrong code that came since counts too.
                let attempts_max = house.terms().attempts_max;
                let wrong = asked.as_ref().map(|asked| asked.attempts).filter(|wrong| *wrong > 0);
                let tries_left = wrong.map(|wrong| attempts_max.saturating_sub(wrong));
                Letter::CodeAsked(CodeAsked { common, choices, token, expires_on, tries_left, link })
            }
            LetterKind::Scheduled => {
                let erase_on = self.erase_on(house, grace)?;
                let (subject_label, token) = (label, is_stoppable.then_some(token));
                let link = link.filter(|_| token.is_some());
                Letter::Scheduled(Scheduled { common, scope, subject_label, categories, erase_on, token, link })
            }
            LetterKind::ServiceEnded => {
                let ended_at = termination::ended_at(tx, request).await?;
                let ended_on =
                    house.calendar.day(ended_at.ok_or(FlowError::Missing("the end of the account's service"))?);
                let (erase_on, article) = (self.erase_on(house, grace)?, articles.erasure.clone());
                Letter::ServiceEnded(ServiceEnded { common, ended_on, erase_on, scope, article })
            }
            LetterKind::ApprovalAsked => Letter::ApprovalAsked(ApprovalAsked {
                common,
                scope,
                subject_label: label,
                categories,
                asked_by_label,
                code_required,
                code: choices.into_iter().next().map(|choice| choice.code).unwrap_or_default(),
                token,
                expires_on,
                grace_days,
                link,
            }),
            LetterKind::Forwarded => {
                let (subject_label, article) = (asked_by_label, articles.processor.clone());
                Letter::Forwarded(Forwarded { common, subject_label, scope, categories, article })
            }
            LetterKind::PassedOn => Letter::PassedOn(PassedOn { common, article: articles.processor.clone() }),
            LetterKind::SecondNotice => {
                let erase_on = self.erase_on(house, grace)?;
                Letter::SecondNotice(SecondNotice {
                    common,
                    scope,
                    subject_label: label,
                    categories,
                    asked_by_label,
                    erase_on,
                    can_stop: is_stoppable,
                })
            }
            LetterKind::Paused => Letter::Paused(Paused { common }),
            LetterKind::InReview => Letter::InReview(InReview { common }),
            LetterKind::OnHold => Letter::OnHold(OnHold { common, unasked, token: (!unasked).then_some(token) }),
            LetterKind::Withdrawn => {
                let resumed =
                    termination::has_resumed(tx, request).await?.map(|why| why.to_string()).unwrap_or_default();
                Letter::Withdrawn(Withdrawn { common, by_team: self.closing.withdrawn_by_team, unasked, resumed })
            }
            LetterKind::Expired => Letter::Expired(Expired { common, answered: request.code_asked }),
            LetterKind::Completed => {
                let told = recipients::named(house, tx, request.id).await?;
                let told_at_end = retention::is_wanted(house, tx, request.case).await?;
                let completed = self.completed(house, scope, label, categories, told);
                Letter::Completed(Completed { told_at_end, ..completed })
            }
            LetterKind::RecipientAsked | LetterKind::RecipientReminded | LetterKind::KeptErased => {
                return Err(FlowError::Broken("a letter that is filled elsewhere"));
            }
            LetterKind::NothingHeld => {
                Letter::NothingHeld(NothingHeld { common, searched: self.closing.searched.clone() })
            }
            LetterKind::Refused => Letter::Refused(self.refused(house)),
            LetterKind::Extension => Letter::Extension(Extension {
                common,
                new_due_on: request.deadlines.legal_due,
                reason: self.closing.extension_reason.clone().unwrap_or_default(),
                article: articles.extension.clone(),
            }),
            LetterKind::AlarmReview
            | LetterKind::AlarmStepFailed
            | LetterKind::AlarmBounced
            | LetterKind::AlarmDelayed
            | LetterKind::AlarmDueSoon
            | LetterKind::AlarmMailbox
            | LetterKind::AlarmLedger
            | LetterKind::AlarmCapped
            | LetterKind::AlarmTermination
            | LetterKind::AlarmRecipient
            | LetterKind::AlarmGathered => return Err(FlowError::Broken("an alarm is written to the team")),
        };
        let carries = letter_carries_token(self.row.kind) && !unasked;
        Ok((letter, carries.then(|| printed.token.as_str().to_owned())))
    }

    /// The day on which it is erased: no other date stands in for it. A letter that leaves late gives as long to stop it.
    fn erase_on(&self, house: &House, grace: Duration) -> Result<Date, FlowError> {
        let at = self.stored.request.erase_at.ok_or(FlowError::Missing("the end of the grace period"))?;
        Ok(house.calendar.day(at.max(house.clock.now().plus(grace))))
    }

    fn completed(
        &self,
        house: &House,
        scope: Scope,
        label: Option<String>,
        categories: Vec<String>,
        told: recipients::Named,
    ) -> Completed {
        let service = &house.config.service;
        let finished_on = house.calendar.day(self.row.created_at);
        Completed {
            common: self.common.clone(),
            unasked: self.stored.request.origin == Origin::Termination,
            scope,
            subject_label: label,
            categories,
            outcome: self.closing.outcome.clone(),
            detached: self.closing.detached,
            backups: house.backups(&self.closing.found_in, finished_on),
            recipients: told.confirmed,
            refused: told.refused,
            unconfirmed: told.unconfirmed,
            told_at_end: false,
            finished_on,
            article: house.config.law.pack.articles.exceptions.clone(),
            supervisory_authority: service.supervisory_authority.clone(),
            court_remedy: service.court_remedy.of(self.language(house)).to_owned(),
        }
    }

    fn refused(&self, house: &House) -> Refused {
        let service = &house.config.service;
        let refusal = self.closing.refusal.clone().unwrap_or_else(|| Refusal {
            // The owner of the account said no to their user. The data are the owner's to decide about, so no exception
            // of the law is claimed.
            ground: house.templates.refused_by_owner(self.language(house)).to_owned(),
            article: house.config.law.pack.articles.instructions.clone(),
            data: Vec::new(),
            review_on: None,
        });
        let data_concerned = if refusal.data.is_empty() { self.all_data(house) } else { refusal.data };
        Refused {
            common: self.common.clone(),
            ground: refusal.ground,
            article: refusal.article,
            data_concerned,
            review_on: refusal.review_on,
            supervisory_authority: service.supervisory_authority.clone(),
            court_remedy: service.court_remedy.of(self.language(house)).to_owned(),
        }
    }

    /// All that was asked for, in words: what was confirmed, or all that was offered.
    fn all_data(&self, house: &House) -> Vec<String> {
        let (language, confirmed) = (self.language(house), self.stored.request.ask.as_ref().and_then(|ask| ask.scope));
        let words = |scope, label: Option<&str>, categories: &[String]| match categories {
            [] => vec![house.templates.what(language, scope, label, &[])],
            named => named.to_vec(),
        };
        let meant = self.subject.offers.iter().filter(|offer| confirmed.is_none_or(|scope| scope == offer.scope));
        let mut data: Vec<String> =
            meant.flat_map(|offer| words(offer.scope, label_of(offer).as_deref(), &offer.target.categories)).collect();
        if data.is_empty() {
            let scope = self.scope();
            data = words(scope, None, &self.categories(scope));
        }
        data
    }
}

/// How the owner calls the person that an offer is about; the key of their row where the directory has no name.
fn label_of(offer: &Offered) -> Option<String> {
    let label = offer.label.as_ref()?;
    Some(if label.trim().is_empty() {
        offer.target.key.0.iter().map(KeyValue::to_text).collect::<Vec<_>>().join(" ")
    } else {
        label.clone()
    })
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

/// References that one letter names.
const REFERENCES_MAX: usize = 20;

/// Several alarms of one kind, told together.
async fn gathered(tx: &mut Tx, row: &LetterRow, others: &[LetterRow]) -> Result<Letter, FlowError> {
    let mut references: Vec<String> = Vec::new();
    for request in [row].into_iter().chain(others).filter_map(|alarm| alarm.request) {
        let Some(stored) = requests::load(tx, request).await? else { continue };
        let reference = stored.request.reference.to_string();
        if references.contains(&reference) {
            continue;
        }
        if references.len() == REFERENCES_MAX {
            references.push("…".to_owned());
            break;
        }
        references.push(reference);
    }
    let (count, references) = (others.len() as u64 + 1, references.join(", "));
    Ok(Letter::AlarmGathered(AlarmGathered { letter: row.kind, count, references }))
}

async fn alarm(house: &House, tx: &mut Tx, row: &LetterRow, stored: Option<&Stored>) -> Result<Letter, FlowError> {
    let others = letters::spoken_for(tx, row.id).await?;
    if !others.is_empty() {
        return gathered(tx, row, &others).await;
    }
    if row.kind == LetterKind::AlarmCapped {
        let waiting = jobs::count_waiting_for(tx, kinds::SEND, kinds::CAPPED).await?;
        return Ok(Letter::AlarmCapped(AlarmCapped { since: row.created_at, waiting }));
    }
    if row.kind == LetterKind::AlarmTermination {
        return termination_alarm(tx).await;
    }
    if row.kind == LetterKind::AlarmLedger {
        let doubt = crate::db::doubts::open(tx).await?.into_iter().next();
        let (noticed_at, store) = doubt.map_or((row.created_at, None), |doubt| (doubt.noticed_at, doubt.store));
        return Ok(Letter::AlarmLedger(AlarmLedger { noticed_at, store: store.unwrap_or_default() }));
    }
    if row.kind == LetterKind::AlarmMailbox {
        let mailbox = house.mailbox_name().to_owned();
        let polls = crate::db::polls::load(tx, &mailbox).await?;
        let since = polls.map_or(row.created_at, |polls| polls.silent_since());
        return Ok(Letter::AlarmMailbox(AlarmMailbox { mailbox, since }));
    }
    let stored = stored.ok_or(FlowError::Missing("the request of an alarm"))?;
    let request = &stored.request;
    let reference = request.reference.clone();
    let due_on: Date = request.deadlines.legal_due;
    let waiting_since: Timestamp = row.created_at;
    let failure = match safe::closing(house, tx, request).await {
        Ok(closing) => closing.failure,
        Err(error) if error.retry() == Retry::Transient => return Err(error),
        // An alarm leaves with less in it where that was forgotten or cannot be read.
        Err(_) => None,
    };
    Ok(match row.kind {
        LetterKind::AlarmReview => {
            let unsearchable = LookReason::Unsearchable.as_str();
            let is_unsearchable = failure.as_ref().is_some_and(|failure| failure.reason == unsearchable);
            let word = match (request.state, request.review) {
                (State::Reopened | State::WaitingOnRecipients | State::Completed, _) if is_unsearchable => {
                    LookReason::Unsearchable.as_str()
                }
                (State::Reopened | State::Erasing | State::Completed, _) => LookReason::Reopened.as_str(),
                (State::NotFound, _) => LookReason::NotFound.as_str(),
                (State::Refused, _) => LookReason::ReviewDay.as_str(),
                (_, Some(reason)) => reason.as_str(),
                (State::AwaitingConfirmation | State::AwaitingApproval | State::Scheduled, None)
                    if request.code_asked =>
                {
                    LookReason::AskedBack.as_str()
                }
                (State::OnHold, None) if request.held.is_some_and(|(_, by)| by == Hold::Unproven) => {
                    LookReason::AskedMeanwhile.as_str()
                }
                (state, None) => state.as_str(),
            };
            let failure = failure.filter(|failure| failure.reason == word);
            let told = match failure {
                Some(failure) => Some(failure.text),
                None => gone::by(tx, stored).await?.map(|gone| erased_before(&gone)),
            };
            let reason = told.map_or_else(|| word.to_owned(), |text| format!("{word}: {text}"));
            Letter::AlarmReview(AlarmReview { reference, reason, waiting_since, due_on })
        }
        LetterKind::AlarmRecipient => recipients::alarm(house, tx, request).await?,
        LetterKind::AlarmStepFailed => {
            let steps = crate::db::erasures::steps(tx, request.id).await?;
            let left =
                |step: &&StepRow| step.counts.as_ref().is_some_and(|counts| counts["residue"].as_u64() > Some(0));
            let unfinished = || steps.iter().find(|step| step.state != "read_back");
            let open = steps.iter().find(left).or_else(unfinished).or(steps.last());
            let jobs = crate::db::jobs::list(tx, &[crate::db::jobs::JobState::Dead], Some(request.id), 1).await?;
            let reason = jobs.first().and_then(|job| job.reason.clone()).unwrap_or_else(|| "unknown".to_owned());
            let place = failure.as_ref().map(|failure| (failure.store.clone(), failure.table.clone()));
            let (store, table) = place.unwrap_or_default();
            let holds = match &failure {
                Some(failure) => holds(house, tx, &failure.holds).await?,
                None => Vec::new(),
            };
            Letter::AlarmStepFailed(AlarmStepFailed {
                reference,
                holds,
                waits: failure.as_ref().is_some_and(|failure| failure.waits),
                store: store.or_else(|| Some(open?.store.clone())).unwrap_or_else(|| "-".to_owned()),
                table: table.or_else(|| Some(open?.table.clone())).unwrap_or_else(|| "-".to_owned()),
                reason: failure.map_or(reason, |failure| match failure.reason.as_str() {
                    FlowError::HELD => failure.reason,
                    _ => failure.text,
                }),
            })
        }
        LetterKind::AlarmBounced => {
            let lost = match about(tx, row).await? {
                Some(letter) => Some(letter),
                None => last_lost(tx, request.id).await?,
            };
            let certain = lost.as_ref().is_some_and(|letter| letter.state != LetterState::Held);
            let obstacle = lost.as_ref().and_then(|letter| letter.obstacle.clone());
            let letter = lost.map_or(LetterKind::Challenge, |letter| letter.kind);
            Letter::AlarmBounced(AlarmBounced { reference, letter, certain, obstacle })
        }
        LetterKind::AlarmDelayed => {
            let late = about(tx, row).await?.ok_or(FlowError::Missing("the letter of an alarm"))?;
            let since = late.put_off_at.unwrap_or(late.created_at);
            let until = outbox::tried_until(since);
            Letter::AlarmDelayed(AlarmDelayed { reference, letter: late.kind, since, until, obstacle: late.obstacle })
        }
        LetterKind::AlarmDueSoon => {
            // An alarm before the base due date is about that one: the notice of an extension may not have left.
            let base_due = request.deadlines.base_due;
            let due_on = if row.created_at.date() <= base_due { base_due } else { due_on };
            Letter::AlarmDueSoon(AlarmDueSoon { reference, state: request.state, due_on })
        }
        _ => return Err(FlowError::Broken("a letter to the team that is no alarm")),
    })
}

/// What an alarm says of somebody who was erased before.
fn erased_before(gone: &Gone) -> String {
    let (what, by) = (if gone.account { "the account" } else { "what this address asked for" }, &gone.by);
    format!("{what} was erased by {by}")
}

/// What the directory said last of ended services.
async fn termination_alarm(tx: &mut Tx) -> Result<Letter, FlowError> {
    let run =
        terminations::last_run(tx).await?.ok_or(FlowError::Missing("what the directory said of ended services"))?;
    Ok(Letter::AlarmTermination(AlarmTermination {
        asked_at: run.ran_at,
        stopped: run.stopped.map(|stop| stop.to_string()).unwrap_or_default(),
        listed: run.listed,
        accounts: run.accounts,
        due: run.due,
        undated: run.undated,
        doubled: run.doubled,
    }))
}

/// The legal holds that work waits for, as an alarm tells them: of a person or an account no more than that it is one.
async fn holds(house: &House, tx: &mut Tx, ids: &BTreeSet<Uuid>) -> Result<Vec<AlarmHold>, FlowError> {
    let still = legal::still(&house.kek, tx, ids).await?;
    let told = still.into_iter().map(|(hold, target)| AlarmHold {
        id: hold.id.to_string(),
        on: hold.kind.to_string(),
        place: match target {
            Some(HeldTarget::Subject(at, _) | HeldTarget::Table(at)) => at.to_string(),
            Some(HeldTarget::Store(store)) => store.to_string(),
            Some(HeldTarget::Account(_) | HeldTarget::Everything) | None => String::new(),
        },
        since: hold.placed_at,
    });
    Ok(told.collect())
}

/// The letter that an alarm is about.
async fn about(tx: &mut Tx, alarm: &LetterRow) -> Result<Option<LetterRow>, FlowError> {
    match alarm.about {
        Some(id) => Ok(letters::load(tx, id).await?),
        None => Ok(None),
    }
}

/// The last letter to a person that did not reach them.
async fn last_lost(tx: &mut Tx, request: RequestId) -> Result<Option<LetterRow>, FlowError> {
    let written = letters::of_request(tx, request).await?;
    Ok(written.into_iter().rev().find(|letter| letter.is_lost() && !letter.kind.is_alarm()))
}
