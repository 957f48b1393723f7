//! What of a plan a standing hold touches. Who erases and who only looks at a plan judge by the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::{Tx, legal_holds};
use crate::erase::map::TableRef;
use crate::erase::{People, Skeleton};
use crate::stores::Key;
use crate::vault::{InstallationKeys, KeyEncryptionKey};
use crate::verify::{HeldKind, LegalHoldRecord};

use super::{FlowError, everything};

/// What could be held of a plan, by what the database knows it by: the tables that are held with it, `None` for all.
pub(super) type Touched = BTreeMap<(HeldKind, [u8; 32]), Option<BTreeSet<TableRef>>>;

/// All that a hold could stand on of a plan.
pub(super) fn touched(keys: &InstallationKeys, account_mac: [u8; 32], skeleton: &Skeleton, people: &People) -> Touched {
    let mut touched =
        Touched::from([((HeldKind::Account, account_mac), None), ((HeldKind::Everything, everything(keys)), None)]);
    for (at, _) in &skeleton.tables {
        let (store, table) = (keys.subject_mac(at.store.as_str(), ""), keys.subject_mac(&at.to_string(), ""));
        for held in [(HeldKind::Store, store), (HeldKind::Table, table)] {
            touched.entry(held).or_insert_with(|| Some(BTreeSet::new())).get_or_insert_default().insert(at.clone());
        }
    }
    for (at, rows) in people {
        for key in rows.iter() {
            touched.insert((HeldKind::Subject, person(keys, at, &key)), None);
        }
    }
    touched
}

/// What a person is known by whose row this is.
pub(super) fn person(keys: &InstallationKeys, at: &TableRef, key: &Key) -> [u8; 32] {
    let texts: Vec<_> = key.0.iter().map(|value| value.to_text()).collect();
    keys.subject_mac(&at.to_string(), &texts.join("/"))
}

/// The tables that are held, of a plan with these.
pub(super) fn tables(touched: &Touched, held: (HeldKind, [u8; 32]), skeleton: &Skeleton) -> BTreeSet<TableRef> {
    match touched.get(&held) {
        Some(Some(tables)) => tables.clone(),
        Some(None) => skeleton.tables.iter().map(|(at, _)| at.clone()).collect(),
        None => BTreeSet::new(),
    }
}

/// The standing holds that a plan for somebody of an account meets, each with the tables that it holds of it.
///
/// # Errors
/// When our database does not answer; a hold that was forged or altered.
pub async fn on_plan(
    kek: &KeyEncryptionKey,
    tx: &mut Tx,
    account: &str,
    skeleton: &Skeleton,
    people: &People,
) -> Result<Vec<(LegalHoldRecord, BTreeSet<TableRef>)>, FlowError> {
    let keys = kek.installation_keys();
    let touched = touched(&keys, keys.account_mac(account), skeleton, people);
    let mut met = Vec::new();
    for hold in legal_holds::all(tx).await? {
        let tables = tables(&touched, (hold.kind, hold.target_mac), skeleton);
        if !tables.is_empty() && hold.stands(keys.gate())? {
            met.push((hold, tables));
        }
    }
    Ok(met)
}
