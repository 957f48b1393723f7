//! What stands in the way of a request, for who looks at it: names of stores, tables and columns, and no personal data.

use serde::Serialize;

use super::error::FlowError;
use super::facts::ExtensionGround;
use super::legal::{self, HeldTarget};
use super::safe;
use crate::db::Tx;
use crate::domain::request::Request;
use crate::vault::KeyEncryptionKey;
use crate::verify::LegalHoldRecord;

/// What the team was told of why work on a request stopped or waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// A code that is fixed in the program.
    pub reason: String,
    /// The store, or the file of the directory, that it is about.
    pub store: Option<String>,
    /// The table, or the query of the directory.
    pub table: Option<String>,
    /// The column.
    pub column: Option<String>,
    /// The error with its causes.
    pub text: String,
}

impl Cause {
    /// `shop.users`: the store and, where it is about one, the table.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        let store = self.store.as_deref()?;
        // The directory is asked by a query, which is no table.
        let table = self.table.as_deref().filter(|_| self.reason != FlowError::DIRECTORY);
        Some(table.map_or_else(|| store.to_owned(), |table| format!("{store}.{table}")))
    }
}

/// What kind of reason the period of a request was extended for; `None` where it was not, or the case was forgotten.
///
/// # Errors
/// As [`cause`].
pub async fn extended_for(
    kek: &KeyEncryptionKey,
    tx: &mut Tx,
    request: &Request,
) -> Result<Option<ExtensionGround>, FlowError> {
    Ok(safe::closing_to_look(kek, tx, request.case).await?.and_then(|closing| closing.extension_ground))
}

/// The legal holds that work on a request waits for and that stand still, each with what it is on.
///
/// # Errors
/// As [`cause`]; a hold that was forged or altered.
pub async fn holds(
    kek: &KeyEncryptionKey,
    tx: &mut Tx,
    request: &Request,
) -> Result<Vec<(LegalHoldRecord, Option<HeldTarget>)>, FlowError> {
    let failure = safe::closing_to_look(kek, tx, request.case).await?.and_then(|closing| closing.failure);
    legal::still(kek, tx, &failure.map(|failure| failure.holds).unwrap_or_default()).await
}

/// Reads it; `None` where nothing stopped, or the case was forgotten.
///
/// # Errors
/// When our database does not answer, or sealed facts cannot be read.
pub async fn cause(kek: &KeyEncryptionKey, tx: &mut Tx, request: &Request) -> Result<Option<Cause>, FlowError> {
    let failure = safe::closing_to_look(kek, tx, request.case).await?.and_then(|closing| closing.failure);
    Ok(failure.map(|failure| Cause {
        reason: failure.reason,
        store: failure.store,
        table: failure.table,
        column: failure.column,
        text: failure.text,
    }))
}
