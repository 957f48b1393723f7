//! `expunged trail`: the leaves of a case, checked as they are shown, and an export of all of them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::db::trail::{self, StoredLeaf};
use crate::db::{Db, Tx, keys};
use crate::domain::{CaseId, Reference, Timestamp};
use crate::flow::reveal;
use crate::trail::{ActorKind, Event, Leaf, is_instant, verify_chain};
use crate::vault::{KeyEncryptionKey, KeyOwner, KeyPurpose};

use super::exit::{Ended, Exit, Outcome};
use super::invocation::{self, Invocation};
use crate::output::{self, Format, Tabular, progress, say, time, write_out};

/// Leaves that are read at once.
const PAGE: u32 = 1_000;

/// What `trail` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum TrailCommand {
    /// What happened to a request, and whether the chain of its leaves holds.
    Show {
        /// Such as EXP-7K3Q-M2.
        #[arg(value_name = "REF")]
        reference: Reference,
        /// Also show the private facts. The trail records who did.
        #[arg(long)]
        reveal: bool,
    },
    /// All leaves in the order of writing, as canonical JSON, one per line, whatever --output says: the very bytes that were
    /// hashed. Times in them are milliseconds since 1970 UTC; 'trail show -o json' has RFC 3339.
    Export {
        /// Begin behind this position (0: at the first).
        #[arg(long, value_name = "POSITION", default_value_t = 0, value_parser = position, allow_negative_numbers = true)]
        after: i64,
    },
}

fn position(text: &str) -> Result<i64, String> {
    let position = text.parse().ok().filter(|position| *position >= 0);
    position.ok_or_else(|| {
        "expected a whole number from 0 on; an export says at its end where the next one begins".to_owned()
    })
}

/// The trail of one case.
#[derive(Serialize)]
struct Shown {
    reference: Reference,
    case: String,
    /// `holds`, or what is wrong with it.
    chain: String,
    entries: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    number: u64,
    time: String,
    event: Event,
    actor: ActorKind,
    /// Sixteen bytes in hex; zeros for everybody but operators.
    pseudonym: String,
    facts: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private: Option<Value>,
}

impl Tabular for Line {
    const HEADS: &'static [&'static str] = &["number", "time", "event", "actor", "facts"];

    fn cells(&self) -> Vec<String> {
        let actor = match self.actor {
            ActorKind::Operator => format!("operator {}", self.pseudonym.get(..8).unwrap_or_default()),
            other => other.to_string(),
        };
        let facts = self.facts.iter().map(|(name, fact)| said(name, fact));
        let private = self.private.as_ref().and_then(Value::as_object);
        let private = private.into_iter().flatten().map(|(name, fact)| said(name, fact));
        vec![
            self.number.to_string(),
            self.time.clone(),
            self.event.to_string(),
            actor,
            facts.chain(private).collect::<Vec<_>>().join(", "),
        ]
    }
}

/// `name word`, without the quotes of JSON; digests are cut to what tells two apart.
fn said(name: &str, fact: &Value) -> String {
    match fact {
        Value::String(text) if text.len() == 64 => format!("{name} {}…", text.get(..12).unwrap_or_default()),
        Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    }
}

/// Shows or exports.
pub(super) async fn run(invocation: &Invocation, command: TrailCommand) -> Outcome {
    match command {
        TrailCommand::Show { reference, reveal } => show(invocation, &reference, reveal).await,
        TrailCommand::Export { after } => export(invocation, after).await,
    }
}

async fn show(invocation: &Invocation, reference: &Reference, reveal: bool) -> Outcome {
    let (shown, broken) = if reveal {
        let (house, operator) = invocation.desk().await?;
        invocation::request(&mut house.db.read().await?, reference).await?;
        // Recorded before anything is shown.
        reveal::reveal(&house, reference, &operator).await?;
        read(&house.db, reference, Some(&house.kek)).await?
    } else {
        let ledger = invocation.ledger().await?;
        read(&ledger.db, reference, None).await?
    };
    match invocation.format {
        Format::Json => output::one(Format::Json, &shown, "")?,
        // A leaf is a row and a line; whether the chain holds is said beside them.
        format => output::rows(format, &shown.entries)?,
    }
    if let Some(broken) = broken {
        return Err(anyhow::Error::new(broken).context("the trail of this case was altered").into());
    }
    say(&format!("the chain of {} leaves holds", shown.entries.len()));
    Ok(())
}

type Read = (Shown, Option<crate::trail::BrokenChain>);

async fn read(db: &Db, reference: &Reference, kek: Option<&KeyEncryptionKey>) -> Result<Read, Ended> {
    let mut tx = db.read().await?;
    let case = invocation::request(&mut tx, reference).await?.request.case;
    let stored = trail::show(&mut tx, case).await?;
    let leaves: Vec<Leaf> = stored.iter().map(|leaf| leaf.leaf.clone()).collect();
    let broken = verify_chain(&leaves).err();
    let mut entries = Vec::with_capacity(stored.len());
    for leaf in &stored {
        let private = match kek {
            Some(kek) => private(&mut tx, kek, case, leaf).await?,
            None => None,
        };
        entries.push(line(leaf, private));
    }
    let chain = broken.map_or_else(|| "holds".to_owned(), |broken| broken.to_string());
    Ok((Shown { reference: reference.clone(), case: case.to_string(), chain, entries }, broken))
}

/// The private facts of a leaf; `None` where it has none or they were forgotten.
async fn private(tx: &mut Tx, kek: &KeyEncryptionKey, case: CaseId, leaf: &StoredLeaf) -> Result<Option<Value>, Ended> {
    let Some(record) = keys::load(tx, kek, KeyOwner::Case(case), KeyPurpose::Record).await? else { return Ok(None) };
    let Some(facts) = trail::reveal(tx, &record, leaf).await? else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&facts.to_canonical()?)?))
}

/// A leaf as it is shown. One that cannot be read still has its number and event; the check of the chain names it.
fn line(stored: &StoredLeaf, private: Option<Value>) -> Line {
    let fields = stored.leaf.read().ok();
    let (actor, pseudonym) = fields
        .as_ref()
        .map_or((ActorKind::Program, String::new()), |fields| (fields.actor.kind, fields.actor.pseudonym.clone()));
    Line {
        number: stored.number,
        time: fields.as_ref().map(|fields| time(Timestamp::from_micros(fields.time * 1_000))).unwrap_or_default(),
        event: stored.event,
        actor,
        pseudonym,
        facts: fields.map(|fields| fields.facts.into_iter().map(as_shown).collect()).unwrap_or_default(),
        private,
    }
}

/// A fact as it is shown: a leaf has instants as milliseconds, people and programs read RFC 3339.
fn as_shown((name, fact): (String, Value)) -> (String, Value) {
    let instant = fact.as_i64().filter(|_| is_instant(&name));
    let shown = instant.map(|millis| time(Timestamp::from_micros(millis.saturating_mul(1_000))).into());
    (name, shown.unwrap_or(fact))
}

async fn export(invocation: &Invocation, mut after: i64) -> Outcome {
    let ledger = invocation.ledger().await?;
    // One state of the database throughout: a leaf that is written meanwhile is in the next export.
    let mut tx = ledger.db.read().await?;
    let end = trail::last_position(&mut tx).await?;
    if after > end {
        let words = format!(
            "the trail ends at position {end}; an export behind {after} would pass over what is written up to there"
        );
        return Err(Ended::saying(Exit::NotFound, words));
    }
    let bar = progress("reading the trail");
    let mut count = 0_u64;
    loop {
        let page = trail::export(&mut tx, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        for leaf in &page {
            write_out(std::str::from_utf8(&leaf.leaf.json)?)?;
        }
        count += page.len() as u64;
        bar.inc(page.len() as u64);
    }
    bar.finish_and_clear();
    say(&format!("{count} leaves; the next export begins behind --after {after}"));
    Ok(())
}
