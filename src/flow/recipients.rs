//! Whom a request waits for: others who hold data and were asked to erase them (Art. 19 GDPR). Their rows, what they are asked,
//! what they answer, and the end of the waiting.
//!
//! Every change of a row stands in one transaction with its leaf, and the request goes on with the last of them: one after the
//! other, or each of two who answer at once would think that the other is still waited for.

use std::collections::BTreeMap;

use serde_json::json;
use tracing::error;

use crate::chance::draw;
use crate::db::letters::LetterRow;
use crate::db::recipients::{self, Need, Recipient, RecipientState};
use crate::db::requests::{self, Stored};
use crate::db::{Tx, challenges, jobs};
use crate::domain::request::{Event, Request};
use crate::domain::{Language, LetterKind, Reference, RequestId, State, Timestamp};
use crate::erase::map::recipient::Way;
use crate::erase::{EraseError, Ledger as _, told};
use crate::intake::{Acknowledgement, Intake, acknowledgement};
use crate::queue::{Lease, NewJob};
use crate::reply::letters::{
    AlarmRecipient, Common, IdentityLine, Letter, RecipientAsked, RecipientLine, RecipientReminded,
};
use crate::stores::{Order, Part, StoreName};
use crate::trail::{Actor, Event as Recorded, Fact, Facts, PrivateFacts};
use crate::verify::{Settled, Token};

use super::advance::{advance, enqueue};
use super::desk::AWAY_WAIT;
use super::error::FlowError;
use super::facts::Orders;
use super::house::House;
use super::ledger::CaseLedger;
use super::letter::Written;
use super::operate::{self, Operator};
use super::{again, begin, erase, kinds, legal, note, safe};

/// What each recipient whom an erasure concerns is asked. One that holds nothing by which it could find the person is not.
pub(super) async fn orders(house: &House, ledger: &CaseLedger<'_>, request: &Request) -> Result<Orders, FlowError> {
    let mut orders = BTreeMap::new();
    let Some(saved) = ledger.discovery().await.map_err(EraseError::from)? else { return Ok(Orders::default()) };
    for (name, recipient, categories) in told::concerned(&house.map, &saved.skeleton) {
        let identities = told::saved(ledger, &saved, recipient).await?;
        if identities.is_empty() {
            continue;
        }
        let of = identities.len().div_ceil(told::IDENTITIES_MAX);
        for (number, identities) in (1..).zip(identities.chunks(told::IDENTITIES_MAX)) {
            let order = Order {
                key: data_encoding::HEXLOWER.encode(&draw::<16>(&*house.chance)),
                reference: request.reference.clone(),
                received_at: request.deadlines.received_at,
                due_on: request.deadlines.legal_due,
                scope: saved.skeleton.target.scope,
                categories: categories.clone(),
                identities: identities.to_vec(),
                part: (of > 1).then_some(Part { number, of }),
            };
            orders.insert(told::part(name, number), order);
        }
    }
    Ok(Orders(orders))
}

/// So many days before the due date the team hears of a recipient who is silent.
const DUE_DAYS: i64 = 5;

/// Writes whom a request waits for, with the job that asks each.
pub(super) async fn begin(house: &House, tx: &mut Tx, request: &Request, orders: &Orders) -> Result<(), FlowError> {
    let now = house.clock.now();
    safe::put_orders(house, tx, request, orders).await?;
    let secret = safe::contact_key(house, tx, request).await?.challenge_secret();
    for store in orders.0.keys() {
        let Some(map) = told::whose(store).and_then(|name| house.map.recipients().get(&name)) else { continue };
        // The person is answered by the due date: silence is told in time, and not on the first day.
        let in_time =
            house.calendar.end_of(request.deadlines.legal_due.saturating_sub(jiff::Span::new().days(DUE_DAYS)));
        let due_at = now.plus_days(map.silent_days).min(in_time).max(now.plus_days(1));
        let recipient = Recipient {
            request: request.id,
            store: store.clone(),
            kind: map.kind(),
            state: RecipientState::Pending,
            need: None,
            attempts: 0,
            token_hash: *Token::of_recipient(&secret, request.id, store).hash().as_bytes(),
            created_at: now,
            asked_at: None,
            remind_at: now.plus_days(map.remind_days).min(due_at),
            reminded_at: None,
            due_at,
            settled_at: None,
            mark: None,
        };
        recipients::insert(tx, &recipient).await?;
        let mut job = NewJob::new(kinds::ASK, json!({ "store": store }), now);
        job.request = Some(request.id);
        job.unique_key = Some(format!("ask:{}:{store}", request.id));
        enqueue(house, tx, job, now).await?;
    }
    Ok(())
}

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
    if to != recipient.state || need != recipient.need {
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
    let mark = to.is_settled().then(|| how(recipient, to, need, now).mark(house.keys.gate()));
    recipients::set_state(tx, recipient, to, need, now, mark).await.map_err(super::outbox::moved)
}

fn how(recipient: &Recipient, state: RecipientState, need: Option<Need>, at: Timestamp) -> Settled<'_> {
    let need = need.map_or("", Need::as_str);
    Settled { request: recipient.request, store: &recipient.store, state: state.as_str(), need, at }
}

/// Whether nothing more is waited for from a recipient. A row that says so and does not carry our mark was forged or altered:
/// they are still waited for.
pub(super) fn is_settled(house: &House, recipient: &Recipient) -> bool {
    if !recipient.state.is_settled() {
        return false;
    }
    let ours = recipient.settled_at.zip(recipient.mark).is_some_and(|(at, mark)| {
        how(recipient, recipient.state, recipient.need, at).is_ours(&mark, house.keys.gate())
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
    let authority = begin::completed(house, &mut tx, stored).await?;
    drop(tx);
    let ledger = erase::ledger(house, lease, stored, &authority, 0);
    let Some(discovery) = ledger.discovery().await.map_err(EraseError::from)? else { return Ok(None) };
    let at = legal::stops_asking(&ledger, &discovery, recipient).await?;
    Ok(at.map(|at| EraseError::Held { at }.into()))
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
        Acknowledgement::Done => (RecipientState::Completed, None),
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
    closed.retain(|it| it.store == store || told::whose(&it.store).is_some_and(|name| name.as_str() == store));
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

/// How the letter to the person names those who were asked.
#[derive(Default)]
pub(super) struct Named {
    /// They say that it is done.
    pub(super) confirmed: Vec<String>,
    /// They refuse.
    pub(super) refused: Vec<String>,
    /// Nobody knows.
    pub(super) unconfirmed: Vec<String>,
}

/// See [`Named`].
pub(super) async fn named(house: &House, tx: &mut Tx, id: RequestId) -> Result<Named, FlowError> {
    let mut rows = recipients::of_request(tx, id).await?;
    rows.sort_by_key(|row| told::whose(&row.store));
    let mut named = Named::default();
    // Who was asked in parts has done it when all of them are done, and refuses when one of them is refused.
    for parts in rows.chunk_by(|one, other| told::whose(&one.store) == told::whose(&other.store)) {
        let [first, ..] = parts else { continue };
        let map = told::whose(&first.store).and_then(|name| house.map.recipients().get(&name));
        let label = map.map_or_else(|| first.store.clone(), |map| map.label.clone());
        let done = |it: &Recipient| it.state == RecipientState::Completed && is_settled(house, it);
        let refused = |it: &Recipient| it.need == Some(Need::Refused) && is_settled(house, it);
        let list = if parts.iter().all(done) {
            &mut named.confirmed
        } else if parts.iter().any(refused) {
            &mut named.refused
        } else {
            &mut named.unconfirmed
        };
        list.push(label);
    }
    Ok(named)
}

/// The alarm about them.
pub(super) async fn alarm(house: &House, tx: &mut Tx, request: &Request) -> Result<Letter, FlowError> {
    let mut waited_for = recipients::of_request(tx, request.id).await?;
    waited_for.retain(|recipient| !is_settled(house, recipient));
    let line = |recipient: Recipient| RecipientLine {
        store: recipient.store,
        state: recipient.state.to_string(),
        need: recipient.need.map(|need| need.to_string()),
    };
    Ok(Letter::AlarmRecipient(AlarmRecipient {
        reference: request.reference.clone(),
        due_on: request.deadlines.legal_due,
        recipients: waited_for.into_iter().map(line).collect(),
    }))
}

/// Fills a letter to a recipient; `None` where no map has their address any more.
pub(super) async fn letter(
    house: &House,
    tx: &mut Tx,
    row: &LetterRow,
    stored: &Stored,
) -> Result<Option<Written>, FlowError> {
    let request = &stored.request;
    let store = row.store.as_deref().ok_or(FlowError::Missing("the recipient of a letter"))?;
    let Some(map) = told::whose(store).and_then(|name| house.map.recipients().get(&name)) else { return Ok(None) };
    let Way::Mail { address, language } = &map.way else { return Ok(None) };
    let orders = safe::orders(house, tx, request).await?;
    let order = orders.0.get(store).ok_or(FlowError::Missing("what a recipient is asked"))?;
    let secret = safe::contact_key(house, tx, request).await?.challenge_secret();
    let token = Token::of_recipient(&secret, request.id, store).as_str().to_owned();
    let common = common(house, request);
    let (label, categories) = (map.label.clone(), order.categories.clone());
    let identity = |identity: &crate::stores::Identity| IdentityLine {
        subject: identity.subject.to_string(),
        kind: identity.kind.clone(),
        value: identity.value.clone(),
    };
    let identities = order.identities.iter().map(identity).collect();
    let letter = match row.kind {
        LetterKind::RecipientAsked => Letter::RecipientAsked(RecipientAsked {
            common,
            label,
            categories,
            identities,
            part: order.part,
            token: token.clone(),
        }),
        _ => {
            let asked = recipients::load(tx, request.id, store).await?.and_then(|recipient| recipient.asked_at);
            let asked_on = house.calendar.day(asked.unwrap_or(row.created_at));
            Letter::RecipientReminded(RecipientReminded {
                common,
                label,
                categories,
                identities,
                part: order.part,
                token: token.clone(),
                asked_on,
            })
        }
    };
    let (language, to): (Language, String) = (*language, address.clone());
    Ok(Some(Written { letter, language, to, token: Some(token), in_reply_to: None }))
}

fn common(house: &House, request: &Request) -> Common {
    let service = &house.config.service;
    Common {
        reference: request.reference.clone(),
        service_name: service.name.clone(),
        support_address: service.address.clone(),
        received_on: house.calendar.day(request.deadlines.received_at),
        due_on: request.deadlines.legal_due,
    }
}

/// When a recipient who is asked by mail is next to be looked at: for a reminder, then for the end of the patience; `None`
/// after that.
pub(super) fn next_by_mail(recipient: &Recipient, now: Timestamp) -> Option<Timestamp> {
    let remind = Some(recipient.remind_at).filter(|_| recipient.reminded_at.is_none());
    remind.or(Some(recipient.due_at).filter(|due| *due > now))
}
