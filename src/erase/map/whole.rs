//! What can be seen only in all maps together.

use super::load::{File, Spans};
use super::{DataMap, Link, MapError, TableMap, TableRef};
use crate::domain::{Scope, SubjectKind};
use crate::erase::error::PlanError;
use crate::erase::graph::Graph;
use crate::erase::plan::{Target, plan};
use crate::stores::Key;

/// Whether the maps can work.
pub(super) fn check(files: &[File<'_>], map: &DataMap, spans: &Spans) -> Result<(), MapError> {
    let whole = Whole { files, map, spans };
    // A plan is only made of links that have an order.
    whole.circles_open()?;
    let checks = [
        whole.one_table_per_subject(),
        whole.holders_belong(),
        whole.rows_that_stay_forget(),
        whole.general_data_can_go(),
    ];
    super::load::each(checks.into_iter()).map(drop)
}

struct Whole<'a> {
    files: &'a [File<'a>],
    map: &'a DataMap,
    spans: &'a Spans,
}

impl Whole<'_> {
    fn error(&self, at: &TableRef, message: impl Into<String>, help: impl Into<String>) -> MapError {
        let (index, span) = self.spans.get(at).cloned().unwrap_or((0, 0..0));
        let file = self.files.get(index).copied().unwrap_or(("", ""));
        MapError::at(file, span, format!("table {}: {}", at.table, message.into()), help)
    }

    /// A circle of links can be deleted only where one of them lets go first.
    fn circles_open(&self) -> Result<(), MapError> {
        let graph = Graph::of(self.map, |_| true);
        for group in graph.groups() {
            graph.order_within(self.map, &group).map_err(|stuck| {
                let help = "let one link of the circle go first: mask = { that_column = \"detach\" }";
                self.error(&stuck, "its links run in a circle", help)
            })?;
        }
        Ok(())
    }

    /// What holds a row goes with it, when the row goes for another reason.
    fn holders_belong(&self) -> Result<(), MapError> {
        for (at, table) in self.map.tables() {
            let belongs = |by: &TableRef, columns: &[String]| {
                let link = |link: &Link| link.to == at && link.columns == columns;
                self.map.table(by).is_some_and(|holder| holder.belongs_to.iter().any(link))
            };
            if let Some(holder) = table.held_by.iter().find(|holder| !belongs(&holder.by, &holder.columns)) {
                let columns = holder.columns.join(", ");
                let help = format!("let {} have belongs_to {} = \"{columns}\"", holder.by, at.table);
                return Err(self.error(&at, format!("{} holds its rows and does not belong to them", holder.by), help));
            }
        }
        Ok(())
    }

    /// A person is the row of one table: of two, one would be erased and the other forgotten.
    fn one_table_per_subject(&self) -> Result<(), MapError> {
        for kind in self.map.kinds() {
            let mut tables = self.map.subjects(kind).map(|(at, _)| at);
            if let (Some(first), Some(second)) = (tables.next(), tables.next()) {
                let help = format!("keep it for one of them, and let the other have belongs_to {first}");
                return Err(self.error(&second, format!("{first} has subject = \"{kind}\" already"), help));
            }
        }
        Ok(())
    }

    /// A row that stays must not go on naming a person who is gone, whether or not the store would mind.
    fn rows_that_stay_forget(&self) -> Result<(), MapError> {
        for (at, table) in self.map.tables().filter(|(_, table)| table.stays()) {
            let goes = |to: &TableRef| self.map.table(to).is_some_and(TableMap::goes);
            if let Some(link) = table.belongs_to.iter().find(|link| goes(&link.to) && !table.forgets(link)) {
                let columns = link.columns.join(", ");
                let help = format!(
                    "add mask = {{ {columns} = \"detach\" }}, or point it to a placeholder: {{ constant = \"…\" }}"
                );
                return Err(self.error(&at, format!("the row stays and would hold on to {}", link.to), help));
            }
        }
        Ok(())
    }

    /// "Delete my data" names every category but those that the account is known and reached by; each needs a way.
    fn general_data_can_go(&self) -> Result<(), MapError> {
        let categories = self.map.general_categories();
        if categories.is_empty() {
            return Ok(());
        }
        for subject_kind in [SubjectKind::Owner, SubjectKind::User, SubjectKind::EndUser] {
            let Some((root, _)) = self.map.subjects(&subject_kind).next() else { continue };
            let (store, table) = (root.store, root.table);
            let (key, categories) = (Key::from("any"), categories.clone());
            let target = Target { scope: Scope::Data, subject_kind, store, table, key, categories };
            if let Err(PlanError::NoMask { at, column }) = plan(self.map, &target) {
                let message = format!("column {column} has no mask, so that \"delete my data\" has no plan");
                let way = match self.map.table(&at).and_then(|table| table.shape.as_ref()) {
                    Some(_) => "name one category only, because what lies under a name goes as a whole".to_owned(),
                    None => format!("add mask = {{ {column} = \"null\" }}"),
                };
                let help = format!(
                    "{way}, or give it the category of what an account cannot be without: \"identity\" or \"contact\""
                );
                return Err(self.error(&at, message, help));
            }
        }
        Ok(())
    }
}
