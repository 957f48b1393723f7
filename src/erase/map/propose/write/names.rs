//! The text of a proposed map of names, below what a person wrote.

use std::fmt::Write as _;

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::{Guess, WriteError, Written, keyed, line, names_of, quoted};
use crate::erase::map::Rule;
use crate::erase::map::open::{self, OPEN, QUESTION};
use crate::erase::map::propose::SURE;
use crate::erase::map::propose::keyed::NamesProposal;
use crate::stores::StoreKind;
use crate::stores::keyed::{Holds, Template};

/// The patterns that a map has an answer for, finished or not: of its tables, of what it ignores, and its canary.
///
/// # Errors
/// [`WriteError`] for a text that is no TOML.
pub fn spoken_of(begun: &str) -> Result<Vec<Template>, WriteError> {
    let document: DocumentMut = begun.parse()?;
    let store = document.get("store");
    let ignored = names_of(store.and_then(|store| store.get("ignore")));
    let canary = store.and_then(|store| store.get("canary")).and_then(Item::as_str).map(str::to_owned);
    let tables = document.get("keys").and_then(Item::as_table_like).into_iter().flat_map(TableLike::iter);
    let patterns = tables.filter_map(|(_, table)| table.get("pattern")?.as_str().map(str::to_owned));
    let all = patterns.chain(ignored).chain(canary);
    Ok(all.filter_map(|pattern| pattern.parse().ok()).collect())
}

/// Adds tables of names to a map: to one that somebody wrote, or to a mere [`header`](super::header).
///
/// # Errors
/// [`WriteError`] for a map that is not understood.
pub fn write_names(begun: &str, kind: StoreKind, proposals: &[NamesProposal]) -> Result<Written, WriteError> {
    let document: DocumentMut = begun.parse()?;
    let is_taken = |name: &str| document.get("keys").and_then(|keys| keys.get(name)).is_some();
    let mut text = begun.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for proposal in proposals {
        let mut name = proposal.table.clone();
        while is_taken(&name) {
            name.push_str("_new");
        }
        new_names(&mut text, &name, kind, proposal);
    }
    let _: DocumentMut = text.parse()?;
    let questions = open::questions(&text).len();
    Ok(Written { text, tables_new: proposals.len(), columns_new: 0, questions })
}

fn new_names(text: &mut String, name: &str, kind: StoreKind, proposal: &NamesProposal) {
    let _ = writeln!(text, "\n[keys.{}]", keyed(name));
    let pattern = &proposal.pattern;
    text.push_str(&line("pattern", &quoted(&pattern.value), pattern, "how are these names made?"));
    let holds = proposal.holds.value;
    if kind == StoreKind::Redis {
        text.push_str(&line("type", &quoted(holds.as_str()), &proposal.holds, "what lies under them?"));
    }
    let member = match holds {
        Holds::Hash => "field = \"{user}\"",
        Holds::Set | Holds::SortedSet => "member = \"{user}\"",
        Holds::Stream => "entry = { user_id = \"{user}\" }",
        Holds::Text | Holds::List | Holds::Object => "",
    };
    if proposal.places.is_empty() && !member.is_empty() {
        let _ = writeln!(text, "#{member} # where each part of it is somebody's; otherwise the whole name goes");
    }
    whose(text, proposal, member);
    let question = "which category of data? A list where there are several.";
    match &proposal.category {
        Some(guess) => text.push_str(&line("category", &quoted(guess.value), guess, question)),
        None => {
            let _ = writeln!(text, "category = \"{OPEN}\" # {QUESTION} {question}");
        }
    }
    // What happens to what lies there is never ours to say.
    let rule = Guess::new(Rule::Delete, SURE - 0.01, "what lies under a name goes as a whole");
    let question =
        "do they go with whose they are? Nobody's: take the table away, and list the pattern in ignore under [store].";
    text.push_str(&line("erase", &quoted(Rule::Delete.as_str()), &rule, question));
}

fn whose(text: &mut String, proposal: &NamesProposal, member: &str) {
    let places = proposal.places.iter().map(|place| format!("{{{place}}}")).collect::<Vec<_>>().join(" or ");
    let question = match (proposal.places.is_empty(), member.is_empty()) {
        (false, _) => format!("whose key stands at {places}? Such as {{ \"accounts.users\" = \"user\" }}."),
        (true, false) => "whose key tells the parts under this one name apart?".to_owned(),
        (true, true) => {
            "nothing in the name tells whose it is: take the table away, and list the name in ignore under [store]"
                .to_owned()
        }
    };
    match &proposal.belongs_to {
        Some(guess) => {
            let (table, place) = &guess.value;
            let links: toml_edit::InlineTable = [(table.as_str(), Value::from(place.as_str()))].into_iter().collect();
            text.push_str(&line("belongs_to", links.to_string().trim(), guess, &question));
        }
        None => {
            let _ = writeln!(text, "belongs_to = \"{OPEN}\" # {QUESTION} {question}");
        }
    }
}
