//! `expunged map check`: the maps held against their stores, more closely than the start does.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::exit::{Ended, Exit, Outcome};
use crate::cli::invocation::Invocation;
use crate::config::Config;
use crate::daemon::build;
use crate::domain::nearest;
use crate::erase::map::StoreMap;
use crate::erase::map::nameable::unmasked;
use crate::erase::map::risk::{Coverage, Sizes, risks, without_index};
use crate::erase::map::{MapDefect, look, open};
use crate::erase::{DataMap, check, try_lag, unblankable};
use crate::intake::Lexicon;
use crate::output::{self, Tabular, counted, progress, say};
use crate::stores::{Schema, StoreName, Stores};

use super::files::{self, MapFile};
use super::rights::{self, Missing};
use super::worded::{self, Worded};

/// What `map check` understands.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CheckArgs {
    /// Opens no store, and holds the maps against the looks that `map init` and `map diff --accept` kept beside them. What only a
    /// store can tell is not looked at, and listed.
    #[arg(long)]
    offline: bool,
    /// How many of a hundred columns must be mapped. The start asks for all of them, whatever is said here.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(0..=100))]
    coverage: u8,
    /// Risks fail the check too.
    #[arg(long)]
    strict: bool,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Grade {
    /// A question that nobody answered: the map is refused.
    Open,
    /// It cannot work.
    Defect,
    /// The map does not speak of it: the start is refused.
    Unmapped,
    /// It works, and should be known.
    Risk,
}

#[derive(Debug, Serialize)]
struct Finding {
    grade: Grade,
    store: String,
    table: String,
    column: Option<String>,
    problem: String,
    help: String,
}

impl Tabular for Finding {
    const HEADS: &'static [&'static str] = &["grade", "at", "problem", "help"];

    fn cells(&self) -> Vec<String> {
        let grade = match self.grade {
            Grade::Open => "open",
            Grade::Defect => "DEFECT",
            Grade::Unmapped => "unmapped",
            Grade::Risk => "risk",
        };
        let places = [Some(&self.store), Some(&self.table).filter(|table| !table.is_empty()), self.column.as_ref()];
        let at = places.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(".");
        vec![grade.to_owned(), at, self.problem.clone(), self.help.clone()]
    }
}

impl Finding {
    fn of(grade: Grade, defect: MapDefect) -> Self {
        let MapDefect { at, column, problem, help, .. } = defect;
        Self { grade, store: at.store.to_string(), table: at.table, column, problem, help }
    }

    fn of_store(grade: Grade, store: &StoreName, table: &str, problem: String, help: String) -> Self {
        Self { grade, store: store.to_string(), table: table.to_owned(), column: None, problem, help }
    }
}

/// What was seen of the stores.
#[derive(Default)]
struct Seen {
    schemas: BTreeMap<StoreName, Schema>,
    /// `None` where no store was opened.
    sizes: Option<Sizes>,
    findings: Vec<Finding>,
}

/// Checks all maps of the config together, because links cross stores.
pub(super) async fn run(invocation: &Invocation, args: &CheckArgs) -> Outcome {
    let config = invocation.config_of_maps()?;
    let files = files::of_config(&config, &[])?;
    let questions: Vec<Finding> = files.iter().flat_map(questions).collect();
    if !questions.is_empty() {
        output::rows(invocation.format, &questions)?;
        let open = match questions.len() {
            1 => "1 question is open".to_owned(),
            more => format!("{more} questions are open"),
        };
        let words = format!("{open}, and a map with one is refused");
        return Err(Ended::saying(Exit::Usage, words));
    }
    let map = build::map(&config)?;
    let mut seen = if args.offline { remembered(&files, &map)? } else { look_over(&config, &map).await? };
    for defect in check(&map, &seen.schemas) {
        let grade = if defect.is_unmapped() { Grade::Unmapped } else { Grade::Defect };
        seen.findings.push(Finding::of(grade, defect));
    }
    for risk in risks(&map, &seen.schemas, seen.sizes.as_ref(), config.limits.statement.as_secs()) {
        let grade = if risk.grave { Grade::Defect } else { Grade::Risk };
        seen.findings.push(Finding::of(grade, risk.defect));
    }
    let lexicon = Lexicon::embedded();
    let by_name: Vec<&str> = lexicon.categories().into_iter().collect();
    for risk in unmasked(&map, &seen.schemas, &by_name) {
        seen.findings.push(Finding::of(Grade::Risk, risk.defect));
    }
    for (always, defect) in unblankable(&map, &seen.schemas) {
        seen.findings.push(Finding::of(if always { Grade::Defect } else { Grade::Risk }, defect));
    }
    seen.findings.sort_by_key(|finding| finding.grade);
    output::rows(invocation.format, &seen.findings)?;
    let without = map.stores().iter().filter(|(_, store)| store.canary.is_none());
    let without: Vec<&str> = without.map(|(name, _)| name.as_str()).collect();
    if !without.is_empty() {
        say(&format!("no canary in {}: that one comes back from a backup is not noticed there", without.join(", ")));
    }
    say_categories(&map, &by_name);
    if args.offline {
        not_looked_at(&map, &seen.schemas);
    }
    verdict(args, &seen.findings, Coverage::of(&map, &seen.schemas))
}

/// People name data in words, and the lexicon knows by which category a map has them. What only one of the two knows, nobody can ask
/// for by its name.
fn say_categories(map: &DataMap, known: &[&str]) {
    let mapped = map.categories();
    let unused: Vec<&str> = known.iter().copied().filter(|category| !mapped.contains(category)).collect();
    if !unused.is_empty() {
        let list = unused.join(", ");
        say(&format!(
            "no column has these categories, by which people name data; who names them goes to a person: {list}"
        ));
    }
    let unknown =
        mapped.iter().filter(|category| !known.contains(category)).map(|category| match nearest(category, known) {
            Some(meant) => format!("{category} (did you mean {meant}?)"),
            None => (*category).to_owned(),
        });
    let unknown: Vec<String> = unknown.collect();
    if !unknown.is_empty() {
        let list = unknown.join(", ");
        say(&format!(
            "no word of a letter names these categories of the maps; they go with a whole person, and by 'requests scope REF data \
             --category': {list}"
        ));
    }
}

/// What only the stores could tell, so that nobody takes an offline check for the whole.
fn not_looked_at(map: &DataMap, schemas: &BTreeMap<StoreName, Schema>) {
    let slow: Vec<String> = without_index(map, schemas).iter().map(ToString::to_string).collect();
    if !slow.is_empty() {
        say(&format!(
            "searched without an index, which is a risk where the table is large: {}; how large it is was not looked at",
            slow.join(", ")
        ));
    }
    let keyed: Vec<&str> =
        map.stores().iter().filter(|(_, store)| store.kind.is_keyed()).map(|(name, _)| name.as_str()).collect();
    let names =
        if keyed.is_empty() { String::new() } else { format!(", names of {} that no map has", keyed.join(", ")) };
    say(&format!(
        "not looked at offline: what changed since the last look, how large tables are, what the logins may do, which words stand in columns of words, the queries for a lag{names}"
    ));
}

fn questions(file: &MapFile) -> Vec<Finding> {
    let open = open::questions(&file.text).into_iter().map(|question| {
        let (line, path) = (question.line(&file.text), question.path.join("."));
        // What the question is stands behind it.
        let behind = file.text.get(question.span.end..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let asked = behind.split_once(open::QUESTION).map_or("", |(_, asked)| asked.trim());
        let table = question.path.get(1).filter(|_| question.path[0] == "tables").cloned().unwrap_or_default();
        let problem = format!("{}:{line}: {path} is open", file.path.display());
        Finding::of_store(Grade::Open, &file.known.name, &table, problem, asked.to_owned())
    });
    open.collect()
}

/// The stores as they were last looked at; of a store of names the map says all that a check needs.
fn remembered(files: &[MapFile], map: &DataMap) -> Result<Seen, Ended> {
    let mut seen = Seen::default();
    for file in files {
        let name = &file.known.name;
        if let Some(store) = map.stores().get(name).filter(|store| store.kind.is_keyed()) {
            seen.schemas.insert(name.clone(), store.shapes().schema(0));
            continue;
        }
        let schema = look::read(&file.path, name)?.ok_or_else(|| {
            let words =
                format!("the store {name} was never looked at; keep a look with: expunged map diff --accept {name}");
            Ended::saying(Exit::NotFound, words)
        })?;
        seen.schemas.insert(name.clone(), schema);
    }
    Ok(seen)
}

/// The stores as they are: catalogues, sizes, and the rights of the logins.
async fn look_over(config: &Config, map: &DataMap) -> Result<Seen, Ended> {
    let bar = progress("looking the stores over");
    let (mut seen, mut sizes) = (Seen::default(), Sizes::new());
    for (name, store) in map.stores() {
        if store.kind.is_keyed() {
            // Its tables are what the map says, and opening it tries the rights.
            seen.schemas.insert(name.clone(), files::names(store, build::store_limits(config)).await?);
            continue;
        }
        let survey = files::survey(store, build::store_limits(config)).await?;
        let schema = survey.look().await?;
        sizes.insert(name.clone(), survey.sizes().await?);
        let rights = rights::find(survey.as_ref(), store, &schema).await?;
        for (table, right, why) in rights.missing {
            let Missing { table, problem, help } = Missing::of(table, right, &why);
            seen.findings.push(Finding::of_store(Grade::Defect, name, &table, problem, help));
        }
        for (problem, help) in rights.too_wide {
            seen.findings.push(Finding::of_store(Grade::Risk, name, "", problem, help));
        }
        for Worded { table, column, problem, help, stops } in worded::find(survey.as_ref(), store).await? {
            let grade = if stops { Grade::Defect } else { Grade::Risk };
            let finding = Finding::of_store(grade, name, &table, problem, help);
            seen.findings.push(Finding { column: Some(column), ..finding });
        }
        if let Some(problem) = lag(config, name, store).await? {
            let help = "write one SELECT that answers one number, or take lag away".to_owned();
            seen.findings.push(Finding::of_store(Grade::Defect, name, "", problem, help));
        }
        seen.schemas.insert(name.clone(), schema);
    }
    seen.sizes = Some(sizes);
    bar.finish_and_clear();
    Ok(seen)
}

/// What is wrong with the query for the lag, asked once as an erasing asks it.
async fn lag(config: &Config, name: &StoreName, store: &StoreMap) -> Result<Option<String>, Ended> {
    if store.throttle.as_ref().is_none_or(|throttle| throttle.lag.is_none()) {
        return Ok(None);
    }
    let mut open = Stores::default();
    open.insert(name.clone(), files::opened(store, build::store_limits(config)).await?);
    match try_lag(store, open.lookup(name)?).await.map_err(Ended::from) {
        Ok(_) => Ok(None),
        Err(ended) if ended.exit == Exit::Usage => Ok(Some(format!("{:#}", ended.error))),
        Err(ended) => Err(ended),
    }
}

fn verdict(args: &CheckArgs, findings: &[Finding], coverage: Coverage) -> Outcome {
    let count = |grade: Grade| findings.iter().filter(|finding| finding.grade == grade).count();
    let (defects, unmapped, risks) = (count(Grade::Defect), count(Grade::Unmapped), count(Grade::Risk));
    let percent = coverage.percent();
    let words = format!(
        "{} of {} mapped ({percent} %); {}, {unmapped} unmapped, {}",
        coverage.mapped,
        counted(coverage.columns, "column is", "columns are"),
        counted(defects as u64, "defect", "defects"),
        counted(risks as u64, "risk", "risks"),
    );
    let is_covered = percent >= u64::from(args.coverage);
    if defects > 0 || !is_covered || args.strict && risks > 0 {
        let short = if is_covered { String::new() } else { format!("; {} % are asked for", args.coverage) };
        return Err(Ended::saying(Exit::Usage, format_args!("{words}{short}")));
    }
    say(&words);
    Ok(())
}
