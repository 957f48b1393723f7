//! Legal holds: they stop the steps that would touch what is held, and not the request; lifting one lets them go on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::{Tx, jobs, keys, legal_holds};
use crate::domain::CaseId;
use crate::erase::map::{RecipientMap, TableRef};
use crate::erase::plan::KeySet;
use crate::erase::{Discovery, EraseError, HeldTables, KeyPage, Ledger as _, People, told};
use crate::stores::{Key, KeyValue, StoreName};
use crate::trail::{Event as Recorded, Fact, Facts, PrivateFacts};
use crate::vault::{InstallationKeys, KeyEncryptionKey, KeyOwner, KeyPurpose};
use crate::verify::{HeldKind, LegalHoldRecord};

use super::desk::AWAY_WAIT;
use super::error::FlowError;
use super::house::House;
use super::ledger::CaseLedger;
use super::operate::{self, Operator};
use super::{kinds, note, safe};

mod known;
mod named;
mod touches;

pub use known::{Known, known, stores_asked};
pub use named::target_of;
pub use touches::on_plan;

/// What an operator has held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl HeldTarget {
    /// What the database knows it by.
    fn mac(&self, keys: &InstallationKeys) -> (HeldKind, [u8; 32]) {
        match self {
            Self::Account(account) => (HeldKind::Account, keys.account_mac(account)),
            Self::Subject(at, key) => (HeldKind::Subject, keys.subject_mac(&at.to_string(), key)),
            Self::Table(at) => (HeldKind::Table, keys.subject_mac(&at.to_string(), "")),
            Self::Store(store) => (HeldKind::Store, keys.subject_mac(store.as_str(), "")),
            Self::Everything => (HeldKind::Everything, everything(keys)),
        }
    }
}

/// What a hold on everything is on.
fn everything(keys: &InstallationKeys) -> [u8; 32] {
    keys.subject_mac("", "")
}

/// A hold is a case of its own in the trail, of the same number.
fn case_of(hold: &LegalHoldRecord) -> CaseId {
    CaseId::from_bytes(hold.id.into_bytes())
}

/// The longest reference, in characters.
const REFERENCE_CHARS_MAX: usize = 200;

/// What a hold is known by; it stands in lists in clear.
fn reference_of(given: &str) -> Result<&str, FlowError> {
    let reference = operate::words(given, "a reference")?;
    if reference.chars().count() > REFERENCE_CHARS_MAX {
        return Err(FlowError::Unusable("the reference is longer than 200 characters: give the number of the file"));
    }
    let is_address =
        |word: &str| word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if reference.split_whitespace().any(is_address) {
        let why = "the reference holds an e-mail address, and is shown to everybody who lists the holds: give the number of the \
                   file instead; whom the hold is on is kept sealed";
        return Err(FlowError::Unusable(why));
    }
    Ok(reference)
}

/// What became of the wish to hold something.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The hold that stands.
    pub hold: LegalHoldRecord,
    /// Whether it stood before, on the same and under the same reference: then nothing was written.
    pub stood_before: bool,
    /// Other holds that stand on the same: each is lifted by itself.
    pub beside: usize,
}

/// Places a hold, or finds the same one standing; what is being erased stops before its next chunk. Whether there is such an
/// account or person at all is [`known`]'s to say.
///
/// # Errors
/// [`FlowError::NotFound`] for a table or store that no map has, and for a person in a table of no persons; a reference that
/// is blank or holds an address.
pub async fn place(
    house: &House,
    target: &HeldTarget,
    reference: &str,
    operator: &Operator,
) -> Result<Placed, FlowError> {
    let reference = reference_of(reference)?.to_owned();
    is_mapped(house, target)?;
    let (kind, mac) = target.mac(&house.keys);
    let (now, gate) = (house.clock.now(), house.keys.gate());
    let mut tx = house.db.write().await?;
    let mut same = Vec::new();
    for hold in legal_holds::all(&mut tx).await? {
        if (hold.kind, hold.target_mac) == (kind, mac) && hold.stands(gate)? {
            same.push(hold);
        }
    }
    let beside = same.iter().filter(|hold| hold.reference != reference).count();
    if let Some(hold) = same.into_iter().find(|hold| hold.reference == reference) {
        return Ok(Placed { hold, stood_before: true, beside });
    }
    let hold = LegalHoldRecord::place(kind, mac, reference, operator.pseudonym(), now, gate, &*house.chance);
    legal_holds::insert(&mut tx, &hold).await?;
    let (case, chance) = (case_of(&hold), &*house.chance);
    keys::create(&mut tx, &house.kek, KeyOwner::Case(case), KeyPurpose::Record, now, chance).await?;
    named::put(house, &mut tx, &hold, target).await?;
    recorded(house, &mut tx, &hold, Recorded::Held, operator).await?;
    tx.commit().await?;
    Ok(Placed { hold, stood_before: false, beside })
}

/// Whether the data maps know what is to be held: a slip in a name would be a hold on nothing.
///
/// # Errors
/// [`FlowError::NotFound`] with what is missing.
pub fn is_mapped(house: &House, target: &HeldTarget) -> Result<(), FlowError> {
    let there = match target {
        HeldTarget::Account(_) | HeldTarget::Everything => return Ok(()),
        HeldTarget::Store(store) if house.map.stores().contains_key(store) => return Ok(()),
        // Who holds data for us keeps them as long as nobody asks them to erase.
        HeldTarget::Store(store) if house.map.recipients().contains_key(store) => return Ok(()),
        HeldTarget::Store(_) => return Err(FlowError::NotFound("store of this name in the data maps")),
        HeldTarget::Subject(at, _) | HeldTarget::Table(at) => house.map.table(at),
    };
    let table = there.ok_or(FlowError::NotFound("table of this name in the data maps"))?;
    if matches!(target, HeldTarget::Subject(..)) && table.subject.is_none() {
        let words = "table of persons of this name: its data map has no `subject`, so that a hold on a row of it would hold \
                     nobody; name the person's own row, or hold the table";
        return Err(FlowError::NotFound(words));
    }
    Ok(())
}

/// A leaf of the hold's own case.
async fn recorded(
    house: &House,
    tx: &mut Tx,
    hold: &LegalHoldRecord,
    event: Recorded,
    operator: &Operator,
) -> Result<(), FlowError> {
    let facts = Facts::new().with("legal_hold", Fact::Word(hold.kind.to_string()))?;
    let private = PrivateFacts::new().with("reference", hold.reference.clone());
    note::append_private(house, tx, case_of(hold), event, operator.actor(), facts, private).await
}

/// Lifts a hold; what waited for it goes on at once. Whom it was on is forgotten with it.
///
/// # Errors
/// [`FlowError::NotFound`] where there is none with this id, [`FlowError::Broken`] where it was lifted before.
pub async fn release(house: &House, id: Uuid, operator: &Operator) -> Result<(), FlowError> {
    let (now, gate) = (house.clock.now(), house.keys.gate());
    let mut tx = house.db.write().await?;
    let hold = legal_holds::load(&mut tx, id).await?;
    let hold = hold.ok_or(FlowError::NotFound("legal hold with this id; 'expunged holds list' shows all of them"))?;
    if hold.released_at.is_some() {
        hold.stands(gate)?;
        return Err(FlowError::Broken("the legal hold was lifted before; 'expunged holds list' says when"));
    }
    hold.stands(gate)?;
    legal_holds::set_release(&mut tx, &hold.clone().lifted(now, gate)).await?;
    if safe::has_key(house, &mut tx, case_of(&hold), KeyPurpose::Record).await? {
        recorded(house, &mut tx, &hold, Recorded::Released, operator).await?;
        if matches!(hold.kind, HeldKind::Account | HeldKind::Subject) {
            safe::destroy(house, &mut tx, case_of(&hold), KeyPurpose::Record).await?;
        }
    }
    let waiting = [kinds::ERASE, kinds::ASK, kinds::SEND];
    jobs::hasten(&mut tx, &waiting, FlowError::HELD, now, now.plus(AWAY_WAIT)).await?;
    tx.commit().await?;
    Ok(())
}

/// The tables of a plan that a hold stands on: all of them where the account or a person of it is held.
pub(super) async fn held(ledger: &CaseLedger<'_>, discovery: &Discovery) -> Result<HeldTables, FlowError> {
    let house = ledger.house;
    let mut tx = house.db.read().await?;
    let standing = standing(house, &mut tx).await?;
    drop(tx);
    let skeleton = &discovery.skeleton;
    let mut held = HeldTables::new();
    if standing.is_empty() {
        return Ok(held);
    }
    let mut people = People::new();
    // Not unsealed where nobody is held by their row.
    if standing.keys().any(|(kind, _)| *kind == HeldKind::Subject) {
        for (set, pages) in persons(discovery) {
            let is_held =
                |key: &Key| standing.contains_key(&(HeldKind::Subject, touches::person(&house.keys, &set.at, key)));
            let mut held = Vec::new();
            for page in 0..pages {
                let keys = ledger.load_keys(&set, page).await.map_err(EraseError::from)?;
                held.extend(keys.into_iter().filter(is_held));
            }
            // Several sets may be of one table.
            let before = people.remove(&set.at).unwrap_or_default();
            people.insert(set.at, before.iter().chain(held).collect());
        }
    }
    let of = of_kept(ledger, discovery, &standing).await?;
    let touched = touches::touched(&house.keys, ledger.bound.account_mac, skeleton, &people);
    for (target, holds) in standing {
        let mut tables = touches::tables(&touched, target, skeleton);
        if of.contains(&target) {
            tables.extend(skeleton.tables.iter().map(|(at, _)| at.clone()));
        }
        for at in tables {
            held.entry(at).or_default().extend(&holds);
        }
    }
    Ok(held)
}

/// What a hold stands on that stops the asking of a recipient: on whom they would be asked about, on a table or store that
/// they are told from, on them, or on everything. They could not be told to stop what they have begun.
pub(super) async fn stops_asking(
    ledger: &CaseLedger<'_>,
    discovery: &Discovery,
    (name, recipient): (&StoreName, &RecipientMap),
) -> Result<Option<(TableRef, BTreeSet<Uuid>)>, FlowError> {
    let held = held(ledger, discovery).await?;
    let mut told_from = told::tables(recipient, &discovery.skeleton).cloned();
    let mut tx = ledger.house.db.read().await?;
    let (of_store, everything) = (ledger.house.keys.subject_mac(name.as_str(), ""), everything(&ledger.house.keys));
    let standing = standing(ledger.house, &mut tx).await?;
    let them = [(HeldKind::Store, of_store), (HeldKind::Everything, everything)];
    let them: BTreeSet<Uuid> = them.iter().filter_map(|target| standing.get(target)).flatten().copied().collect();
    if !them.is_empty() {
        return Ok(told_from.next().map(|at| (at, them)));
    }
    Ok(told_from.find_map(|at| held.get(&at).cloned().map(|holds| (at, holds))))
}

/// Whether any hold stands.
pub(super) async fn any_stands(house: &House) -> Result<bool, FlowError> {
    Ok(!standing(house, &mut house.db.read().await?).await?.is_empty())
}

/// The saved sets of the people of an erasure, each with its pages.
pub(super) fn persons(discovery: &Discovery) -> Vec<(KeySet, u32)> {
    let tables = discovery.skeleton.tables.iter().filter(|(_, table)| table.subject.is_some());
    let sets = tables.flat_map(|(at, _)| discovery.sets_of(at));
    sets.map(|set| {
        let pages = discovery.chunks.get(&set.to_string()).map_or(0, Vec::len);
        (set, u32::try_from(pages).unwrap_or(u32::MAX))
    })
    .collect()
}

/// What a person is known by to a hold on them whose row has this key.
pub(super) fn person(house: &House, set: &KeySet, key: &Key) -> [u8; 32] {
    touches::person(&house.keys, &set.at, key)
}

/// The set by which an erasing of kept rows knows whom they were of: not by keys, which are forgotten, but as a hold knows people. No
/// table is called so.
pub(super) const OF_KEPT: &str = "people";

/// A page of [`OF_KEPT`]: so many people as their words for a hold.
pub(super) fn page_of_kept(page: u32, people: Vec<[u8; 32]>) -> KeyPage {
    let keys = people.into_iter().map(|mac| Key(vec![KeyValue::Bytes(mac.to_vec())])).collect();
    KeyPage { set: OF_KEPT.to_owned(), chunk: page, keys }
}

/// Those of the standing holds on people whom kept rows were of.
async fn of_kept(
    ledger: &CaseLedger<'_>,
    discovery: &Discovery,
    standing: &Standing,
) -> Result<BTreeSet<(HeldKind, [u8; 32])>, FlowError> {
    let mut of = BTreeSet::new();
    if !standing.keys().any(|(kind, _)| *kind == HeldKind::Subject) {
        return Ok(of);
    }
    let pages = discovery.chunks.get(OF_KEPT).map_or(0, Vec::len);
    for page in 0..u32::try_from(pages).unwrap_or(u32::MAX) {
        let keys = ledger.load_pages(&[(OF_KEPT.to_owned(), page)]).await.map_err(EraseError::from)?;
        for key in keys.into_iter().flatten() {
            let Some(KeyValue::Bytes(mac)) = key.0.into_iter().next() else { continue };
            let mac: [u8; 32] = mac.try_into().map_err(|_| FlowError::Broken("people of another shape"))?;
            of.extend(Some((HeldKind::Subject, mac)).filter(|target| standing.contains_key(target)));
        }
    }
    Ok(of)
}

/// How many holds stand.
///
/// # Errors
/// When our database does not answer; a hold that was forged or altered.
pub async fn count_standing(house: &House) -> Result<usize, FlowError> {
    let mut tx = house.db.read().await?;
    let mut count = 0;
    for hold in legal_holds::all(&mut tx).await? {
        count += usize::from(hold.stands(house.keys.gate())?);
    }
    Ok(count)
}

/// What holds stand on, each with their ids.
type Standing = BTreeMap<(HeldKind, [u8; 32]), BTreeSet<Uuid>>;

async fn standing(house: &House, tx: &mut Tx) -> Result<Standing, FlowError> {
    let mut standing = Standing::new();
    for hold in legal_holds::all(tx).await? {
        if hold.stands(house.keys.gate())? {
            standing.entry((hold.kind, hold.target_mac)).or_default().insert(hold.id);
        }
    }
    Ok(standing)
}

/// Those of these holds that stand still, each with what it is on.
///
/// # Errors
/// When our database does not answer; a hold that was forged or altered.
pub async fn still(
    kek: &KeyEncryptionKey,
    tx: &mut Tx,
    ids: &BTreeSet<Uuid>,
) -> Result<Vec<(LegalHoldRecord, Option<HeldTarget>)>, FlowError> {
    let mut still = Vec::new();
    if ids.is_empty() {
        return Ok(still);
    }
    for hold in legal_holds::all(tx).await?.into_iter().filter(|hold| ids.contains(&hold.id)) {
        if hold.stands(kek.installation_keys().gate())? {
            let target = target_of(kek, tx, &hold).await?;
            still.push((hold, target));
        }
    }
    Ok(still)
}
