//! Legal holds: they stop the steps that would touch what is held, and not the request; lifting one lets them go on.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::db::{Tx, jobs, legal_holds};
use crate::erase::map::TableRef;
use crate::erase::{Discovery, EraseError, Ledger as _};
use crate::stores::{Key, StoreName};
use crate::verify::{HeldKind, LegalHoldRecord};

use super::desk::AWAY_WAIT;
use super::error::FlowError;
use super::house::House;
use super::kinds;
use super::ledger::CaseLedger;
use super::operate::{self, Operator};

/// What an operator has held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeldTarget {
    /// An account, by the directory's id.
    Account(String),
    /// A person, by the table and the key of their row.
    Subject(TableRef, String),
    /// A table.
    Table(TableRef),
    /// A store.
    Store(StoreName),
    /// All stores.
    Everything,
}

/// The table of a text such as `shop.orders`.
#[must_use]
pub fn table(text: &str) -> Option<TableRef> {
    let (store, table) = text.split_once('.')?;
    Some(TableRef { store: StoreName::new(store)?, table: table.to_owned() }).filter(|at| !at.table.is_empty())
}

/// What a hold on everything is on.
fn everything(house: &House) -> [u8; 32] {
    house.keys.subject_mac("", "")
}

/// Places a hold; what is being erased stops before its next chunk.
///
/// # Errors
/// [`FlowError::NotFound`] for a table or store that no map has; blank words.
pub async fn place(
    house: &House,
    target: &HeldTarget,
    reference: &str,
    operator: &Operator,
) -> Result<LegalHoldRecord, FlowError> {
    let reference = operate::words(reference, "a reference")?.to_owned();
    let (kind, mac) = match target {
        HeldTarget::Account(account) => (HeldKind::Account, house.keys.account_mac(account)),
        HeldTarget::Subject(at, key) => (HeldKind::Subject, house.keys.subject_mac(&at.to_string(), key)),
        HeldTarget::Table(at) => (HeldKind::Table, house.keys.subject_mac(&at.to_string(), "")),
        HeldTarget::Store(store) => (HeldKind::Store, house.keys.subject_mac(store.as_str(), "")),
        HeldTarget::Everything => (HeldKind::Everything, everything(house)),
    };
    if let HeldTarget::Store(store) = target
        && !house.map.stores().contains_key(store)
    {
        return Err(FlowError::NotFound("store of this name in the data maps"));
    }
    if let HeldTarget::Subject(at, _) | HeldTarget::Table(at) = target
        && house.map.table(at).is_none()
    {
        return Err(FlowError::NotFound("table of this name in the data maps"));
    }
    let (now, gate) = (house.clock.now(), house.keys.gate());
    let hold = LegalHoldRecord::place(kind, mac, reference, operator.pseudonym(), now, gate, &*house.chance);
    let mut tx = house.db.write().await?;
    legal_holds::insert(&mut tx, &hold).await?;
    tx.commit().await?;
    Ok(hold)
}

/// Lifts a hold; what waited for it goes on at once.
///
/// # Errors
/// [`FlowError::NotFound`] where there is none with this id, or it was lifted before.
pub async fn release(house: &House, id: Uuid) -> Result<(), FlowError> {
    let (now, gate) = (house.clock.now(), house.keys.gate());
    let mut tx = house.db.write().await?;
    let hold = legal_holds::load(&mut tx, id).await?.filter(|hold| hold.released_at.is_none());
    let hold = hold.ok_or(FlowError::NotFound("legal hold with this id that stands"))?;
    hold.stands(gate)?;
    legal_holds::set_release(&mut tx, &hold.lifted(now, gate)).await?;
    jobs::hasten(&mut tx, &[kinds::ERASE], FlowError::HELD, now, now.plus(AWAY_WAIT)).await?;
    tx.commit().await?;
    Ok(())
}

/// The tables of a plan that a hold stands on: all of them where the account or a person of it is held.
pub(super) async fn held(ledger: &CaseLedger<'_>, discovery: &Discovery) -> Result<BTreeSet<TableRef>, FlowError> {
    let house = ledger.house;
    let mut tx = house.db.read().await?;
    let standing = standing(house, &mut tx).await?;
    drop(tx);
    let mut held = BTreeSet::new();
    if standing.is_empty() {
        return Ok(held);
    }
    let is_held = |kind, mac: [u8; 32]| standing.contains(&(kind, mac));
    let tables = || discovery.skeleton.tables.iter();
    if is_held(HeldKind::Account, ledger.bound.account_mac) || is_held(HeldKind::Everything, everything(house)) {
        return Ok(tables().map(|(at, _)| at.clone()).collect());
    }
    for (at, table) in tables() {
        let of_store = house.keys.subject_mac(at.store.as_str(), "");
        if is_held(HeldKind::Store, of_store) || is_held(HeldKind::Table, house.keys.subject_mac(&at.to_string(), "")) {
            held.insert(at.clone());
        }
        if table.subject.is_none() || !standing.iter().any(|(kind, _)| *kind == HeldKind::Subject) {
            continue;
        }
        for key in saved(ledger, discovery, at).await? {
            let texts: Vec<_> = key.0.iter().map(|value| value.to_text()).collect();
            if is_held(HeldKind::Subject, house.keys.subject_mac(&at.to_string(), &texts.join("/"))) {
                return Ok(tables().map(|(at, _)| at.clone()).collect());
            }
        }
    }
    Ok(held)
}

/// The saved keys of a table's rows that belong to the target.
async fn saved(ledger: &CaseLedger<'_>, discovery: &Discovery, at: &TableRef) -> Result<Vec<Key>, FlowError> {
    let mut keys = Vec::new();
    for set in discovery.sets_of(at) {
        let chunks = discovery.chunks.get(&set.to_string()).map_or(0, Vec::len);
        for chunk in 0..u32::try_from(chunks).unwrap_or(u32::MAX) {
            keys.extend(ledger.load_keys(&set, chunk).await.map_err(EraseError::from)?);
        }
    }
    Ok(keys)
}

async fn standing(house: &House, tx: &mut Tx) -> Result<BTreeSet<(HeldKind, [u8; 32])>, FlowError> {
    let mut standing = BTreeSet::new();
    for hold in legal_holds::all(tx).await? {
        if hold.stands(house.keys.gate())? {
            standing.insert((hold.kind, hold.target_mac));
        }
    }
    Ok(standing)
}
