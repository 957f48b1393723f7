//! `expunged holds`: legal holds on accounts, persons, tables and stores, and the switch that stops all erasing. A hold
//! stops what would touch it, and nothing else.

use serde::Serialize;
use uuid::Uuid;

use crate::db::legal_holds;
use crate::flow::FlowError;
use crate::flow::legal::{self, HeldTarget};
use crate::stores::StoreName;
use crate::verify::{HeldKind, LegalHoldRecord};

use super::exit::{Ended, Exit, Outcome};
use super::invocation::Invocation;
use crate::output::{self, Tabular, say, time};

/// What `holds` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum HoldsCommand {
    /// All legal holds, the oldest first.
    List,
    /// Places one: nothing of it is erased while it stands, whoever asked. What else a request asks for goes on.
    Place(PlaceArgs),
    /// Lifts one; what waited for it goes on at once.
    Release {
        /// Its id, as `holds list` shows it.
        id: Uuid,
    },
}

/// What is placed.
#[derive(Debug, clap::Args)]
pub(super) struct PlaceArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// What the hold is known by, such as the number of a file. Not sealed: no name and no address.
    #[arg(long, value_name = "TEXT")]
    reference: String,
}

/// What is held: exactly one of these.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct TargetArgs {
    /// An account, by the directory's id, with all that belongs to it.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// A person, by table and key of their row, such as shop.users/42.
    #[arg(long, value_name = "STORE.TABLE/KEY")]
    subject: Option<String>,
    /// A table, such as shop.orders.
    #[arg(long, value_name = "STORE.TABLE")]
    table: Option<String>,
    /// A store, such as shop.
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Every store: stops all erasing.
    #[arg(long)]
    everything: bool,
}

#[derive(Debug, Serialize)]
struct HoldLine {
    id: Uuid,
    on: HeldKind,
    reference: String,
    placed_at: String,
    released_at: Option<String>,
}

impl Tabular for HoldLine {
    const HEADS: &'static [&'static str] = &["id", "on", "reference", "placed", "released"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.on.to_string(),
            self.reference.clone(),
            self.placed_at.clone(),
            self.released_at.clone().unwrap_or_default(),
        ]
    }
}

fn line(hold: LegalHoldRecord) -> HoldLine {
    HoldLine {
        id: hold.id,
        on: hold.kind,
        reference: hold.reference,
        placed_at: time(hold.placed_at),
        released_at: hold.released_at.map(time),
    }
}

/// Lists, places or lifts.
pub(super) async fn run(invocation: &Invocation, command: HoldsCommand) -> Outcome {
    match command {
        HoldsCommand::List => {
            let ledger = invocation.ledger().await?;
            let holds = legal_holds::all(&mut ledger.db.read().await?).await?;
            let lines: Vec<HoldLine> = holds.into_iter().map(line).collect();
            Ok(output::rows(invocation.format, &lines)?)
        }
        HoldsCommand::Place(args) => {
            let target = target(&args.target)?;
            let (house, operator) = invocation.desk_to_look().await?;
            let hold = legal::place(&house, &target, &args.reference, &operator).await.map_err(named)?;
            Ok(output::rows(invocation.format, &[line(hold)])?)
        }
        HoldsCommand::Release { id } => {
            let (house, _) = invocation.desk_to_look().await?;
            legal::release(&house, id).await.map_err(named)?;
            say(&format!("the hold {id} is lifted"));
            Ok(())
        }
    }
}

fn target(args: &TargetArgs) -> Result<HeldTarget, Ended> {
    let wrong = |text: &str, form: &str| Ended::saying(Exit::Usage, format_args!("{text:?} is not of the form {form}"));
    let table = |text: &str, form: &str| legal::table(text).ok_or_else(|| wrong(text, form));
    Ok(match (&args.account, &args.subject, &args.table, &args.store) {
        (Some(account), ..) => HeldTarget::Account(account.clone()),
        (_, Some(subject), ..) => {
            const FORM: &str = "STORE.TABLE/KEY";
            let (at, key) = subject.split_once('/').ok_or_else(|| wrong(subject, FORM))?;
            HeldTarget::Subject(table(at, FORM)?, key.to_owned())
        }
        (.., Some(store)) => HeldTarget::Store(StoreName::new(store).ok_or_else(|| wrong(store, "STORE"))?),
        _ if args.everything => HeldTarget::Everything,
        (_, _, text, _) => HeldTarget::Table(table(text.as_deref().unwrap_or_default(), "STORE.TABLE")?),
    })
}

/// What was named and is not there is no fault of the program.
fn named(error: FlowError) -> Ended {
    match error {
        FlowError::NotFound(_) => Ended::new(Exit::NotFound, error),
        FlowError::Missing(_) | FlowError::Broken(_) => Ended::new(Exit::Refused, error),
        other => other.into(),
    }
}
