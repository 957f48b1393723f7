//! `expunged holds`: legal holds on accounts, persons, tables and stores, and the switch that stops all erasing. A hold
//! stops what would touch it, and nothing else.

use serde::Serialize;
use uuid::Uuid;

use crate::db::{Tx, legal_holds};
use crate::domain::request::Request;
use crate::flow::FlowError;
use crate::flow::legal::{self, HeldTarget, Known, Placed};
use crate::flow::sighted::Sight;
use crate::flow::stopped;
use crate::stores::StoreName;
use crate::vault::KeyEncryptionKey;
use crate::verify::{HeldKind, LegalHoldRecord};

use super::exit::{Ended, Exit, Outcome};
use super::invocation::Invocation;
use crate::output::{self, Tabular, printable, say, time};

/// What `holds` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum HoldsCommand {
    /// All legal holds, the oldest first.
    List {
        /// Also show which account or person is held. The trail records who did.
        #[arg(long)]
        reveal: bool,
    },
    /// Places one: nothing of it is erased while it stands, whoever asked. What else a request asks for goes on.
    Place(PlaceArgs),
    /// Lifts one; what waited for it goes on at once.
    Release {
        /// Its id, as `holds list` shows it.
        #[arg(value_parser = id)]
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
    /// Places it though nobody is found by that name (yet), without asking the stores. The name then counts byte for byte.
    #[arg(long)]
    unseen: bool,
}

fn id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| "this is no id of a hold; 'expunged holds list' shows all of them".to_owned())
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
pub(super) struct HoldLine {
    id: Uuid,
    on: HeldKind,
    store: Option<StoreName>,
    table: Option<String>,
    /// The account's id or the key of the person's row; with `--reveal`, and until the hold is lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    revealed: Option<String>,
    reference: String,
    placed_at: String,
    released_at: Option<String>,
}

impl Tabular for HoldLine {
    const HEADS: &'static [&'static str] = &["id", "on", "what", "reference", "placed", "released"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.on.to_string(),
            self.what(),
            self.reference.clone(),
            self.placed_at.clone(),
            self.released_at.clone().unwrap_or_default(),
        ]
    }
}

impl HoldLine {
    /// Which hold on what, and since when, for a table of holds that stand.
    pub(super) fn standing(&self) -> [String; 5] {
        [self.id.to_string(), self.on.to_string(), self.what(), self.reference.clone(), self.placed_at.clone()]
    }

    /// The same as a sentence, with the verb that lifts it.
    pub(super) fn in_words(&self) -> String {
        let on = match self.on {
            HeldKind::Account => "on the account".to_owned(),
            HeldKind::Subject => format!("on a person ({})", self.what()),
            HeldKind::Table => format!("on the table {}", self.what()),
            HeldKind::Store => format!("on the store {}", self.what()),
            HeldKind::Everything => "on everything".to_owned(),
        };
        let Self { id, placed_at, .. } = self;
        format!("the legal hold {id} {on}, since {placed_at} ('expunged holds release {id}' lifts it)")
    }

    /// What is held, in one cell: `shop.users/…` for a person.
    fn what(&self) -> String {
        let person = self.revealed.as_deref().map_or_else(|| "…".to_owned(), printable);
        let table = || {
            let (store, table) = self.store.as_ref().zip(self.table.as_ref())?;
            Some(format!("{store}.{}", printable(table)))
        };
        match self.on {
            HeldKind::Account => person,
            HeldKind::Subject => table().map_or_else(|| "…".to_owned(), |table| format!("{table}/{person}")),
            HeldKind::Table => table().unwrap_or_default(),
            HeldKind::Store => self.store.as_ref().map(ToString::to_string).unwrap_or_default(),
            HeldKind::Everything => "all stores".to_owned(),
        }
    }
}

/// The holds that work on a request waits for.
pub(super) async fn waited_for(kek: &KeyEncryptionKey, tx: &mut Tx, request: &Request) -> Result<Vec<HoldLine>, Ended> {
    let holds = stopped::holds(kek, tx, request).await?;
    Ok(holds.into_iter().map(|(hold, target)| line(hold, target, false)).collect())
}

/// All holds, each with what it is on.
async fn all(kek: &KeyEncryptionKey, tx: &mut Tx, reveal: bool) -> Result<Vec<HoldLine>, Ended> {
    let mut lines = Vec::new();
    for hold in legal_holds::all(tx).await? {
        let target = legal::target_of(kek, tx, &hold).await?;
        lines.push(line(hold, target, reveal));
    }
    Ok(lines)
}

pub(super) fn line(hold: LegalHoldRecord, target: Option<HeldTarget>, reveal: bool) -> HoldLine {
    let (store, table, person) = match target {
        None | Some(HeldTarget::Everything) => (None, None, None),
        Some(HeldTarget::Account(account)) => (None, None, Some(account)),
        Some(HeldTarget::Subject(at, key)) => (Some(at.store), Some(at.table), Some(key)),
        Some(HeldTarget::Table(at)) => (Some(at.store), Some(at.table), None),
        Some(HeldTarget::Store(store)) => (Some(store), None, None),
    };
    HoldLine {
        id: hold.id,
        on: hold.kind,
        store,
        table,
        revealed: person.filter(|_| reveal),
        reference: hold.reference,
        placed_at: time(hold.placed_at),
        released_at: hold.released_at.map(time),
    }
}

/// Lists, places or lifts.
pub(super) async fn run(invocation: &Invocation, command: HoldsCommand) -> Outcome {
    match command {
        HoldsCommand::List { reveal } => {
            if reveal {
                invocation.record(Sight::Holds).await?;
            }
            let ledger = invocation.ledger().await?;
            let lines = all(&ledger.kek, &mut ledger.db.read().await?, reveal).await?;
            Ok(output::rows(invocation.format, &lines)?)
        }
        HoldsCommand::Place(args) => place(invocation, &args).await,
        HoldsCommand::Release { id } => {
            let (house, operator) = invocation.desk().await?;
            legal::release(&house, id, &operator).await.map_err(named)?;
            say(&format!("the hold {id} is lifted"));
            Ok(())
        }
    }
}

async fn place(invocation: &Invocation, args: &PlaceArgs) -> Outcome {
    let mut target = target(&args.target)?;
    let (house, operator) = match args.unseen {
        true => invocation.desk().await?,
        false => invocation.desk_to_hold(&target).await?,
    };
    if !args.unseen {
        match legal::known(&house, &target).await {
            Known::There(there) => target = there,
            // What is wrong with the name by the data maps weighs more, and is said by the placing.
            Known::Nothing if legal::is_mapped(&house, &target).is_ok() => return Err(nothing(&target)),
            Known::Nothing => {}
            // Better one hold too many: it stops something, and is lifted again.
            Known::NotAsked(error) => say(&format!(
                "whether there is anybody of this name could not be asked ({}); the hold is on the name as it was written",
                error.chain()
            )),
        }
    }
    let Placed { hold, stood_before, beside } =
        legal::place(&house, &target, &args.reference, &operator).await.map_err(named)?;
    let said = match (stood_before, beside) {
        (true, _) => "this hold stands already, under the same reference; no second one was placed",
        (false, 0) => "placed",
        (false, _) => "placed; another hold stands on the same under another reference, and each is lifted by itself",
    };
    output::rows(invocation.format, &[line(hold, Some(target), false)])?;
    say(said);
    Ok(())
}

/// Nobody is held by a slip in a number, and nobody would notice.
fn nothing(target: &HeldTarget) -> Ended {
    let what = match target {
        HeldTarget::Subject(at, _) => format!("there is no row with this key in {at}"),
        _ => "neither the directory nor the data maps' stores know an account with this id".to_owned(),
    };
    let words = format!(
        "{what}, so that nothing was placed; is it written as it stands there? --unseen places it all the same"
    );
    Ended::saying(Exit::NotFound, words)
}

fn target(args: &TargetArgs) -> Result<HeldTarget, Ended> {
    let wrong = |text: &str, form: &str| {
        let words = format!(
            "{text:?} is not of the form {form}, such as {}",
            form.replace("STORE", "shop").replace("TABLE", "users").replace("KEY", "42")
        );
        Ended::saying(Exit::Usage, words)
    };
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
