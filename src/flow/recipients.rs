//! Whom a request waits for: others who hold data and were asked to erase them (Art. 19 GDPR). Their rows, what they are asked,
//! what they answer, and the end of the waiting.
//!
//! Every change of a row stands in one transaction with its leaf, and the request goes on with the last of them: one after the
//! other, or each of two who answer at once would think that the other is still waited for.

use tracing::error;

use crate::db::letters::LetterRow;
use crate::db::recipients::{self, Need, Recipient, RecipientState};
use crate::db::requests::{self, Stored};
use crate::db::{Tx, challenges, jobs};
use crate::domain::request::Event;
use crate::domain::{Reference, RequestId, State, Timestamp};
use crate::erase::{EraseError, Ledger as _, told};
use crate::intake::{Acknowledgement, Intake, acknowledgement};
use crate::queue::Lease;
use crate::trail::{Actor, Event as Recorded, Fact, Facts, PrivateFacts};
use crate::verify::{Covers, Settled};

use super::advance::{advance, enqueue};
use super::desk::AWAY_WAIT;
use super::error::FlowError;
use super::house::House;
use super::operate::{self, Operator};
use super::{again, begin as beginning, completion, erase, kinds, legal, note, safe};

mod letters;
mod outset;

pub(super) use letters::{Named, alarm, letter, named};
pub(super) use outset::{begin, orders};

/// A recipient as they are now, while their request waits for them; nobody else moves one of this request before the end of the
/// transaction.
pub(super) async fn awaited(
    house: &House,
    tx: &mut Tx,
    id: RequestId,
    store: &str,
) -> Result<Option<(Stored, Recipient)>, FlowError> {
    let found = while_waiting(house, tx, id, store).await?;
    Ok(found.filter(|(_, recipient)| !is_settled(house, recipient)))
}

/// Whether a recipient is still to be asked: they have not answered that it is done or that they refuse, and nobody closed it.
pub(super) async fn is_asked(house: &House, tx: &mut Tx, id: RequestId, store: &str) -> Result<bool, FlowError> {
    let recipient = recipients::load(tx, id, store).await?;
    let refused = |recipient: &Recipient| recipient.state == RecipientState::Refused;
    Ok(recipient.is_some_and(|recipient| !is_settled(house, &recipient) && !refused(&recipient)))
}

/// Moves a recipient, with its leaf; the request goes on, or to a person, by what that means.
pub(super) async fn set(
    house: &House,
    tx: &mut Tx,
    (stored, recipient): (&Stored, &Recipient),
    to: RecipientState,
    need: Option<Need>,
    tells: bool,
) -> Result<(), FlowError> {
    move_to(house, tx, recipient, to, need).await?;
    let is_forged = recipient.state.is_settled() && !is_settled(house, recipient);
    if to != recipient.state || need != recipient.need || is_forged {
        let facts = facts(recipient, to, need)?;
        note::append(house, tx, stored.request.case, Recorded::RecipientAnswered, Actor::PROGRAM, facts).await?;
    }
    if to.is_settled() {
        return finish(house, tx, stored).await;
    }
    if need.is_some() && tells {
        let event = Event::RecipientStuck;
        advance(house, tx, stored, &event, stored.bindings.clone(), Actor::PROGRAM).await?;
    }
    Ok(())
}

/// Writes the state of a recipient, with our mark where they are settled.
async fn move_to(
    house: &House,
    tx: &mut Tx,
    recipient: &Recipient,
    to: RecipientState,
    need: Option<Need>,
) -> Result<(), FlowError> {
    let now = house.clock.now();
    let mark = to.is_settled().then(|| how(recipient, recipient.answers + 1, to, need, now).mark(house.keys.gate()));
    recipients::set_state(tx, recipient, to, need, now, mark).await.map_err(super::outbox::moved)
}

fn how(recipient: &Recipient, answers: u32, state: RecipientState, need: Option<Need>, at: Timestamp) -> Settled<'_> {
    let need = need.map_or("", Need::as_str);
    Settled { request: recipient.request, store: &recipient.store, answers, state: state.as_str(), need, at }
}

/// Where it leaves a recipient that they say it is done. Who was told a part only has done no more than that: a person looks.
pub(super) const fn done_by(recipient: &Recipient) -> (RecipientState, Option<Need>) {
    match recipient.partial {
        true => (RecipientState::InProgress, Some(Need::Unknown)),
        false => (RecipientState::Completed, None),
    }
}

/// Whether nothing more is waited for from a recipient. A row that says so and does not carry our mark was forged or altered:
/// they are still waited for.
pub fn is_settled(house: &House, recipient: &Recipient) -> bool {
    if !recipient.state.is_settled() {
        return false;
    }
    let ours = recipient.settled_at.zip(recipient.mark).is_some_and(|(at, mark)| {
        how(recipient, recipient.answers, recipient.state, recipient.need, at).is_ours(&mark, house.keys.gate())
    });
    if !ours {
        error!(
            request = %recipient.request, recipient = recipient.store,
            "a stored answer of a recipient does not carry the mark of this installation: it was forged or altered, and does not count"
        );
    }
    ours
}

fn facts(recipient: &Recipient, to: RecipientState, need: Option<Need>) -> Result<Facts, FlowError> {
    let facts = Facts::new()
        .with("store", Fact::Word(word(&recipient.store)))?
        .with("kind", Fact::Word(recipient.kind.to_string()))?
        .with("state", Fact::Word(to.to_string()))?;
    Ok(match need {
        Some(need) => facts.with("need", Fact::Word(need.to_string()))?,
        None => facts,
    })
}

/// A store's name as the trail may hold it.
fn word(store: &str) -> String {
    super::ledger::word(store)
}

/// The legal hold that stops the asking of a recipient, as the error by which an erasing waits for one.
pub(super) async fn held(
    house: &House,
    lease: &Lease,
    stored: &Stored,
    store: &str,
) -> Result<Option<FlowError>, FlowError> {
    let named = told::whose(store).and_then(|name| house.map.recipients().get_key_value(&name));
    let Some(recipient) = named else { return Ok(None) };
    if !legal::any_stands(house).await? {
        return Ok(None);
    }
    let mut tx = house.db.read().await?;
    let authority = beginning::completed(house, &mut tx, stored).await?;
    drop(tx);
    let ledger = erase::ledger(house, lease, stored, &authority, 0);
    let Some(discovery) = ledger.discovery().await.map_err(EraseError::from)? else { return Ok(None) };
    let at = legal::stops_asking(&ledger, &discovery, recipient).await?;
    Ok(at.map(|(at, holds)| EraseError::Held { at, holds }.into()))
}

/// Lets a job wait for the end of a hold, and tells the team, once.
pub(super) async fn wait_for_hold(house: &House, lease: &Lease, held: &FlowError) -> Result<(), FlowError> {
    erase::is_away(house, lease, held).await?;
    let mut tx = house.db.write().await?;
    jobs::note_reason(&mut tx, lease.held(), FlowError::HELD).await?;
    jobs::snooze_in(&mut tx, lease, house.clock.now().plus(AWAY_WAIT)).await?;
    Ok(tx.commit().await?)
}

/// Records that a recipient is about to be asked, or reminded.
pub(super) async fn intend(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    recipient: &Recipient,
    reminds: bool,
) -> Result<(), FlowError> {
    recipients::begin(tx, recipient).await.map_err(super::outbox::moved)?;
    let facts = facts(recipient, recipient.state, recipient.need)?
        .with("attempt", Fact::Count(u64::from(recipient.attempts) + 1))?
        .with("reminds", Fact::Flag(reminds))?;
    note::append(house, tx, stored.request.case, Recorded::RecipientTold, Actor::PROGRAM, facts).await
}

/// Has our stores searched once more where nobody is waited for any more: weeks may have passed, and the letter to the person
/// says what is so now. The end comes with that search.
async fn finish(house: &House, tx: &mut Tx, stored: &Stored) -> Result<(), FlowError> {
    let id = stored.request.id;
    if stored.request.state != State::WaitingOnRecipients || !all_settled(house, tx, id).await? {
        return Ok(());
    }
    let now = house.clock.now();
    enqueue(house, tx, again::sweep_job(id, again::Sweep::Last, now), now).await
}

/// One transaction after the other moves the recipients of a request.
pub(super) async fn take_turn(house: &House, tx: &mut Tx, id: RequestId) -> Result<(), FlowError> {
    Ok(challenges::take_turn(tx, &house.keys.lookup_mac(&format!("recipients of {id}"))).await?)
}

/// Whether nobody is waited for any more; in whose turn it is.
pub(super) async fn all_settled(house: &House, tx: &mut Tx, id: RequestId) -> Result<bool, FlowError> {
    Ok(recipients::of_request(tx, id).await?.iter().all(|recipient| is_settled(house, recipient)))
}

/// Completed: nobody is waited for, and our own stores were searched just now.
pub(super) async fn done(house: &House, tx: &mut Tx, stored: &Stored) -> Result<Stored, FlowError> {
    let (id, bindings) = (stored.request.id, stored.bindings.clone());
    completion::write(house, tx, stored, Covers::All, true).await?;
    let moved = advance(house, tx, stored, &Event::RecipientsDone, bindings, Actor::PROGRAM).await?;
    jobs::cancel_waiting(tx, id, &[kinds::ASK]).await?;
    again::plan_sweep(house, tx, id).await?;
    Ok(moved)
}

/// A recipient, settled or not, while their request waits for anybody.
async fn while_waiting(
    house: &House,
    tx: &mut Tx,
    id: RequestId,
    store: &str,
) -> Result<Option<(Stored, Recipient)>, FlowError> {
    take_turn(house, tx, id).await?;
    let Some(stored) = requests::load(tx, id).await? else { return Ok(None) };
    let recipient = recipients::load(tx, id, store).await?;
    let waits = stored.request.waits;
    Ok(recipient.filter(|_| waits).map(|recipient| (stored, recipient)))
}

/// Takes what a recipient answers by a letter; whether anybody was waited for who could say so. What is not plainly "done" is
/// kept for a person to read.
pub(super) async fn heard(
    house: &House,
    tx: &mut Tx,
    answering: &Recipient,
    (letter, bytes): (&Intake, &[u8]),
) -> Result<(), FlowError> {
    let Some((stored, recipient)) = while_waiting(house, tx, answering.request, &answering.store).await? else {
        return Ok(());
    };
    // What a list passes on, or what looks like a machine's, is nobody's word.
    let says = match letter.machine {
        None => acknowledgement(&letter.new_text),
        Some(_) => Acknowledgement::Unclear,
    };
    let (to, need) = match says {
        Acknowledgement::Done => done_by(&recipient),
        Acknowledgement::Refused => (RecipientState::Refused, Some(Need::Refused)),
        Acknowledgement::Unclear => (RecipientState::InProgress, Some(Need::Unclear)),
    };
    // Who was settled and says something else takes it back, as long as the request waits for others.
    if says == Acknowledgement::Done && is_settled(house, &recipient) {
        return Ok(());
    }
    if says != Acknowledgement::Done {
        safe::put_letter(house, tx, &stored.request, bytes).await?;
    }
    set(house, tx, (&stored, &recipient), to, need, true).await
}

/// A letter to a recipient did not reach them. The team hears of it by the alarm about the letter.
pub(super) async fn lost(house: &House, tx: &mut Tx, ours: &LetterRow) -> Result<(), FlowError> {
    let (Some(id), Some(store)) = (ours.request, &ours.store) else { return Ok(()) };
    match awaited(house, tx, id, store).await? {
        Some((stored, recipient)) => {
            let (to, need) = (recipient.state, Some(Need::Undelivered));
            set(house, tx, (&stored, &recipient), to, need, false).await
        }
        None => Ok(()),
    }
}

/// Closes a recipient who will not confirm, with a reason. The letter to the person says that they were asked and have not
/// confirmed it.
///
/// # Errors
/// A request that waits for nobody, or not for this one; blank words.
pub async fn close(
    house: &House,
    reference: &Reference,
    operator: &Operator,
    store: &str,
    reason: &str,
) -> Result<Stored, FlowError> {
    let reason = operate::words(reason, "a reason")?;
    let mut tx = house.db.write().await?;
    let id = operate::find(&mut tx, reference).await?.request.id;
    take_turn(house, &mut tx, id).await?;
    // All parts of what they are asked, or the one that is named.
    let mut closed = recipients::of_request(&mut tx, id).await?;
    closed.retain(|it| told::is_of(&it.store, store));
    closed.retain(|it| !is_settled(house, it));
    let stored = requests::load(&mut tx, id).await?.filter(|stored| stored.request.waits && !closed.is_empty());
    let stored = stored
        .ok_or(FlowError::Missing("a recipient of this name that the request still waits for (see requests show)"))?;
    for recipient in &closed {
        close_one(house, &mut tx, &stored, recipient, operator, reason).await?;
    }
    finish(house, &mut tx, &stored).await?;
    let after = operate::find(&mut tx, reference).await?;
    tx.commit().await?;
    Ok(after)
}

/// Closes a recipient, with the leaf that says who did and, under seal, why.
async fn close_one(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    recipient: &Recipient,
    operator: &Operator,
    reason: &str,
) -> Result<(), FlowError> {
    let to = RecipientState::Closed;
    // The person is told who refused, and not only that nothing was confirmed.
    let need = recipient.need.filter(|_| recipient.state == RecipientState::Refused);
    move_to(house, tx, recipient, to, need).await?;
    let facts = facts(recipient, to, need)?;
    let private = PrivateFacts::new().with("reason", reason.to_owned());
    let (case, actor) = (stored.request.case, operator.actor());
    note::append_private(house, tx, case, Recorded::RecipientAnswered, actor, facts, private).await
}

/// When a recipient who is asked by mail is next to be looked at: for a reminder, then for the end of the patience; `None`
/// after that.
pub(super) fn next_by_mail(recipient: &Recipient, now: Timestamp) -> Option<Timestamp> {
    let remind = Some(recipient.remind_at).filter(|_| recipient.reminded_at.is_none());
    remind.or(Some(recipient.due_at).filter(|due| *due > now))
}
