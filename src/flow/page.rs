//! An answer by page: what the token of a page shows, and what is said there.
//!
//! To look changes nothing. What is said goes through the functions that an answer by mail goes through: the possession is the
//! token, the intent a typed code or a button, `verify` rules on it, and the same count of wrong codes ends it. A page asks for
//! the code also where a "yes" by mail is enough, and shows neither a code nor the token of the letter.

use tracing::info;

use crate::db::Tx;
use crate::db::challenges::{self, StoredChallenge};
use crate::db::letters::LetterRow;
use crate::db::requests::{self, Stored};
use crate::domain::request::Audience;
use crate::domain::{Language, LetterKind, Role, Scope, State};
use crate::reply::letters::Letter;
use crate::reply::pages::{Ask, Note, Offer, Page, Stage, Status};
use crate::trail;
use crate::verify::{Code, Intent, Token};

use super::advance::new_letter;
use super::answer::{self, Answered, Heard};
use super::error::FlowError;
use super::house::House;
use super::{letter, note, operate, safe};

/// What somebody says on a page.
pub enum Saying {
    /// They confirm, or approve, with this code, on a form that was made after so many wrong ones.
    Confirm {
        /// As it was typed.
        code: String,
        /// The count that the form carries; `None` where a program sent it that read no form.
        tries: Option<u32>,
    },
    /// They did not ask for it, or do not agree.
    No,
    /// It shall be stopped.
    Stop,
}

/// A page with the language that it is written in.
pub struct Shown {
    /// What it tells.
    pub page: Page,
    /// The language of the letter that leads to it.
    pub language: Language,
}

/// Times that an answer is judged anew because somebody else moved the request meanwhile.
const TRIES_MAX: u32 = 4;

/// What the page of a token shows; `None` where there is none, or nothing to say or to stop any more. Writes nothing.
///
/// # Errors
/// When our own database does not answer, or a challenge was forged.
pub async fn look(house: &House, token: &Token) -> Result<Option<Shown>, FlowError> {
    let mut tx = house.db.read().await?;
    let Some((asked, stored)) = of_token(house, &mut tx, token).await? else { return Ok(None) };
    shown(house, &mut tx, &asked, &stored, None).await
}

/// Takes what is said on the page of a token; `None` as in [`look`]. Said twice, it is done once, and shows the same.
///
/// # Errors
/// As [`look`], and where the directory must be asked and does not answer: then nothing was taken.
pub async fn say(house: &House, token: &Token, saying: &Saying) -> Result<Option<Shown>, FlowError> {
    for _ in 1..TRIES_MAX {
        match once(house, token, saying).await {
            // It is judged anew by how things stand now.
            Err(FlowError::Moved) => {}
            said => return said,
        }
    }
    once(house, token, saying).await
}

async fn once(house: &House, token: &Token, saying: &Saying) -> Result<Option<Shown>, FlowError> {
    let mut tx = house.db.read().await?;
    let Some((asked, _)) = of_token(house, &mut tx, token).await? else { return Ok(None) };
    let Some(mut answered) = Answered::by_page(house, &mut tx, asked.clone()).await? else { return Ok(None) };
    drop(tx);
    let heard = match heard(house, saying) {
        Ok(heard) => heard,
        Err(note) => {
            let mut tx = house.db.read().await?;
            return shown(house, &mut tx, &asked, &answered.stored, Some(note)).await;
        }
    };
    answered.ask_again(house, &heard).await?;
    let mut tx = house.db.write().await?;
    let Some((asked, stored)) = of_token(house, &mut tx, token).await? else { return Ok(None) };
    let note = take(house, &mut tx, (&asked, &stored), &answered, (saying, &heard)).await?;
    tx.commit().await?;
    let mut tx = house.db.read().await?;
    let Some((asked, stored)) = of_token(house, &mut tx, token).await? else { return Ok(None) };
    match (saying, stored.request.state) {
        (Saying::No | Saying::Stop, State::Withdrawn | State::Refused) => {
            status(house, &mut tx, &asked, &stored, Stage::Stopped).await
        }
        _ => shown(house, &mut tx, &asked, &stored, note).await,
    }
}

/// Judges what was said, and writes what follows; what is wrong with a code.
async fn take(
    house: &House,
    tx: &mut Tx,
    (asked, stored): (&StoredChallenge, &Stored),
    answered: &Answered,
    (saying, heard): (&Saying, &Heard<'_>),
) -> Result<Option<Note>, FlowError> {
    if stored.request.state.is_ended() {
        return Ok(None);
    }
    if let Saying::Confirm { tries, .. } = saying {
        // A code counts where it is asked for, and nowhere else: what pauses a request, for one, is told by mail.
        if !is_asked(house, asked, stored) {
            return Ok(None);
        }
        // The form was sent already, or somebody else was wrong meanwhile: what it says is typed again, and no try is lost.
        if tries.is_some_and(|tries| tries != asked.challenge.attempts) {
            return Ok(Some(Note::Wrong));
        }
    }
    let decision = answer::decide(house, tx, stored, answered, heard).await?;
    if decision.event(stored).is_none() {
        return Ok(None);
    }
    let facts = note::answer_on_page(heard.facts.intent, heard.facts.codes.len() as u64)?;
    let (case, actor) = (stored.request.case, trail::Actor::PROGRAM);
    note::append(house, tx, case, trail::Event::AnswerJudged, actor, facts).await?;
    answer::carry_out(house, tx, stored, decision).await?;
    info!(request = %stored.request.id, "an answer came by page");
    Ok(matches!(saying, Saying::Confirm { .. }).then_some(Note::Wrong))
}

/// What is heard of it; for what could be no code, that one is missing: it is no try.
fn heard(house: &House, saying: &Saying) -> Result<Heard<'static>, Note> {
    let now = house.clock.now();
    match saying {
        Saying::Confirm { code, .. } => match Code::parse(code) {
            Some(code) => Ok(Heard::on_page(Intent::None, vec![code.as_str().to_owned()], now)),
            None => Err(Note::Missing),
        },
        Saying::No => Ok(Heard::on_page(Intent::No, Vec::new(), now)),
        Saying::Stop => Ok(Heard::on_page(Intent::Withdraw, Vec::new(), now)),
    }
}

async fn of_token(house: &House, tx: &mut Tx, token: &Token) -> Result<Option<(StoredChallenge, Stored)>, FlowError> {
    let Some(asked) = challenges::by_page(tx, &token.hash()).await? else { return Ok(None) };
    asked.challenge.check(house.keys.gate(), &asked.hmac)?;
    let stored = requests::load(tx, asked.challenge.request).await?;
    Ok(stored.map(|stored| (asked, stored)))
}

/// Whether this is the question that the request waits for, and it can still be answered.
fn is_asked(house: &House, asked: &StoredChallenge, stored: &Stored) -> bool {
    matches!(stored.request.state, State::AwaitingConfirmation | State::AwaitingApproval)
        && asked.challenge.round == stored.request.round
        && house.clock.now() < asked.challenge.expires_at
        && asked.challenge.attempts < house.terms().attempts_max
}

/// What is shown of a request to who holds the token of this round.
async fn shown(
    house: &House,
    tx: &mut Tx,
    asked: &StoredChallenge,
    stored: &Stored,
    note: Option<Note>,
) -> Result<Option<Shown>, FlowError> {
    let audience = answer::audience(asked);
    let stage = match stored.request.state {
        State::AwaitingConfirmation | State::AwaitingApproval if is_asked(house, asked, stored) => {
            return question(house, tx, asked, stored, note).await;
        }
        State::AwaitingApproval if audience == Audience::Asker => Stage::Approval,
        State::Scheduled => Stage::Scheduled,
        State::OnHold => Stage::Paused,
        State::NeedsReview | State::Received => Stage::Review,
        _ => return Ok(None),
    };
    status(house, tx, asked, stored, stage).await
}

/// The page that puts the question.
async fn question(
    house: &House,
    tx: &mut Tx,
    asked: &StoredChallenge,
    stored: &Stored,
    note: Option<Note>,
) -> Result<Option<Shown>, FlowError> {
    let attempts = asked.challenge.attempts;
    let tries_left = house.terms().attempts_max.saturating_sub(attempts);
    let kind = match answer::audience(asked) {
        Audience::Owner => LetterKind::ApprovalAsked,
        _ => LetterKind::Challenge,
    };
    let Some((letter, language)) = told(house, tx, asked, stored, kind).await? else { return Ok(None) };
    let ask = match letter {
        Letter::Challenge(asked) => Ask {
            owner_too: is_owner_asked_too(stored, asked.choices.iter().map(|choice| choice.scope)),
            common: asked.common,
            choices: asked.choices.into_iter().map(Offer::from).collect(),
            asked_by: None,
            expires_on: asked.expires_on,
            grace_days: asked.grace_days,
            note,
            tries: attempts,
            tries_left,
        },
        Letter::ApprovalAsked(asked) => Ask {
            common: asked.common,
            choices: vec![Offer {
                scope: asked.scope,
                subject_label: asked.subject_label,
                categories: asked.categories,
            }],
            asked_by: Some(asked.asked_by_label),
            owner_too: false,
            expires_on: asked.expires_on,
            grace_days: asked.grace_days,
            note,
            tries: attempts,
            tries_left,
        },
        _ => return Err(FlowError::Broken("a question is put by another letter")),
    };
    Ok(Some(Shown { page: Page::Ask(Box::new(ask)), language }))
}

/// Whether the letter says that the owner may be asked afterwards: a user asks for something of their own.
fn is_owner_asked_too(stored: &Stored, mut scopes: impl Iterator<Item = Scope>) -> bool {
    let ask = stored.request.ask.as_ref();
    ask.is_some_and(|ask| ask.approval && ask.role == Role::User) && scopes.any(|scope| scope != Scope::Account)
}

/// The page that says how far it is; what will be erased, where that is certain by now.
async fn status(
    house: &House,
    tx: &mut Tx,
    asked: &StoredChallenge,
    stored: &Stored,
    stage: Stage,
) -> Result<Option<Shown>, FlowError> {
    let request = &stored.request;
    let common = letter::common(house, request, request.deadlines.legal_due);
    let mut status = Status { common, stage, choices: Vec::new(), erase_on: None, can_stop: stage != Stage::Stopped };
    if stage != Stage::Scheduled {
        let language = language(house, tx, asked, stored).await?;
        return Ok(Some(Shown { page: Page::Status(Box::new(status)), language }));
    }
    let kind = match answer::audience(asked) {
        Audience::Owner => LetterKind::SecondNotice,
        _ => LetterKind::Scheduled,
    };
    let Some((letter, language)) = told(house, tx, asked, stored, kind).await? else { return Ok(None) };
    let (scope, subject_label, categories, erase_on) = match letter {
        Letter::Scheduled(planned) => (planned.scope, planned.subject_label, planned.categories, planned.erase_on),
        Letter::SecondNotice(planned) => {
            let whose = planned.subject_label.or(Some(planned.asked_by_label));
            (planned.scope, whose, planned.categories, planned.erase_on)
        }
        _ => return Err(FlowError::Broken("a status is told by another letter")),
    };
    status.choices.push(Offer { scope, subject_label, categories });
    status.erase_on = Some(erase_on);
    Ok(Some(Shown { page: Page::Status(Box::new(status)), language }))
}

/// The language of the letters to who was asked in this round, also where whom we write to was forgotten.
async fn language(house: &House, tx: &mut Tx, asked: &StoredChallenge, stored: &Stored) -> Result<Language, FlowError> {
    if answer::audience(asked) != Audience::Owner {
        return Ok(stored.request.language);
    }
    let contact = operate::unless_forgotten(safe::contact(house, tx, &stored.request).await)?;
    Ok(contact.owner_language.unwrap_or(house.config.service.language))
}

/// The facts of the letter of this kind to who was asked in this round, as it would be written now, and its language.
async fn told(
    house: &House,
    tx: &mut Tx,
    asked: &StoredChallenge,
    stored: &Stored,
    kind: LetterKind,
) -> Result<Option<(Letter, Language)>, FlowError> {
    let addressed = (answer::audience(asked), None);
    let row = new_letter(house, Some(&stored.request), kind, addressed, "", house.clock.now());
    let row = LetterRow { round: asked.challenge.round, ..row };
    let written = letter::write(house, tx, &row, Some(stored)).await?;
    Ok(written.map(|written| (written.letter, written.language)))
}
