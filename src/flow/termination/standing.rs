//! Whether the directory still says that the service of an account has ended, and when: asked again whenever something follows from
//! it.

use std::collections::BTreeSet;

use crate::db::terminations::Resumed;
use crate::verify::{DirectoryError, EndedRecord};

use super::super::error::FlowError;
use super::super::house::House;

/// What the directory says of an end by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) enum Standing {
    /// The same, and its time is over.
    Ended,
    /// The account lives again or is gone, its service ended at another time, or the time is longer by now.
    Gone(Resumed),
    /// Nobody can tell: it has several ends, or the directory is asked no more.
    Unclear,
}

/// Asks about one account. Outside of every transaction.
///
/// # Errors
/// [`FlowError::Directory`] where there is no answer: nothing is erased then.
pub(in crate::flow) async fn standing(
    house: &House,
    account: &str,
    record: &EndedRecord,
) -> Result<Standing, FlowError> {
    record.check(house.keys.gate())?;
    let Some(over) = super::over_by(house) else { return Ok(Standing::Unclear) };
    let page = house.directory.ended(account).await?;
    let of_account: Vec<_> = page.iter().filter(|ended| ended.account() == account).collect();
    let dates: BTreeSet<_> = of_account.iter().map(|ended| ended.ended_at()).collect();
    if dates.len() > 1 {
        return Ok(Standing::Unclear);
    }
    let Some(ended) = of_account.first() else {
        // One that somebody deleted by hand is listed as little as one that lives, and nobody of it waits for a letter.
        let has_owner = match house.directory.owner(account).await {
            Err(DirectoryError::NotOneOwner { .. }) => true,
            owner => owner?.is_some(),
        };
        return Ok(Standing::Gone(if has_owner { Resumed::Lives } else { Resumed::Deleted }));
    };
    Ok(match record.is_of(ended, &house.keys) {
        false => Standing::Gone(Resumed::Redated),
        true if record.ended_at > over => Standing::Gone(Resumed::Longer),
        true => Standing::Ended,
    })
}
