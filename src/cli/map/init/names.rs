//! The same for a store without a schema: from a sample of its names.

use std::path::Path;

use anyhow::Context as _;

use super::super::files::MapFile;
use super::{InitArgs, keep, subjects_of_others, tell_open};
use crate::cli::check::reach;
use crate::cli::exit::{Ended, Exit, Outcome};
use crate::config::Config;
use crate::daemon::build;
use crate::erase::map::propose::{propose_names, spoken_of, write_names};
use crate::output::{counted, progress, say, write_out};
use crate::stores::{StoreLimits, survey};

/// Names that are looked at where nothing else is said.
const NAMES: usize = 10_000;

/// Samples, proposes, writes. No name is shown or kept.
pub(super) async fn run(
    config: Option<&Config>,
    args: &InitArgs,
    path: &Path,
    begun: &MapFile,
    others: &[MapFile],
) -> Outcome {
    let store = &begun.known.store;
    let limits = config.map_or_else(StoreLimits::default, build::store_limits);
    let url = reach::url_of(store)?;
    let bar = progress("looking at names");
    let names_max = args.sample.map_or(NAMES, |names| usize::try_from(names).unwrap_or(NAMES));
    let sample = survey::names(store.kind, &url, limits, names_max).await.with_context(|| {
        format!("the store of {} cannot be looked at; is its url right, and the server up?", store.file)
    })?;
    bar.finish_and_clear();
    let spoken_of = spoken_of(&begun.text).map_err(|error| Ended::new(Exit::Usage, error))?;
    let known = |name: &[u8]| spoken_of.iter().any(|pattern| pattern.read(name).is_some());
    let proposals = propose_names(&sample, known, &subjects_of_others(begun, others));
    let written = write_names(&begun.text, store.kind, &proposals).map_err(|error| Ended::new(Exit::Usage, error))?;
    if args.print {
        return Ok(write_out(written.text.trim_end())?);
    }
    keep(path, &written)?;
    let (tables, names) = (counted(written.tables_new as u64, "table", "tables"), sample.len() as u64);
    say(&format!("{}: {tables} added, from a sample of {}", path.display(), counted(names, "name", "names")));
    tell_open(written.questions);
    Ok(())
}
