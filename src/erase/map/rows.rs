//! Answers for some of a table's rows: which of them go, are masked or stay is told by a word that they hold.
//!
//! ```toml
//! [tables.documents]
//! erase = "delete"                # what happens to all other rows
//! mask  = { user_id = "detach" }  # links let go by the table's mask, whatever happens to the row
//!
//! [[tables.documents.rows]]       # the first that fits
//! when  = { kind = ["invoice", "receipt"] }
//! erase = "keep"
//! keep  = { ground = "Art. 17(3)(b) GDPR; HGB §257", until = "made_at + 10 years" }
//! ```
//!
//! Everything else of an answer stands in it: it takes neither `mask` nor `keep` from the table.

use std::ops::Range;

use super::load::Reader;
use super::raw::RawAnswer;
use super::{Answer, MapError, Rule, TableMap};

impl Reader<'_> {
    pub(super) fn answer(&self, raw: &RawAnswer) -> Result<Answer, MapError> {
        Ok(Answer {
            when: self.words_of(raw.when.as_ref(), &raw.when.span())?,
            erase: self.rule(&raw.erase)?,
            mask: self.masks(&raw.mask)?,
            keep: raw.keep.as_ref().map(|keep| self.keep(keep.as_ref())).transpose()?,
        })
    }

    pub(super) fn answer_fits(&self, table: &TableMap, answer: &Answer, span: &Range<usize>) -> Result<(), MapError> {
        if answer.when.is_empty() {
            let help = "name the column and its words: when = { kind = \"invoice\" }";
            return Err(self.error(span.clone(), "it is not said which rows are meant", help));
        }
        if let Some(column) = answer.mask.keys().find(|column| table.is_linked(column)) {
            let help = format!("a link lets go in all rows alike: write {column} into the mask of the table");
            return Err(self.error(span.clone(), format!("column {column} holds another row's key"), help));
        }
        let until = answer.keep.iter().map(|keep| &keep.until.column);
        if let Some(column) = answer.mask.keys().chain(until).find(|column| !table.categories.contains_key(*column)) {
            let help = format!("add `{column} = \"none\"` (or its category) to categories");
            return Err(self.error(span.clone(), format!("column {column} has no category"), help));
        }
        match answer.mask.keys().find(|column| table.key.contains(column)) {
            Some(column) => {
                let help = "a key stays; delete the row, or choose another key";
                Err(self.error(span.clone(), format!("the key column {column} cannot be masked"), help))
            }
            None => Ok(()),
        }
    }
}

impl TableMap {
    /// The table as if all its rows had this answer.
    pub(in crate::erase) fn answering(&self, answer: &Answer) -> Self {
        let links = self.mask.iter().filter(|(column, _)| self.is_linked(column));
        let mask = links.chain(&answer.mask).map(|(column, mask)| (column.clone(), mask.clone()));
        Self { erase: answer.erase, mask: mask.collect(), keep: answer.keep.clone(), ..self.clone() }
    }

    /// The table by each of its answers: those for some rows by their places, and that for all others.
    pub(in crate::erase) fn variants(&self) -> Vec<(Option<u16>, Self)> {
        let places = (0..).zip(&self.answers);
        let some = places.map(|(place, answer)| (Some(place), self.answering(answer)));
        some.chain([(None, self.clone())]).collect()
    }

    /// Whether rows of it are ever deleted by its rules.
    pub(in crate::erase) fn goes(&self) -> bool {
        self.rules().any(|rule| rule == Rule::Delete)
    }

    /// Whether rows of it ever stay.
    pub(in crate::erase) fn stays(&self) -> bool {
        self.rules().any(|rule| rule != Rule::Delete)
    }

    fn rules(&self) -> impl Iterator<Item = Rule> {
        self.answers.iter().map(|answer| answer.erase).chain([self.erase])
    }
}
