//! `expunged map init`: proposes a map from the schema of a store, or adds to a map what it lacks.

mod names;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures::StreamExt as _;

use crate::cli::exit::{Ended, Exit, Outcome};
use crate::cli::invocation::Invocation;
use crate::config::Config;
use crate::daemon::build;
use crate::domain::SubjectKind;
use crate::erase::map::known::Known;
use crate::erase::map::propose::{Head, Hints, Written, header, propose, write};
use crate::erase::map::{TableRef, look};
use crate::output::{counted, progress, say, write_out};
use crate::stores::{Schema, StoreError, StoreKind, StoreLimits, StoreName, Survey, ValueShapes};

use super::files::{self, MapFile};

/// Tables that are sampled at the same time.
const AT_ONCE: usize = 4;

/// What `map init` understands.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct InitArgs {
    /// The store, by the name in its map.
    store: String,
    /// The map that is written or added to. Default: the map of this store in the config.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The kind of a store that has no map yet: sqlite, postgres, mysql (or mariadb), redis, objects.
    #[arg(long, value_parser = kind)]
    kind: Option<StoreKind>,
    /// Where a new SQLite store, or a folder of objects, lies. A url that may carry a password is given in a file.
    #[arg(long, conflicts_with_all = ["url_file", "url_credential"])]
    url: Option<String>,
    /// The file with the url of a new store; a relative path begins at the folder of the map.
    #[arg(long, value_name = "FILE", conflicts_with = "url_credential")]
    url_file: Option<String>,
    /// The systemd credential with the url of a new store.
    #[arg(long, value_name = "NAME")]
    url_credential: Option<String>,
    /// Whose rows a table holds, once for each: account=tenants, user=staff, end_user=patients.
    #[arg(long, value_name = "KIND=TABLE", value_parser = subject)]
    subject: Vec<(SubjectKind, String)>,
    /// Also judge columns by what values in the first rows of each table look like. No value is shown or kept. Of Redis and objects: look
    /// at so many names, 10000 where it is not said.
    #[arg(long, value_name = "ROWS", num_args = 0..=1, default_missing_value = "200")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    sample: Option<u32>,
    /// Prints the map and writes nothing.
    #[arg(long)]
    print: bool,
}

/// A kind that has a schema; people call the server of the kind mysql by either of its names.
fn kind(word: &str) -> Result<StoreKind, String> {
    match word {
        "mariadb" => Ok(StoreKind::Mysql),
        word => word.parse().map_err(|_| {
            format!("{word:?} is no kind of store: use one of sqlite, postgres, mysql, mariadb, redis, objects")
        }),
    }
}

fn subject(text: &str) -> Result<(SubjectKind, String), String> {
    let named = text.split_once('=').and_then(|(kind, table)| Some((kind.parse().ok()?, table.to_owned())));
    named.ok_or_else(|| {
        "write KIND=TABLE, with account, owner, user, end_user or another name for KIND, such as user=staff".to_owned()
    })
}

/// Looks, proposes, writes.
pub(super) async fn run(invocation: &Invocation, args: &InitArgs) -> Outcome {
    let config = config(invocation, args)?;
    let others = config.as_ref().map(|config| files::of_config(config, &[])).transpose()?.unwrap_or_default();
    let path = place(args, &others)?;
    let begun = begin(args, &path)?;
    if begun.known.name.as_str() != args.store {
        let words = format!("{} is the map of the store {}, not of {}", path.display(), begun.known.name, args.store);
        return Err(Ended::saying(Exit::Usage, words));
    }
    if begun.known.store.kind.is_keyed() {
        return names::run(config.as_ref(), args, &path, &begun, &others).await;
    }
    let limits = config.as_ref().map_or_else(StoreLimits::default, |config: &Config| build::store_limits(config));
    let survey = files::survey(&begun.known.store, limits).await?;
    let bar = progress("reading the schema");
    let schema = survey.look().await?;
    // The canary's table is ours, and no map of data.
    let mut of_data = schema.clone();
    of_data.tables.retain(|table, _| begun.known.store.canary.as_ref() != Some(table));
    let (hints, unread) = hints(args, &begun, &others, survey.as_ref(), &of_data).await?;
    bar.finish_and_clear();
    for (table, error) in unread {
        let error = anyhow::Error::new(error);
        say(&format!("{table}: no row of it can be read, so that it is judged by its names alone: {error:#}"));
    }
    let written =
        write(&begun.text, &of_data, &propose(&of_data, &hints)).map_err(|error| Ended::new(Exit::Usage, error))?;
    if args.print {
        return Ok(write_out(written.text.trim_end())?);
    }
    keep(&path, &written)?;
    let seen = look::keep(&path, &begun.known.name, &schema)?;
    tell(&path, &seen, &written);
    if args.sample.is_some() && written.tables_new == 0 && written.columns_new == 0 {
        say(&format!(
            "what the map says already was not judged anew; delete {0}, or the part of a table in it, and run this again to have it judged by \
             its values",
            path.display()
        ));
    }
    Ok(())
}

/// The config. A first map is often made before there is one, or before its other maps are; only what was named must be there.
fn config(invocation: &Invocation, args: &InitArgs) -> Result<Option<Config>, Ended> {
    match invocation.config_of_maps() {
        Ok(config) => Ok(Some(config)),
        Err(error) if args.file.is_none() => Err(error),
        Err(error) if invocation.config_is_named && !invocation.config_file.exists() => Err(error),
        Err(_) => {
            let file = invocation.config_file.display();
            say(&format!("no config could be read from {file}: links to the tables of other stores are not proposed"));
            Ok(None)
        }
    }
}

/// Which file it is.
fn place(args: &InitArgs, others: &[MapFile]) -> Result<PathBuf, Ended> {
    let of_config = || others.iter().find(|file| file.known.name.as_str() == args.store).map(|file| file.path.clone());
    args.file.clone().or_else(of_config).ok_or_else(|| {
        let words = format!("the config names no map of the store {}; say where to write it with --file", args.store);
        Ended::saying(Exit::NotFound, words)
    })
}

/// The map as it is, or the beginning of one.
fn begin(args: &InitArgs, path: &Path) -> Result<MapFile, Ended> {
    if path.exists() {
        let words = format!("{} is the map of a recipient: it is asked, and nothing of it is read", path.display());
        return MapFile::read(path)?.ok_or_else(|| Ended::saying(Exit::Usage, words));
    }
    let usage = |words: &str| Ended::saying(Exit::Usage, format_args!("{}: {words}", path.display()));
    let name =
        StoreName::new(&args.store).ok_or_else(|| usage("a store's name has lower-case letters, digits, _ and -"))?;
    let kind = args.kind.ok_or_else(|| usage("there is no such map yet; a new one needs --kind"))?;
    let reached_by = match (&args.url, &args.url_file, &args.url_credential) {
        (Some(url), None, None) if kind == StoreKind::Sqlite => ("url", url.clone()),
        (Some(url), None, None) if kind == StoreKind::Objects && url.starts_with("file:") => ("url", url.clone()),
        (Some(_), None, None) => {
            return Err(usage(
                "everybody who lists processes sees a command line; write the url into a file: --url-file",
            ));
        }
        (None, Some(file), None) => ("url_file", file.clone()),
        (None, None, Some(name)) => ("url_credential", name.clone()),
        _ => return Err(usage("a new map needs --url-file, --url-credential or, for SQLite and for a folder, --url")),
    };
    let text = header(&Head { name, kind, reached_by });
    let known = Known::read(&path.display().to_string(), &text)?;
    Ok(MapFile { path: path.to_owned(), text, known })
}

/// What is known besides the catalogue.
async fn hints(
    args: &InitArgs,
    begun: &MapFile,
    others: &[MapFile],
    survey: &dyn Survey,
    schema: &Schema,
) -> Result<(Hints, Unread), Ended> {
    let mut subjects = begun.known.subjects();
    for (kind, table) in &args.subject {
        if !schema.tables.contains_key(table) {
            return Err(Ended::saying(Exit::NotFound, format_args!("the store has no table {table:?}")));
        }
        subjects.insert(table.clone(), kind.clone());
    }
    let (shapes, unread) = match args.sample {
        Some(rows) => sample(survey, schema, rows).await?,
        None => Default::default(),
    };
    Ok((Hints { subjects, shapes, elsewhere: subjects_of_others(begun, others) }, unread))
}

/// The subject tables of the other maps.
fn subjects_of_others(begun: &MapFile, others: &[MapFile]) -> Vec<(TableRef, SubjectKind)> {
    let others = others.iter().filter(|file| file.known.name != begun.known.name);
    let subjects = others.flat_map(|file| {
        let at = |table| TableRef { store: file.known.name.clone(), table };
        file.known.subjects().into_iter().map(move |(table, kind)| (at(table), kind)).collect::<Vec<_>>()
    });
    subjects.collect()
}

/// The tables of which no row can be read, and why.
type Unread = Vec<(String, StoreError)>;

async fn sample(
    survey: &dyn Survey,
    schema: &Schema,
    rows: u32,
) -> Result<(BTreeMap<String, BTreeMap<String, ValueShapes>>, Unread), StoreError> {
    let tables = schema.tables.iter().filter(|(_, table)| !table.columns.is_empty()).map(|(name, _)| name.clone());
    let look = |table: String| async move { (table.clone(), survey.shapes(&table, rows).await) };
    let looked: Vec<_> = futures::stream::iter(tables.map(look)).buffered(AT_ONCE).collect().await;
    let (mut shapes, mut unread) = (BTreeMap::new(), Unread::new());
    for (table, found) in looked {
        match found {
            Ok(found) => drop(shapes.insert(table, found)),
            // A right that the login lacks, a view that was never filled, a server behind a foreign table: that one table's matter as
            // long as the store itself answers.
            Err(error) => match survey.sizes().await {
                Ok(_) => unread.push((table, error)),
                Err(_) => return Err(error),
            },
        }
    }
    Ok((shapes, unread))
}

/// Writes the map whole or not at all, with the mode that it had.
fn keep(path: &Path, written: &Written) -> Result<(), Ended> {
    let save = || -> std::io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut beside = tempfile::NamedTempFile::new_in(folder)?;
        beside.write_all(written.text.as_bytes())?;
        beside.as_file().sync_all()?;
        if let Ok(before) = std::fs::metadata(path) {
            beside.as_file().set_permissions(before.permissions())?;
        }
        beside.persist(path)?;
        Ok(())
    };
    Ok(save().with_context(|| format!("cannot write the map {}", path.display()))?)
}

fn tell(path: &Path, seen: &Path, written: &Written) {
    let Written { tables_new, columns_new, questions, .. } = written;
    let (tables, columns) =
        (counted(*tables_new as u64, "table", "tables"), counted(*columns_new as u64, "column", "columns"));
    say(&format!("{}: {tables} and {columns} of other tables added", path.display()));
    say(&format!("{}: the schema as it was seen, for `expunged map diff`; keep it beside the map", seen.display()));
    tell_open(*questions);
}

fn tell_open(questions: usize) {
    match questions {
        0 => say("no question is open; `expunged map check` holds the map against the store"),
        1 => say("1 question is open, a \"?\"; until it is answered the map is refused"),
        open => say(&format!("{open} questions are open, each a \"?\"; until they are answered the map is refused")),
    }
}
