//! Who is told when what was kept of them is gone: the address that is kept for it, and what its letter says.
//!
//! Nobody is told by themselves. They heard the ground and the last day when their request was completed (Art. 12(4) GDPR), no article
//! asks for a letter years later, and an address that is kept for years is itself data that are to be few and gone soon (Art. 5(1)(c) and
//! (e) GDPR). So it is kept only for who asked to be told, or where the operator promises it to all (`retention.tell_at_end`); the
//! confirmation says so. It lies under a key of its own, which is destroyed with the last row, or when they want it no more.
//!
//! One letter for each ground, when its last row is gone: written by the request that erased it, in the transaction that completes it,
//! and sent only when those before it are completed as well. Of rows that a person of the team has seen to by hand it says nothing:
//! the program did not check them, and that person tells what they did.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::db::requests::{self, Stored};
use crate::db::{Tx, kept, keys};
use crate::domain::request::Origin;
use crate::domain::{CaseId, Language, Reference, RequestId, State};
use crate::reply::letters::{Common, EndedLine, GoneLine, KeptErased, Letter, StayingLine};
use crate::trail::{Event as Recorded, Fact, Facts};
use crate::vault::{DataKey, KeyOwner, KeyPurpose};

use super::super::error::FlowError;
use super::super::facts::{Closing, Contact};
use super::super::house::House;
use super::super::letter::Written;
use super::super::operate::Operator;
use super::super::{note, safe};
use super::CASES_MAX;
use super::sorted::Looked;

const NOTICE: &str = "notice";

/// Whom to tell, under the `notice` key of the case that keeps.
#[derive(Clone, Serialize, Deserialize)]
struct Notice {
    /// The address on file of who asked.
    address: String,
    /// What they are written to in.
    language: Language,
    /// The request that was completed, as they know it.
    reference: Reference,
    /// When it was received.
    received_on: Date,
    /// The requests that have erased rows whose time was over.
    passes: Vec<RequestId>,
    /// Grounds with rows that a person has seen to.
    by_hand: BTreeSet<String>,
}

/// What a letter tells, under the `contact` key of the request that erases: it is gone with the letter.
#[derive(Clone, Serialize, Deserialize)]
struct Ending {
    language: Language,
    reference: Reference,
    received_on: Date,
    grounds: Vec<EndedLine>,
    staying: Vec<StayingLine>,
    /// The requests that erased other rows before, or are still about to.
    earlier: Vec<RequestId>,
}

async fn key(house: &House, tx: &mut Tx, case: CaseId) -> Result<Option<DataKey>, FlowError> {
    Ok(keys::load(tx, &house.kek, KeyOwner::Case(case), KeyPurpose::Notice).await?)
}

/// Whether somebody is told when what a case keeps is gone.
pub(in crate::flow) async fn is_wanted(house: &House, tx: &mut Tx, case: CaseId) -> Result<bool, FlowError> {
    Ok(key(house, tx, case).await?.is_some())
}

/// Keeps the address of who is to be told, in the transaction that completes their request or later as long as it is known.
pub(in crate::flow) async fn keep(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    closing: &Closing,
) -> Result<(), FlowError> {
    if closing.tell_at_end.unwrap_or(house.config.retention.tell_at_end) {
        put(house, tx, stored).await
    } else {
        Ok(())
    }
}

/// Nothing where nobody can be written to, or their address is kept already.
async fn put(house: &House, tx: &mut Tx, stored: &Stored) -> Result<(), FlowError> {
    let request = &stored.request;
    if key(house, tx, request.case).await?.is_some() {
        return Ok(());
    }
    let Some(address) = safe::contact(house, tx, request).await?.asker else { return Ok(()) };
    let owner = KeyOwner::Case(request.case);
    let key = keys::create(tx, &house.kek, owner, KeyPurpose::Notice, house.clock.now(), &*house.chance).await?;
    let notice = Notice {
        address,
        language: request.language,
        reference: request.reference.clone(),
        received_on: house.calendar.day(request.deadlines.received_at),
        passes: Vec::new(),
        by_hand: BTreeSet::new(),
    };
    safe::put(house, tx, &key, NOTICE, &notice).await
}

/// Forgets the address, with a leaf where the record of the case still lives. `false` where none is kept.
pub(super) async fn forget(house: &House, tx: &mut Tx, case: CaseId) -> Result<bool, FlowError> {
    if key(house, tx, case).await?.is_none() {
        return Ok(false);
    }
    if safe::has_key(house, tx, case, KeyPurpose::Record).await? {
        note::key_destroyed(house, tx, case, KeyPurpose::Notice).await?;
    }
    safe::destroy(house, tx, case, KeyPurpose::Notice).await
}

/// Notes the grounds of rows that a person of the team has seen to.
pub(super) async fn seen_to(
    house: &House,
    tx: &mut Tx,
    case: CaseId,
    grounds: &BTreeSet<String>,
) -> Result<(), FlowError> {
    let Some(key) = key(house, tx, case).await?.filter(|_| !grounds.is_empty()) else { return Ok(()) };
    let mut notice = notice(tx, &key).await?;
    notice.by_hand.extend(grounds.iter().cloned());
    safe::put(house, tx, &key, NOTICE, &notice).await
}

async fn notice(tx: &mut Tx, key: &DataKey) -> Result<Notice, FlowError> {
    safe::get(tx, key, NOTICE).await?.ok_or(FlowError::Missing("whom to tell when kept rows are gone"))
}

/// Hands the address to the request that erases the last row of a ground, with what to say; `false` where its end is told to nobody.
pub(super) async fn hand_over(
    house: &House,
    tx: &mut Tx,
    (case, to): (CaseId, &Stored),
    looked: &Looked,
) -> Result<bool, FlowError> {
    let Some(key) = key(house, tx, case).await? else { return Ok(false) };
    let mut notice = notice(tx, &key).await?;
    let is_told = |line: &&EndedLine| !notice.by_hand.contains(&line.ground);
    let ending = Ending {
        language: notice.language,
        reference: notice.reference.clone(),
        received_on: notice.received_on,
        grounds: looked.gone.iter().filter(is_told).cloned().collect(),
        staying: looked.staying(),
        earlier: notice.passes.clone(),
    };
    let is_told = !ending.grounds.is_empty();
    if is_told {
        let contact = Contact { asker: Some(notice.address.clone()), ..Contact::default() };
        safe::put_contact(house, tx, &to.request, &contact).await?;
        let contact_key = safe::contact_key(house, tx, &to.request).await?;
        safe::put(house, tx, &contact_key, NOTICE, &ending).await?;
    }
    notice.passes.push(to.request.id);
    safe::put(house, tx, &key, NOTICE, &notice).await?;
    Ok(is_told)
}

async fn ending(house: &House, tx: &mut Tx, stored: &Stored) -> Result<Ending, FlowError> {
    let key = safe::contact_key(house, tx, &stored.request).await?;
    safe::get(tx, &key, NOTICE).await?.ok_or(FlowError::Missing("what to say of kept rows that are gone"))
}

/// Whether the letter has to wait: other rows that it speaks of are not erased yet, or something came back.
///
/// # Errors
/// [`FlowError::Broken`] where some will never be erased by the program: nobody is told that they are gone.
pub(in crate::flow) async fn waits(house: &House, tx: &mut Tx, stored: &Stored) -> Result<bool, FlowError> {
    let mut waits = stored.request.state != State::Completed;
    for earlier in ending(house, tx, stored).await?.earlier {
        // One that is forgotten ended years ago.
        let Some(other) = requests::load(tx, earlier).await? else { continue };
        match other.request.state {
            State::Completed => {}
            state if state.is_ended() => {
                return Err(FlowError::Broken("kept rows that the letter speaks of were not erased by the program"));
            }
            _ => waits = true,
        }
    }
    Ok(waits)
}

/// The letter that says so.
pub(in crate::flow) async fn letter(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    finished_on: Date,
) -> Result<Option<Written>, FlowError> {
    let Some(to) = safe::contact(house, tx, &stored.request).await?.asker else { return Ok(None) };
    let ending = ending(house, tx, stored).await?;
    let (closing, service) = (safe::closing(house, tx, &stored.request).await?, &house.config.service);
    let common = Common {
        reference: ending.reference,
        service_name: service.name.clone(),
        support_address: service.address.clone(),
        received_on: ending.received_on,
        due_on: stored.request.deadlines.legal_due,
        extendable: false,
    };
    let letter = KeptErased {
        common,
        grounds: ending.grounds,
        earlier: !ending.earlier.is_empty(),
        staying: ending.staying,
        backups: house.backups(&closing.found_in, finished_on),
        outcome: closing.outcome.into_iter().map(GoneLine::from).collect(),
        finished_on,
    };
    let (letter, language) = (Letter::KeptErased(letter), ending.language);
    Ok(Some(Written { letter, language, to, token: None, in_reply_to: None }))
}

/// Notes that a person wants to be told when what is kept of them is gone, or does not want it any more. An address that was kept for it
/// is forgotten then, also years later, when nothing else is known of the request.
///
/// # Errors
/// [`FlowError::Missing`] where there is no such request; [`FlowError::NotFound`] where it has ended and nothing is kept of it;
/// [`FlowError::KeyDestroyed`] where the address was forgotten already: it went with the confirmation.
pub async fn tell_at_end(
    house: &House,
    reference: &Reference,
    operator: &Operator,
    wanted: bool,
) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    let stored = requests::by_reference(&mut tx, reference).await?;
    match stored {
        Some(stored) => noted(house, &mut tx, &stored, operator, wanted).await?,
        None if wanted => return Err(FlowError::Missing("a request with this reference")),
        None => {
            let case = of_reference(house, &mut tx, reference).await?;
            forget(house, &mut tx, case.ok_or(FlowError::Missing("a request with this reference"))?).await?;
        }
    }
    Ok(tx.commit().await?)
}

async fn noted(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    operator: &Operator,
    wanted: bool,
) -> Result<(), FlowError> {
    const NOTHING: &str = "rows that are kept of this request";
    const NOBODY: &str = "address on file of the person who asked";
    let (request, case) = (&stored.request, stored.request.case);
    if request.origin == Origin::Retention {
        return Err(FlowError::NotFound("person who asked for this request: name the one that was completed first"));
    }
    let mut closing = safe::closing(house, tx, request).await?;
    closing.tell_at_end = Some(wanted);
    safe::put_closing(house, tx, request, &closing).await?;
    match (wanted, kept::lock(tx, case).await?) {
        (true, true) => {
            put(house, tx, stored).await?;
            if !is_wanted(house, tx, case).await? {
                return Err(FlowError::NotFound(NOBODY));
            }
        }
        (true, false) if request.state.is_ended() => return Err(FlowError::NotFound(NOTHING)),
        (true, false) => {}
        (false, _) => {
            forget(house, tx, case).await?;
        }
    }
    let facts = Facts::new().with("tell_at_end", Fact::Word(if wanted { "wanted" } else { "unwanted" }.to_owned()))?;
    note::append(house, tx, case, Recorded::Noted, operator.actor(), facts).await
}

/// The case that keeps the address of who knows it by this reference.
async fn of_reference(house: &House, tx: &mut Tx, reference: &Reference) -> Result<Option<CaseId>, FlowError> {
    for record in kept::all(tx, CASES_MAX).await? {
        let Some(key) = key(house, tx, record.case).await? else { continue };
        if notice(tx, &key).await?.reference == *reference {
            return Ok(Some(record.case));
        }
    }
    Ok(None)
}
