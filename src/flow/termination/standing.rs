//! Whether the directory still says that the service of an account has ended, and when: asked again whenever something follows from
//! it.

use std::collections::BTreeSet;

use crate::verify::EndedRecord;

use super::super::error::FlowError;
use super::super::house::House;

/// What the directory says of an end by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) enum Standing {
    /// The same, and its time is over.
    Ended,
    /// The account lives again, its service ended at another time, or the time is longer by now.
    Gone,
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
    let same = of_account.first().is_some_and(|ended| record.is_of(ended, &house.keys));
    Ok(if same && record.ended_at <= over { Standing::Ended } else { Standing::Gone })
}
