//! `expunged plan`: what would be erased for an address, with counts. Opens the stores, and our own database for legal holds,
//! only to read.

mod held;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use crate::daemon::build;
use crate::domain::{Role, Scope, SubjectKind};
use crate::erase::map::RecipientMap;
use crate::erase::preview::PreviewRow;
use crate::erase::{DataMap, EraseError, EraseLimits, PlanPaper, Preview, Target, plan, preview_with_people, told};
use crate::flow::whose;
use crate::stores::{Key, KeyValue, RecipientKind, StoreName};
use crate::verify::{Directory, Membership};

use super::exit::{Ended, Exit, Outcome};
use super::invocation::Invocation;
use super::words;
use crate::output::{self, Format, Tabular, counted, progress, say};
use held::HeldLine;

/// What `plan` understands.
#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    /// An address on file.
    address: String,
    /// How much. Default: all that the address is (the account of an owner, the profile of a user or end-user).
    #[arg(long, value_parser = words::scope())]
    scope: Option<Scope>,
    /// A category of the data maps; with the scope data, once or several times. Default: all that are not needed to
    /// know and reach the person.
    #[arg(long, value_name = "CATEGORY")]
    category: Vec<String>,
    /// The account, where the address has several.
    #[arg(long)]
    account: Option<String>,
    /// The user or end-user of the account who is meant instead, as the directory's `target` query finds them.
    #[arg(long, value_name = "IDENTIFIER")]
    target: Option<String>,
    /// Rows of one table that are counted at most, where the config's rows_per_subject_max is too few for this plan.
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    rows_max: Option<u64>,
    /// Keeps the plan in a new file, to be read and agreed to with 'expunged apply'. It holds digests and counts, and no
    /// key and no value of a person.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Draws the steps in Mermaid, in place of a table or JSON.
    #[arg(long)]
    mermaid: bool,
    /// Ends with 0 where nothing would be erased or kept, and with 6 where something would.
    #[arg(long)]
    detailed_exitcode: bool,
}

/// The preview as it is written; no key and no value of a person.
#[derive(Serialize)]
struct Planned<'a> {
    #[serde(flatten)]
    paper: &'a PlanPaper,
    /// Who else holds data and will be asked to erase them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    will_be_asked: Vec<AskedLine<'a>>,
    /// Legal holds that stand on something of it: these steps wait. `null` where our own database could not be read.
    #[serde(skip_serializing_if = "is_empty")]
    legal_holds: Option<Vec<HeldLine>>,
}

/// Whether it is known that there is none.
fn is_empty(held: &Option<Vec<HeldLine>>) -> bool {
    held.as_ref().is_some_and(Vec::is_empty)
}

/// A recipient that a plan concerns.
#[derive(Serialize)]
struct AskedLine<'a> {
    recipient: &'a str,
    kind: RecipientKind,
    label: &'a str,
    /// What they hold of it.
    categories: Vec<String>,
    /// By what they are told to find the person, per kind of subject.
    told: &'a BTreeMap<SubjectKind, Vec<String>>,
}

impl AskedLine<'_> {
    /// How they are asked and for what, in a few words.
    fn what(&self) -> String {
        format!("{}: {}", self.kind, self.categories.join(", "))
    }
}

impl Tabular for AskedLine<'_> {
    const HEADS: &'static [&'static str] = &["will be asked", "kind", "label", "categories", "told"];

    fn cells(&self) -> Vec<String> {
        let told = self.told.iter().map(|(subject, names)| format!("{subject}: {}", names.join(", ")));
        vec![
            self.recipient.to_owned(),
            self.kind.to_string(),
            self.label.to_owned(),
            self.categories.join(", "),
            told.collect::<Vec<_>>().join("; "),
        ]
    }
}

impl Tabular for PreviewRow {
    const HEADS: &'static [&'static str] =
        &["step", "store", "table", "act", "rows", "ground", "kept until at the latest"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.step.to_string(),
            self.store.to_string(),
            self.table.clone(),
            self.act.clone().into_owned(),
            self.rows.to_string(),
            self.ground.clone().unwrap_or_default(),
            self.until.map(|day| day.to_string()).unwrap_or_default(),
        ]
    }
}

/// Plans and counts.
pub(super) async fn run(invocation: &Invocation, args: &PlanArgs) -> Outcome {
    if !args.address.contains('@') {
        let words = "this is no e-mail address (name@domain); somebody without one is found with --target, beside the address of the \
                     account's owner";
        return Err(Ended::saying(Exit::Usage, words));
    }
    let config = invocation.config_beside()?;
    let choices = Invocation::choices();
    let bar = progress("asking the stores");
    let (map, stores) = build::stores(&config, choices.credentials.as_deref()).await?;
    let directory = build::directory(&config, &stores)?;
    let asker = asker(&*directory, args).await?;
    let target = target(&map, &*directory, &asker, args).await?;
    let skeleton = plan(&map, &target)?;
    let limits = build::erase_limits(&config);
    let rows_per_store_max = args.rows_max.unwrap_or(limits.rows_per_store_max);
    let limits = EraseLimits { rows_per_store_max, ..limits };
    let (preview, people) = preview_with_people(&map, &stores, skeleton, limits, choices.clock.now())
        .await
        .map_err(|error| too_many(error, args.rows_max))?;
    let held = held::find(&config, &asker.account, &preview.skeleton, &people).await?;
    bar.finish_and_clear();
    write(invocation, args, &map, &preview, held)
}

/// The error of a limit says which limit it is, and what to do about that one.
fn too_many(error: EraseError, asked: Option<u64>) -> Ended {
    let EraseError::TooManyRows { at, max } = &error else { return error.into() };
    if asked.is_none() {
        return error.into();
    }
    let words = format_args!("{at}: more than the {max} rows of --rows-max belong to the target: give a larger number");
    Ended::saying(Exit::Failed, words)
}

/// Who else will be asked.
fn asked<'a>(map: &'a DataMap, preview: &'a Preview) -> Vec<AskedLine<'a>> {
    let line = |(name, of, categories): (&'a StoreName, &'a RecipientMap, Vec<String>)| AskedLine {
        recipient: name.as_str(),
        kind: of.kind(),
        label: &of.label,
        categories,
        told: &of.tell,
    };
    told::concerned(map, &preview.skeleton).map(line).collect()
}

fn write(
    invocation: &Invocation,
    args: &PlanArgs,
    map: &DataMap,
    preview: &Preview,
    legal_holds: Option<Vec<HeldLine>>,
) -> Outcome {
    let paper = PlanPaper::of(preview).context("the plan cannot be written as JSON")?;
    let will_be_asked = asked(map, preview);
    if let Some(file) = &args.out {
        paper_out(file, &paper)?;
    }
    if args.mermaid {
        let waiting = legal_holds.as_deref().map(held::steps).unwrap_or_default();
        let asked = will_be_asked.iter().map(|line| (line.label.to_owned(), line.what()));
        output::write_out(paper.draw(&waiting, &asked.collect::<Vec<_>>()).trim_end())?;
    } else {
        let planned = Planned { paper: &paper, will_be_asked, legal_holds };
        let mut text = output::table(&paper.steps);
        if !planned.will_be_asked.is_empty() {
            text.push_str(&output::section(&planned.will_be_asked));
        }
        text.push_str(&output::section(planned.legal_holds.as_deref().unwrap_or_default()));
        output::one(invocation.format, &planned, &text)?;
    }
    if invocation.format == Format::Table {
        let kept = args.out.as_ref().map_or_else(String::new, |file| format!("; kept in {}", file.display()));
        let rows = counted(paper.rows_total, "row", "rows");
        say(&format!("{rows}; plan {}; nothing was written to a store{kept}", paper.digest_hex()));
    }
    if args.detailed_exitcode && paper.rows_total > 0 {
        return Err(Ended::quietly(Exit::Something));
    }
    Ok(())
}

/// A file that is there is somebody's, perhaps a plan that was agreed to: it is not written over.
fn paper_out(file: &Path, paper: &PlanPaper) -> Outcome {
    let mut text = serde_json::to_string_pretty(paper).context("the plan cannot be written as JSON")?;
    text.push('\n');
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = made.and_then(|mut made| made.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            let words = format_args!("{} is there already: remove it or name another file with --out", file.display());
            Ended::saying(Exit::Usage, words)
        }
        ErrorKind::NotFound => {
            let words = format_args!(
                "{} cannot be made: its folder is not there; make it or name another file",
                file.display()
            );
            Ended::saying(Exit::Usage, words)
        }
        _ => anyhow::Error::new(error).context(format!("{} cannot be written", file.display())).into(),
    })
}

/// The one membership that is meant. Where the address is several, the daemon leaves it to a person, and so do we.
async fn asker(directory: &dyn Directory, args: &PlanArgs) -> Result<Membership, Ended> {
    let said = whose::Said { account: args.account.as_deref(), scope: args.scope };
    let Some(on_file) = whose::address(directory, &[&args.address], said).await? else {
        let words = if args.account.is_some() {
            "this account does not know the address"
        } else {
            "no account has this address"
        };
        return Err(Ended::saying(Exit::NotFound, words));
    };
    if on_file.is_one() {
        return Ok(on_file.first);
    }
    // Not which: an account's id is personal to whoever looks over the shoulder, and the log of a shell.
    let (several, choice) = match (on_file.accounts(), &args.account) {
        (1, None) => ("several people of its account".to_owned(), "choose one with --account and --scope"),
        (1, Some(_)) if matches!(args.scope, None | Some(Scope::Data)) => {
            ("several people of the account".to_owned(), "choose one with --scope account, user or end_user")
        }
        (1, Some(_)) => ("several people of one role in the account".to_owned(), "nothing here tells them apart"),
        (accounts, _) => (format!("people of {accounts} accounts"), "choose one with --account"),
    };
    let words = format!("the address is {several}, so that a letter from it goes to a person of the team; {choice}");
    Err(Ended::saying(Exit::Usage, words))
}

/// The row that is meant, and how much of it.
async fn target(
    map: &DataMap,
    directory: &dyn Directory,
    asker: &Membership,
    args: &PlanArgs,
) -> Result<Target, Ended> {
    let (role, person) = match &args.target {
        None => (asker.role, asker.person_key.clone()),
        Some(identifier) => {
            let mut found = directory.target(&asker.account, identifier).await?;
            match (found.pop(), found.len()) {
                (None, _) => return Err(Ended::saying(Exit::NotFound, "the account has nobody of this name")),
                (Some(person), 0) => (person.role, person.key),
                (Some(_), more) => {
                    let words = format!("the account has {} people whom this could mean; be more exact", more + 1);
                    return Err(Ended::saying(Exit::Usage, words));
                }
            }
        }
    };
    let itself = subject_of(role);
    let scope = args.scope.unwrap_or(match role {
        Role::Owner if args.target.is_none() => Scope::Account,
        Role::Owner | Role::User => Scope::User,
        Role::EndUser => Scope::EndUser,
    });
    let (subject, key) = match scope {
        Scope::Account => (SubjectKind::Account, asker.account.clone()),
        Scope::Data => (itself, person),
        other if Some(other) == itself.scope() => (itself, person),
        other => {
            let words = format!("the address is no {other} of the account ({role}); name the person with --target");
            return Err(Ended::saying(Exit::Usage, words));
        }
    };
    if scope != Scope::Data && !args.category.is_empty() {
        return Err(Ended::saying(Exit::Usage, "--category goes with --scope data"));
    }
    let categories = match scope {
        Scope::Data if args.category.is_empty() => map.general_categories(),
        _ => args.category.clone(),
    };
    let (subject_kind, at) = map.root(&subject).ok_or_else(|| {
        Ended::saying(Exit::Usage, format_args!("no table of the data maps has subject = \"{subject}\""))
    })?;
    let key = Key(vec![KeyValue::Text(key)]);
    Ok(Target { scope, subject_kind, store: at.store, table: at.table, key, categories })
}

/// The row that somebody of this role is.
const fn subject_of(role: Role) -> SubjectKind {
    match role {
        Role::Owner => SubjectKind::Owner,
        Role::User => SubjectKind::User,
        Role::EndUser => SubjectKind::EndUser,
    }
}
