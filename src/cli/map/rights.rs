//! What the login may do, tried: every statement that the map will need is explained by the store, never run.

use futures::{StreamExt as _, TryStreamExt as _};

use crate::cli::exit::{Ended, Exit, Outcome};
use crate::config::Config;
use crate::daemon::build;
use crate::domain::Retry;
use crate::erase::DataMap;
use crate::erase::map::StoreMap;
use crate::erase::map::risk::{Need, needs};
use crate::output::counted;
use crate::stores::{Attempt, Right, Schema, StoreError, Survey};

use super::files;

/// Attempts at the same time; a store has no more connections for us.
const AT_ONCE: usize = 4;
/// Tables that are named before the rest is counted.
const NAMED_MAX: usize = 5;

/// What was found about the rights.
pub(super) struct Rights {
    /// What is needed and refused: the table, the right, and what the store said.
    pub(super) missing: Vec<(String, Right, StoreError)>,
    /// What is permitted and not needed, in words, with what takes it away.
    pub(super) too_wide: Vec<(String, String)>,
}

/// A right that the map needs and the login does not have.
pub(in crate::cli) struct Missing {
    /// The table.
    pub(in crate::cli) table: String,
    /// What is missing, with the store's own words.
    pub(in crate::cli) problem: String,
    /// What grants it.
    pub(in crate::cli) help: String,
}

impl Missing {
    pub(super) fn of(table: String, right: Right, why: &StoreError) -> Self {
        let said = std::error::Error::source(why).map_or_else(|| why.to_string(), ToString::to_string);
        let problem = format!("the login may not {} what the map asks for: {said}", right.as_sql());
        let help = format!("GRANT {} ON {table} to the login", right.as_sql());
        Self { table, problem, help }
    }
}

/// Tries only what the map needs of a store; `None` where the store has no logins, or opening it tries them.
pub(in crate::cli) async fn missing(config: &Config, store: &StoreMap) -> Result<Option<Vec<Missing>>, Ended> {
    if store.kind.is_keyed() {
        return Ok(None);
    }
    let survey = files::survey(store, build::store_limits(config)).await?;
    if !survey.has_logins() {
        return Ok(None);
    }
    let schema = survey.look().await?;
    let needed = needs(store, &schema).into_iter().filter(|need| need.needed);
    let tried: Vec<_> = futures::stream::iter(needed.map(|need| attempt(survey.as_ref(), need)))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let missing = tried.into_iter().filter_map(|(need, refused)| Some(Missing::of(need.table, need.right, &refused?)));
    Ok(Some(missing.collect()))
}

/// Refuses logins that may not do what the maps ask for: a request would be confirmed, wait its time, and stop there.
pub(in crate::cli) async fn demand(config: &Config, map: &DataMap) -> Outcome {
    let mut lines = Vec::new();
    for (name, store) in map.stores() {
        let missing = match missing(config, store).await {
            // What it waits for is told by an erasing that may not do it.
            Err(ended) if is_away(&ended) => continue,
            found => found?,
        };
        for Missing { table, problem, help } in missing.into_iter().flatten() {
            lines.push(format!("  - {}: {name}.{table}: {problem}; {help}", store.file));
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    Err(Ended::saying(Exit::Usage, format_args!("rights are missing in the stores:\n{}", lines.join("\n"))))
}

/// Whether a store does not answer for now, which keeps no daemon from starting.
fn is_away(ended: &Ended) -> bool {
    let of_store = |error: &(dyn std::error::Error + 'static)| {
        let error = error.downcast_ref::<StoreError>()?;
        Some(error.retry() == Retry::Transient && !error.is_shut_out())
    };
    ended.error.chain().find_map(of_store).unwrap_or(false)
}

/// Tries everything that the map needs, and what it is better without.
pub(super) async fn find(survey: &dyn Survey, store: &StoreMap, schema: &Schema) -> Result<Rights, StoreError> {
    let beyond = survey.beyond().await?;
    // Who may do everything is told so once.
    let all = beyond.iter().any(|words| words.starts_with("SUPERUSER") || words.starts_with("ALL PRIVILEGES"));
    let only_needed = all || !survey.has_logins();
    let needs = needs(store, schema).into_iter().filter(|need| need.needed || !only_needed);
    let tried: Vec<(Need, Option<StoreError>)> =
        futures::stream::iter(needs.map(|need| attempt(survey, need))).buffered(AT_ONCE).try_collect().await?;
    let mut rights = Rights { missing: Vec::new(), too_wide: Vec::new() };
    for words in beyond {
        let problem = format!("the login may do more than erase: {words}");
        rights.too_wide.push((
            problem,
            "erase with a login of its own that has SELECT, UPDATE where the map masks and DELETE where rows go"
                .to_owned(),
        ));
    }
    for right in [Right::Update, Right::Delete, Right::Insert] {
        let free = tried.iter().filter(|(need, refused)| !need.needed && need.right == right && refused.is_none());
        let tables: Vec<&str> = free.map(|(need, _)| need.table.as_str()).collect();
        if let [first @ .., last] = tables.as_slice() {
            let named = tables.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
            let more = if first.len() >= NAMED_MAX { format!(" … {last}") } else { String::new() };
            let (word, count) = (right.as_sql(), tables.len());
            let problem = format!(
                "{word} is permitted and not needed on {}: {named}{more}",
                counted(count as u64, "table", "tables")
            );
            rights.too_wide.push((problem, format!("REVOKE {word} on them from the login")));
        }
    }
    let missing = tried
        .into_iter()
        .filter_map(|(need, refused)| Some((need.table, need.right, refused?)).filter(|_| need.needed));
    rights.missing.extend(missing);
    Ok(rights)
}

async fn attempt(survey: &dyn Survey, need: Need) -> Result<(Need, Option<StoreError>), StoreError> {
    let Need { table, right, columns, key, .. } = &need;
    let refused = survey.attempt(Attempt { right: *right, table, key, columns }).await?;
    Ok((need, refused))
}
