//! `expunged map diff`: what changed in the stores since the look that is kept beside each map (`erase::map::look`).

use serde::Serialize;

use crate::cli::exit::{Ended, Exit, Outcome};
use crate::cli::invocation::Invocation;
use crate::daemon::build;
use crate::erase::map::look::{self, Change};
use crate::output::{self, Tabular, counted, progress, say};

use super::files;

/// What `map diff` understands.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DiffArgs {
    /// The stores, by the names in their maps. Default: all.
    stores: Vec<String>,
    /// Keep what is seen now as the last look, beside each map (shop.toml has shop.seen.json).
    #[arg(long)]
    accept: bool,
    /// End with code 4 where something changed, so that a script can stop there.
    #[arg(long)]
    exit_code: bool,
}

/// One change, and whether the map speaks of it.
#[derive(Serialize)]
struct Line {
    store: String,
    #[serde(flatten)]
    change: Change,
    mapped: bool,
}

impl Tabular for Line {
    const HEADS: &'static [&'static str] = &["store", "table", "column", "change", "note", "mapped"];

    fn cells(&self) -> Vec<String> {
        let Change { table, column, change, note } = &self.change;
        let mapped = if self.mapped { "yes" } else { "no" };
        let column = column.clone().unwrap_or_default();
        vec![self.store.clone(), table.clone(), column, (*change).to_owned(), note.clone(), mapped.to_owned()]
    }
}

/// Compares, and keeps the look where asked to.
pub(super) async fn run(invocation: &Invocation, args: &DiffArgs) -> Outcome {
    let config = invocation.config_of_maps()?;
    let bar = progress("looking at the stores");
    let (mut lines, mut kept) = (Vec::new(), Vec::new());
    for file in files::of_config(&config, &args.stores)? {
        let (name, store) = (&file.known.name, &file.known.store);
        if store.kind.is_keyed() {
            say(&format!(
                "the store {name} has no schema that could change; `map check` counts the names that nobody mapped"
            ));
            continue;
        }
        let now = files::survey(store, build::store_limits(&config)).await?.look().await?;
        match look::read(&file.path, name)? {
            Some(before) => lines.extend(look::diff(&before, &now).into_iter().map(|change| Line {
                store: name.to_string(),
                mapped: file.known.answers(&change.table, change.column.as_deref()),
                change,
            })),
            None if args.accept => {}
            None => {
                let words = format!("the store {name} was never looked at; keep a first look with --accept");
                return Err(Ended::saying(Exit::NotFound, words));
            }
        }
        if args.accept {
            kept.push(look::keep(&file.path, name, &now)?);
        }
    }
    bar.finish_and_clear();
    output::rows(invocation.format, &lines)?;
    for path in kept {
        say(&format!("kept as the last look: {}", path.display()));
    }
    match lines.len() {
        0 => say("nothing changed"),
        changes if args.exit_code => {
            return Err(Ended::saying(Exit::Refused, counted(changes as u64, "change", "changes")));
        }
        _ => {}
    }
    Ok(())
}
