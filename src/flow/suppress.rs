//! The suppression list: by what the erased were recognised, as keyed HMACs, so that an importer does not bring them back.
//!
//! The identities are read a page at a time, in the transaction that completes the erasing, and each page is one statement: neither
//! memory nor statements grow with people, but pages.

use std::collections::BTreeSet;

use crate::db::{Tx, suppressions};
use crate::erase::plan::KeySet;
use crate::erase::{EraseError, Ledger as _};

use super::error::FlowError;
use super::house::House;
use super::ledger::CaseLedger;

/// Where an erasing had saved the identities of who was erased: the sets, each with its pages.
#[derive(Default)]
pub(super) struct Identities(Vec<(KeySet, u32)>);

/// Those of an erasing. None where the list is switched off, or where the person stays.
pub(super) async fn of(house: &House, ledger: &CaseLedger<'_>) -> Result<Identities, FlowError> {
    let mut identities = Identities::default();
    if house.config.retention.suppression_days == 0 {
        return Ok(identities);
    }
    let Some(saved) = ledger.discovery().await.map_err(EraseError::from)? else { return Ok(identities) };
    for (at, table) in &saved.skeleton.tables {
        for column in table.identify.values() {
            let set = KeySet::by(at.clone(), column.clone());
            let pages = saved.chunks.get(&set.to_string()).map_or(0, Vec::len);
            identities.0.push((set, u32::try_from(pages).unwrap_or(u32::MAX)));
        }
    }
    Ok(identities)
}

/// Puts them on the list, for as long as is configured.
pub(super) async fn add(
    house: &House,
    tx: &mut Tx,
    ledger: &CaseLedger<'_>,
    Identities(identities): &Identities,
) -> Result<(), FlowError> {
    let until = house.clock.now().plus_days(house.config.retention.suppression_days);
    for (set, pages) in identities {
        for page in 0..*pages {
            let values = ledger.keys_in(tx, set, page).await?;
            let texts = values.iter().flat_map(|key| key.0.first()).map(|value| value.to_text());
            let macs: BTreeSet<String> = texts.map(|text| house.keys.suppression_mac(&text)).collect();
            suppressions::add(tx, &macs, until).await?;
        }
    }
    Ok(())
}
