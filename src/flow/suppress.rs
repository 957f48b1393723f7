//! The suppression list: by what the erased were recognised, as keyed HMACs, so that an importer does not bring them back.

use crate::db::{Tx, suppressions};
use crate::erase::plan::KeySet;
use crate::erase::{EraseError, Ledger as _};

use super::error::FlowError;
use super::house::House;
use super::ledger::CaseLedger;

/// The list entries of an erasure: one per identity that it had saved. None where the list is switched off, or where the
/// person stays.
pub(super) async fn of(house: &House, ledger: &CaseLedger<'_>) -> Result<Vec<String>, FlowError> {
    let mut macs = Vec::new();
    if house.config.retention.suppression_days == 0 {
        return Ok(macs);
    }
    let Some(saved) = ledger.discovery().await.map_err(EraseError::from)? else { return Ok(macs) };
    for (at, table) in &saved.skeleton.tables {
        for column in table.identify.values() {
            let set = KeySet::by(at.clone(), column.clone());
            let chunks = saved.chunks.get(&set.to_string()).map_or(0, Vec::len);
            for chunk in 0..u32::try_from(chunks).unwrap_or(u32::MAX) {
                let values = ledger.load_keys(&set, chunk).await.map_err(EraseError::from)?;
                let texts = values.iter().flat_map(|key| key.0.first()).map(|value| value.to_text());
                macs.extend(texts.map(|text| house.keys.suppression_mac(&text)));
            }
        }
    }
    Ok(macs)
}

/// Puts them on the list, for as long as is configured.
pub(super) async fn add(house: &House, tx: &mut Tx, macs: &[String]) -> Result<(), FlowError> {
    let until = house.clock.now().plus_days(house.config.retention.suppression_days);
    Ok(suppressions::add(tx, macs, until).await?)
}
