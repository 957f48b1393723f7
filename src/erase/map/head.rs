//! What is said of a map's head before its kind decides how the rest is read: otherwise a slip in the kind would be told as
//! the first field that another kind does not know.

use serde::Deserialize;
use serde_spanned::Spanned;

use super::MapError;
use super::load::File;
use crate::stores::{RecipientKind, StoreKind};

#[derive(Deserialize)]
struct Head {
    store: Of,
}

#[derive(Deserialize)]
struct Of {
    kind: Option<Spanned<String>>,
    remind_days: Option<Spanned<i64>>,
    silent_days: Option<Spanned<i64>>,
}

/// Days until a recipient is reminded, where the map says nothing else.
const REMIND_DAYS: i64 = 7;
/// The person is answered within a month.
const SILENT_DAYS_MAX: i64 = 31;

/// Looks at the kind, and at the days that a recipient is given. What is not even read here, the whole reading tells.
pub(super) fn check(file: File<'_>) -> Result<(), MapError> {
    let Ok(Head { store }) = toml::from_str::<Head>(file.1) else { return Ok(()) };
    let Some(kind) = &store.kind else { return Ok(()) };
    let (stores, recipients) = (StoreKind::ALL.iter().map(|kind| kind.as_str()), RecipientKind::ALL);
    let known: Vec<&str> = stores.chain(recipients.iter().map(|kind| kind.as_str())).collect();
    if !known.contains(&kind.get_ref().as_str()) {
        let message = format!("{:?} is no kind of a store", kind.get_ref());
        return Err(MapError::at(file, kind.span(), message, format!("use one of: {}", known.join(", "))));
    }
    let Some(silent) = &store.silent_days else { return Ok(()) };
    // Days that were written, and do not fit one another, are told at those of the reminder.
    let least = if store.remind_days.is_some() { 1 } else { REMIND_DAYS + 1 };
    if (least..=SILENT_DAYS_MAX).contains(silent.get_ref()) {
        return Ok(());
    }
    let message = format!("silent_days is {}, and cannot be", silent.get_ref());
    let help = format!(
        "write {least} to {SILENT_DAYS_MAX}: more than remind_days ({REMIND_DAYS} unless the map says so), and at most 31, as the \
         person is answered within a month"
    );
    Err(MapError::at(file, silent.span(), message, help))
}
