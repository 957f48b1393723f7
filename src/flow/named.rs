//! Which data a request names, for who looks at it. The words are those of the data maps and say nothing of a person.

use serde::Serialize;

use super::error::FlowError;
use super::safe;
use crate::db::Tx;
use crate::domain::Scope;
use crate::domain::request::Request;
use crate::vault::KeyEncryptionKey;

/// The categories of the data maps that a request is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NamedData {
    /// The categories; none where the request is about all data, or it was not understood yet which.
    pub categories: Vec<String>,
    /// Whether the team set them.
    pub categories_set: bool,
    /// Whether the letter names none, so that they are what the maps say a general wish means. Not known any more, and false, once
    /// the letter was forgotten.
    pub categories_general: bool,
}

/// Reads them; empty once the case was forgotten.
///
/// # Errors
/// When our database does not answer, or sealed facts cannot be read.
pub async fn data(kek: &KeyEncryptionKey, tx: &mut Tx, request: &Request) -> Result<NamedData, FlowError> {
    let subject = safe::subject_to_look(kek, tx, request.case).await?.unwrap_or_default();
    if !subject.categories_set.is_empty() {
        return Ok(NamedData { categories: subject.categories_set, categories_set: true, categories_general: false });
    }
    let offered = subject.offer(Scope::Data).map(|offer| offer.target.categories.clone());
    let categories = offered.unwrap_or_default();
    let opening = safe::opening_to_look(kek, tx, request.case).await?;
    let categories_general = !categories.is_empty() && opening.is_some_and(|opening| opening.categories.is_empty());
    Ok(NamedData { categories, categories_set: false, categories_general })
}
