//! What stands in the way of a request, for who looks at it: names of stores, tables and columns, and no personal data.

use serde::Serialize;

use super::error::FlowError;
use super::safe;
use crate::db::Tx;
use crate::domain::request::Request;
use crate::vault::KeyEncryptionKey;

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
