//! What letters say of those who were asked: to the person, to the team, and to themselves.

use crate::db::Tx;
use crate::db::letters::LetterRow;
use crate::db::recipients::{self, Need, Recipient, RecipientState};
use crate::db::requests::Stored;
use crate::domain::request::Request;
use crate::domain::{Language, LetterKind, RequestId};
use crate::erase::map::recipient::Way;
use crate::erase::told;
use crate::reply::letters::{AlarmRecipient, IdentityLine, Letter, RecipientAsked, RecipientLine, RecipientReminded};
use crate::verify::Token;

use super::super::error::FlowError;
use super::super::house::House;
use super::super::letter::{Written, common};
use super::super::safe;
use super::is_settled;

/// How the letter to the person names those who were asked.
#[derive(Default)]
pub(in crate::flow) struct Named {
    /// They say that it is done.
    pub(in crate::flow) confirmed: Vec<String>,
    /// They refuse.
    pub(in crate::flow) refused: Vec<String>,
    /// Nobody knows.
    pub(in crate::flow) unconfirmed: Vec<String>,
}

/// See [`Named`].
pub(in crate::flow) async fn named(house: &House, tx: &mut Tx, id: RequestId) -> Result<Named, FlowError> {
    let mut rows = recipients::of_request(tx, id).await?;
    rows.sort_by_key(|row| told::whose(&row.store));
    let mut named = Named::default();
    // Who was asked in parts has done it when all of them are done, and refuses when one of them is refused.
    for parts in rows.chunk_by(|one, other| told::whose(&one.store) == told::whose(&other.store)) {
        let [first, ..] = parts else { continue };
        let map = told::whose(&first.store).and_then(|name| house.map.recipients().get(&name));
        let label = map.map_or_else(|| first.store.clone(), |map| map.label.clone());
        let done = |it: &Recipient| it.state == RecipientState::Completed && !it.partial && is_settled(house, it);
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
pub(in crate::flow) async fn alarm(house: &House, tx: &mut Tx, request: &Request) -> Result<Letter, FlowError> {
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
pub(in crate::flow) async fn letter(
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
    let common = common(house, request, request.deadlines.legal_due);
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
