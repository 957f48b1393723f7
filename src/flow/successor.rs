//! Which request was opened anew from the letter of one that has ended: only one ever is.

use serde_json::Value;

use super::error::FlowError;
use crate::db::{Tx, requests, trail as leaves};
use crate::domain::request::Request;
use crate::domain::{Reference, State};
use crate::trail;
use crate::vault::{KeyEncryptionKey, KeyPurpose};

/// The fact by which the leaf of a request says as which other case it was opened anew.
pub(super) const OPENED_AS: &str = "opened_as";

/// What goes on in place of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// What people call it; `None` once it was forgotten.
    pub reference: Option<Reference>,
}

/// The request that was opened anew from the letter of this one; `None` where none was.
///
/// # Errors
/// When our database does not answer, or holds a leaf that cannot be read.
pub async fn of(tx: &mut Tx, request: &Request) -> Result<Option<Successor>, FlowError> {
    // One that was put right in review has a leaf of that too, and names no other case.
    for leaf in leaves::show(tx, request.case).await?.iter().filter(|leaf| leaf.event == trail::Event::PutRight) {
        let facts = leaf.leaf.read()?.facts;
        if let Some(case) = facts.get(OPENED_AS).and_then(Value::as_str) {
            let known = requests::by_case(tx, case.strip_prefix("case:").unwrap_or(case)).await?;
            return Ok(Some(Successor { reference: known.map(|stored| stored.request.reference) }));
        }
    }
    Ok(None)
}

/// Whether a request that ended because nobody was found can be opened anew: its letter is kept, and none was opened from it yet.
///
/// # Errors
/// As [`of`].
pub async fn is_open(kek: &KeyEncryptionKey, tx: &mut Tx, request: &Request) -> Result<bool, FlowError> {
    if request.state != State::NotFound || of(tx, request).await?.is_some() {
        return Ok(false);
    }
    let owner = crate::vault::KeyOwner::Case(request.case);
    Ok(crate::db::keys::load(tx, kek, owner, KeyPurpose::Letter).await?.is_some())
}
