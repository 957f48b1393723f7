//! Whether what a request is about was erased already, by another request: for who looks at it. The account may be gone with all its
//! people, and whoever was erased may write again.

use super::error::FlowError;
use crate::db::Tx;
use crate::db::requests::{self, Stored};
use crate::domain::request::ReviewReason;
use crate::domain::{Reference, State, Timestamp};

/// An erasure that came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The request that it was of.
    pub by: Reference,
    /// When that ended.
    pub at: Timestamp,
    /// Whether the whole account of this request was erased; otherwise something of whoever wrote from the same address.
    pub account: bool,
}

/// What was erased before, where that tells why nobody is on file; `None` where another cause stands, or nothing is known.
///
/// # Errors
/// A bad stored value names its column.
pub async fn by(tx: &mut Tx, stored: &Stored) -> Result<Option<Gone>, FlowError> {
    let (request, bindings) = (&stored.request, &stored.bindings);
    let is_unknown = match request.state {
        State::NotFound => true,
        State::NeedsReview => matches!(
            request.review,
            Some(ReviewReason::NoAddressOnFile | ReviewReason::SubjectMissing | ReviewReason::FactsChanged)
        ),
        _ => false,
    };
    if !is_unknown {
        return Ok(None);
    }
    if let Some(account) = bindings.account_mac
        && let Some((by, at)) = requests::erased_account(tx, &account, request.id).await?
    {
        return Ok(Some(Gone { by, at, account: true }));
    }
    // Who is asked about is on file where only the facts have changed.
    let Some(asker) = bindings.asker_mac.filter(|_| request.review != Some(ReviewReason::FactsChanged)) else {
        return Ok(None);
    };
    let found = requests::erased_of_address(tx, &asker, request.id).await?;
    Ok(found.map(|(by, at)| Gone { by, at, account: false }))
}
