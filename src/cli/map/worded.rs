//! Whether rows hold words of which a map does not say what they mean: an erasing would stop on the first of them, after the person
//! has confirmed it.

use crate::cli::exit::Ended;
use crate::config::Config;
use crate::daemon::build;
use crate::domain::Retry;
use crate::erase::map::StoreMap;
use crate::erase::rows_that;
use crate::stores::{StoreError, Survey};

use super::files;

/// Different words of one column that are looked at; a column with more holds no words of kinds.
const WORDS_MAX: u32 = 1_000;

/// A column with rows of no kind that the map knows, or one that could not be looked at.
pub(in crate::cli) struct Worded {
    /// The table.
    pub(in crate::cli) table: String,
    /// The column.
    pub(in crate::cli) column: String,
    /// What was found.
    pub(in crate::cli) problem: String,
    /// What helps.
    pub(in crate::cli) help: String,
    /// Whether an erasing would stop on it; else nobody knows.
    pub(in crate::cli) stops: bool,
}

/// Opens a store that has columns of words, and looks at them.
pub(in crate::cli) async fn look(config: &Config, store: &StoreMap) -> Result<Vec<Worded>, Ended> {
    if store.kind.is_keyed() || store.worded().is_empty() {
        return Ok(Vec::new());
    }
    let survey = files::survey(store, build::store_limits(config)).await?;
    Ok(find(survey.as_ref(), store).await?)
}

/// Looks at the columns of words of a store. Says no word: what stands there may be anybody's.
pub(super) async fn find(survey: &dyn Survey, store: &StoreMap) -> Result<Vec<Worded>, StoreError> {
    let mut found = Vec::new();
    for (table, column, known) in store.worded() {
        let (problem, help, stops) = match survey.unknown_words(table, column, &known, WORDS_MAX).await {
            Ok(0) => continue,
            Ok(rows) => (
                format!("{} a word that the data map does not know, or none", rows_that(rows, "holds", "hold")),
                format!(
                    "look at them with: SELECT DISTINCT {column} FROM {table}; add those words to words, or to a when, and fill the column \
                     where it is empty"
                ),
                true,
            ),
            Err(StoreError::Timeout { seconds }) => (
                format!("whether the map knows all words in it was not looked at: that takes longer than {seconds} s"),
                "an index on the column helps, or a larger statement_seconds under [limits] for this look".to_owned(),
                false,
            ),
            Err(error) if error.retry() == Retry::Transient => return Err(error),
            // What is not there or may not be read is told as that.
            Err(_) => continue,
        };
        found.push(Worded { table: table.to_owned(), column: column.to_owned(), problem, help, stops });
    }
    Ok(found)
}
