//! What the stores do by themselves when a row is deleted, against what the map says. A row that comes in the last
//! moment, after all others were looked for, is deleted by ON DELETE CASCADE with the row that it points to: nobody
//! counts it, and it may be somebody else's, or one that has to stay.

use super::check::Report;
use super::links::answers;
use super::{DataMap, TableRef};
use crate::stores::{ForeignKey, OnDelete};

/// Reports a foreign key that would delete rows which the map keeps.
pub(super) fn takes_what_stays(report: &mut Report<'_>, map: &DataMap, table: &str, foreign: &ForeignKey) {
    let here = TableRef { store: report.store.clone(), table: table.to_owned() };
    let there = TableRef { store: report.store.clone(), table: foreign.table.clone() };
    let (Some(child), Some(parent)) = (map.table(&here), map.table(&there)) else { return };
    if foreign.on_delete != OnDelete::Cascade || !parent.goes() {
        return;
    }
    let mut answers = child.belongs_to.iter().filter(|link| answers(link, parent, &here, foreign)).peekable();
    let belongs = answers.peek().is_some();
    let problem = if child.stays() {
        "ON DELETE CASCADE would delete rows that stay"
    } else if !belongs || answers.any(|link| link.shared) {
        "ON DELETE CASCADE would delete rows that others have as well"
    } else {
        return; // they would go anyway
    };
    let help = format!(
        "let the store refuse instead: make it a foreign key to {} without ON DELETE CASCADE; a row of the last moment \
         would go with it, uncounted",
        foreign.table
    );
    report.add(table, Some(&foreign.columns.join(", ")), problem, help);
}
