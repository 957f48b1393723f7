//! What a hold is on, for people: sealed under a key of the hold, and believed only where the hold's own mark says the same.

use crate::db::{Tx, keys, sealed};
use crate::vault::{KeyEncryptionKey, KeyOwner, KeyPurpose};
use crate::verify::LegalHoldRecord;

use super::{FlowError, HeldTarget, House, case_of, safe};

const TARGET: &str = "held";

/// Keeps what a hold is on.
pub(super) async fn put(
    house: &House,
    tx: &mut Tx,
    hold: &LegalHoldRecord,
    target: &HeldTarget,
) -> Result<(), FlowError> {
    let key = safe::record_key(house, tx, case_of(hold)).await?;
    let bytes = serde_json::to_vec(target).map_err(|_| FlowError::Broken("facts that do not serialise"))?;
    sealed::put(tx, &key, TARGET, &bytes, house.clock.now(), &*house.chance).await?;
    Ok(())
}

/// What a hold is on. `None` for a person or an account whose hold was lifted: that was forgotten.
///
/// # Errors
/// When our database does not answer; [`FlowError::Broken`] where what was sealed is of another hold.
pub async fn target_of(
    kek: &KeyEncryptionKey,
    tx: &mut Tx,
    hold: &LegalHoldRecord,
) -> Result<Option<HeldTarget>, FlowError> {
    let Some(key) = keys::load(tx, kek, KeyOwner::Case(case_of(hold)), KeyPurpose::Record).await? else {
        return Ok(None);
    };
    let Some((_, bytes)) = sealed::list(tx, &key, TARGET, None, 1).await?.pop() else { return Ok(None) };
    let target: HeldTarget =
        serde_json::from_slice(&bytes).map_err(|_| FlowError::Broken("sealed facts of another shape"))?;
    if target.mac(&kek.installation_keys()) != (hold.kind, hold.target_mac) {
        return Err(FlowError::Broken("what is sealed beside a legal hold is not what the hold is on"));
    }
    Ok(Some(target))
}
