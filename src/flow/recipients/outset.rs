//! Whom a request asks when our own stores are clean, and for what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::chance::draw;
use crate::db::Tx;
use crate::db::recipients::{self, Need, Recipient, RecipientState};
use crate::db::requests::Stored;
use crate::domain::request::{Event, Request};
use crate::erase::map::recipient::{REMIND_DAYS, SILENT_DAYS};
use crate::erase::{EraseError, Ledger as _, told};
use crate::queue::NewJob;
use crate::stores::{Order, Part, RecipientKind};
use crate::trail::Actor;
use crate::verify::Token;

use super::super::advance::{advance, enqueue};
use super::super::error::FlowError;
use super::super::facts::{Asked, Orders};
use super::super::house::House;
use super::super::ledger::CaseLedger;
use super::super::{kinds, safe};

/// What each recipient whom an erasure concerns is asked. One that holds nothing by which it could find the person is not; one
/// that the maps were given after the plan's keys were saved is for a person to look at.
pub(in crate::flow) async fn orders(
    house: &House,
    ledger: &CaseLedger<'_>,
    request: &Request,
) -> Result<Asked, FlowError> {
    let (mut orders, mut unplanned) = (BTreeMap::new(), BTreeSet::new());
    let Some(saved) = ledger.discovery().await.map_err(EraseError::from)? else { return Ok(Asked::default()) };
    // Who was to be told and is in no map any more, or not for this, is for a person too.
    unplanned.extend(saved.told.iter().cloned());
    for (name, recipient, categories) in told::concerned(&house.map, &saved.skeleton) {
        match told::is_planned(&saved, recipient) {
            true => unplanned.remove(name.as_str()),
            false => unplanned.insert(name.to_string()),
        };
        let identities = told::saved(ledger, &saved, recipient).await?;
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
    Ok(Asked { orders: Orders(orders), unplanned })
}

/// So many days before the due date the team hears of a recipient who is silent.
const DUE_DAYS: i64 = 5;

/// Writes whom a request waits for, with the job that asks each.
pub(in crate::flow) async fn begin(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    asked: &Asked,
) -> Result<(), FlowError> {
    let (now, request) = (house.clock.now(), &stored.request);
    safe::put_orders(house, tx, request, &asked.orders).await?;
    let secret = safe::contact_key(house, tx, request).await?.challenge_secret();
    for store in asked.all() {
        let map = told::whose(store).and_then(|name| house.map.recipients().get(&name));
        let (kind, remind_days, silent_days) = map.map_or((RecipientKind::Mail, REMIND_DAYS, SILENT_DAYS), |map| {
            (map.kind(), map.remind_days, map.silent_days)
        });
        // The person is answered by the due date: silence is told in time, and not on the first day.
        let in_time =
            house.calendar.end_of(request.deadlines.legal_due.saturating_sub(jiff::Span::new().days(DUE_DAYS)));
        let due_at = now.plus_days(silent_days).min(in_time).max(now.plus_days(1));
        let recipient = Recipient {
            request: request.id,
            store: store.clone(),
            kind,
            state: RecipientState::Pending,
            need: asked.unplanned.contains(store).then_some(Need::Unknown),
            attempts: 0,
            answers: 0,
            partial: asked.unplanned.contains(store),
            token_hash: *Token::of_recipient(&secret, request.id, store).hash().as_bytes(),
            created_at: now,
            asked_at: None,
            remind_at: now.plus_days(remind_days).min(due_at),
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
    if !asked.unplanned.is_empty() {
        let event = Event::RecipientStuck;
        advance(house, tx, stored, &event, stored.bindings.clone(), Actor::PROGRAM).await?;
    }
    Ok(())
}
