//! Sends letters with forged Authentication-Results through our own MX, as a stranger, and looks what arrives of them.
//!
//! What was tried and found stands in our own database ([`mx_runs`]) and in the trail; [`our_mx`](super::our_mx) says what follows.
//! Nothing of other letters is read but headers of those that arrive meanwhile, by which ours are known, and nothing of them is kept.
//! Each of ours has a Message-ID that nobody can guess, written down before the first is sent: the daemon answers none of them.
//!
//! A letter of which nothing is forged goes first and last: what is refused in between is refused for what is forged in it, and
//! not because the MX takes nothing from here.

mod look;

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::authenticate::{Delivered, Forged, Forgery, forgeries};
use crate::chance::draw;
use crate::db::mx_runs::{self, Run, Verdict};
use crate::db::{Tx, keys, trail};
use crate::domain::{CaseId, Timestamp, stored_enum};
use crate::mailbox::{FolderState, Mailbox};
use crate::reply::compose::Outgoing;
use crate::reply::mailer::{Mailer, Obstacle, Reached, SendError};
use crate::trail::{Entry, Event, Fact, Facts};
use crate::vault::{KeyOwner, KeyPurpose};

use super::error::FlowError;
use super::house::House;
use super::operate::Operator;

/// What is tried, and how.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The MX, as the operator named it.
    pub server: String,
    /// Whom the letters say that they are from, in the envelope and in the letter.
    pub from: String,
    /// Where they go: an address whose letters come to the support mailbox.
    pub to: String,
    /// How long they may be on their way.
    pub wait: Duration,
    /// Whether they stay in the mailbox.
    pub keep: bool,
}

/// The ways to the support mailbox.
pub struct Mailboxes {
    /// One by which nothing can be changed.
    pub look: Box<dyn Mailbox>,
    /// The other, by which exactly our letters are taken out.
    pub change: Box<dyn Mailbox>,
}

/// How far it is, for who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many letters were taken by the MX, and are waited for.
    Sent(usize),
    /// So many of them have arrived.
    Arrived(usize),
}

stored_enum! {
    /// What became of a letter.
    Fate, "fate of a letter" {
        /// Nothing was forged in it, and it arrived.
        Arrived = "arrived",
        /// What was forged is gone from it.
        Stripped = "stripped",
        /// What was forged stands under another name.
        Renamed = "renamed",
        /// What was forged stands there as it was sent.
        LeftInPlace = "left_in_place",
        /// The MX refused it for good when it had seen it.
        Refused = "refused",
        /// It was not taken for another reason, or not now.
        NotTaken = "not_taken",
        /// It was taken and did not arrive in time.
        Missing = "missing",
    }
}

/// One letter and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    /// What is special about it.
    pub letter: &'static str,
    /// Whether something was forged in it.
    pub is_forged: bool,
    /// What became of it.
    pub fate: Fate,
    /// What stood in the way of one that was not taken, such as `reply_550_at_message`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
    /// Whether results of our MX stand on top of it; `None` where it did not arrive.
    pub own_results: Option<bool>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// In whose name was forged.
    pub authserv_id: String,
    /// The MX.
    pub server: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// Until when the results of our MX count; `None` where they do not.
    #[serde(skip)]
    pub until: Option<Timestamp>,
    /// The letters, in the order in which they were sent.
    pub letters: Vec<Tried>,
    /// Letters that arrived and stay in the mailbox.
    pub stay: usize,
    /// Why they could not be taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stay_because: Option<String>,
}

/// A letter on its way.
struct Probe {
    forgery: Forgery,
    outgoing: Outgoing,
    /// Stands in what is forged.
    marker: String,
    sent: Option<Result<(), SendError>>,
    /// Its UIDs: more than one where the MX delivers it by several ways.
    uids: Vec<u32>,
    /// What was delivered of it; of several, the worst.
    delivered: Option<Delivered>,
}

/// The letter before and the one behind those in which something is forged.
const PLAIN: [&str; 2] = ["nothing forged, sent first", "nothing forged, sent last"];

/// Tries our own MX, and writes down what was found.
///
/// # Errors
/// When our database or the mailbox does not answer. Where letters were sent by then, nothing is proven, and that is written down.
pub async fn mail(
    house: &House,
    operator: &Operator,
    (mailboxes, mailer): (Mailboxes, &dyn Mailer),
    trial: &Trial,
    tell: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Found, FlowError> {
    let Mailboxes { mut look, change } = mailboxes;
    let name = house.config.authentication.trusted_mx.as_deref();
    let name = name.ok_or(FlowError::Missing("authentication.trusted_mx"))?;
    let folder = look.open().await?;
    let mut probes = probes(house, name, trial);
    let run = begin(house, operator, (name, &trial.server), &probes).await?;
    send(mailer, &mut probes).await;
    tell(Progress::Sent(probes.iter().filter(|probe| probe.is_waited_for()).count()));
    let looked = look::wait_for(&mut *look, folder, name, trial.wait, &mut probes, tell).await;
    let (stay, stay_because) =
        if trial.keep { (arrived(&probes), None) } else { take_out(change, folder, &probes).await };
    let verdict = if looked.is_err() { Verdict::Untold } else { verdict(&probes) };
    let letters: Vec<Tried> = probes.iter().map(Probe::tried).collect();
    let ended_at = end(house, operator, run, verdict, &letters).await?;
    looked?;
    let until = (verdict == Verdict::Proven).then(|| ended_at.plus(house.config.authentication.proof));
    let (authserv_id, server) = (name.to_owned(), trial.server.clone());
    Ok(Found { authserv_id, server, verdict, until, letters, stay, stay_because })
}

/// How many of the letters have arrived.
fn arrived(probes: &[Probe]) -> usize {
    probes.iter().filter(|probe| probe.delivered.is_some()).count()
}

/// How many letters one run sends.
#[must_use]
pub fn letters(name: &str) -> usize {
    PLAIN.len() + forgeries(name, "example.com", "x").len()
}

fn probes(house: &House, name: &str, trial: &Trial) -> Vec<Probe> {
    let domain = trial.from.rsplit_once('@').map_or("", |(_, domain)| domain);
    let word = || data_encoding::HEXLOWER.encode(&draw::<16>(&*house.chance));
    // Each has a marker of its own, so that none is taken for another.
    let count = letters(name);
    (0..count)
        .map(|at| {
            let (marker, id) = (word(), word());
            let forgery = match at.checked_sub(1) {
                None => Forgery::none(PLAIN[0]),
                Some(at) => forgeries(name, domain, &marker).into_iter().nth(at).unwrap_or(Forgery::none(PLAIN[1])),
            };
            let outgoing = written(house, &forgery, trial, &id);
            Probe { forgery, outgoing, marker, sent: None, uids: Vec::new(), delivered: None }
        })
        .collect()
}

/// A letter that says what it is, and asks for nothing.
fn written(house: &House, forgery: &Forgery, Trial { from, to, .. }: &Trial, id: &str) -> Outgoing {
    let message_id = format!("{id}.probe@{}", house.domain());
    let date = house.clock.now().to_jiff().strftime("%a, %d %b %Y %H:%M:%S +0000");
    let received = format!("Received: by probe.invalid with SMTP id {id}; {date}\r\n");
    let rest = format!(
        "From: <{from}>\r\nTo: <{to}>\r\nSubject: A letter of expunged doctor mail\r\nDate: {date}\r\nMessage-ID: <{message_id}>\r\n\
         Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
    );
    let body = "This letter tries whether your mail server takes out what strangers write in its name.\r\n\
                It was sent by 'expunged doctor mail', which takes it out of the mailbox again.\r\n";
    let bytes = forgery.letter(&received, &rest, body);
    Outgoing { message_id, envelope_from: from.clone(), to: to.clone(), bytes }
}

/// Sends them one after the other. Where the first is not taken, though nothing is forged in it, the others are not sent.
async fn send(mailer: &dyn Mailer, probes: &mut [Probe]) {
    for (at, probe) in probes.iter_mut().enumerate() {
        probe.sent = Some(mailer.send(&probe.outgoing).await.map(drop));
        if at == 0 && !probe.is_waited_for() {
            return;
        }
    }
}

impl Probe {
    /// Whether it may arrive.
    fn is_waited_for(&self) -> bool {
        matches!(self.sent, Some(Ok(()) | Err(SendError::Ambiguous { .. })))
    }

    /// Whether the MX refused it for good when it had seen what stands in it.
    fn is_refused(&self) -> bool {
        let seen = Reached::Message;
        matches!(&self.sent, Some(Err(SendError::Permanent { reached, obstacle: Obstacle::Reply(500..) })) if *reached == seen)
    }

    fn fate(&self) -> Fate {
        match &self.delivered {
            Some(_) if !self.forgery.is_forged() => Fate::Arrived,
            Some(delivered) => match delivered.forged {
                Forged::Stripped => Fate::Stripped,
                Forged::Renamed => Fate::Renamed,
                Forged::LeftInPlace => Fate::LeftInPlace,
            },
            None if self.is_refused() => Fate::Refused,
            None if self.is_waited_for() => Fate::Missing,
            None => Fate::NotTaken,
        }
    }

    fn tried(&self) -> Tried {
        Tried {
            letter: self.forgery.name,
            is_forged: self.forgery.is_forged(),
            fate: self.fate(),
            obstacle: self.sent.and_then(Result::err).map(|error| error.word()),
            own_results: self.delivered.map(|delivered| delivered.own),
        }
    }
}

/// What it all comes to: what is worst, first.
fn verdict(probes: &[Probe]) -> Verdict {
    let is = |fate: Fate| move |probe: &Probe| probe.fate() == fate;
    if !probes.iter().any(Probe::is_waited_for) {
        return Verdict::Unreached;
    }
    if probes.iter().any(is(Fate::LeftInPlace)) {
        return Verdict::Forgeable;
    }
    if probes.iter().filter_map(|probe| probe.delivered).any(|delivered| !delivered.own) {
        return Verdict::Unsigned;
    }
    let is_well = |probe: &Probe| match probe.fate() {
        Fate::Arrived | Fate::Stripped | Fate::Renamed => true,
        Fate::Refused => probe.forgery.is_forged(),
        Fate::LeftInPlace | Fate::NotTaken | Fate::Missing => false,
    };
    if probes.iter().all(is_well) { Verdict::Proven } else { Verdict::Untold }
}

/// Takes out exactly our letters; how many stay, and why.
async fn take_out(mut mailbox: Box<dyn Mailbox>, folder: FolderState, probes: &[Probe]) -> (usize, Option<String>) {
    let uids: Vec<u32> = probes.iter().flat_map(|probe| probe.uids.iter().copied()).collect();
    if uids.is_empty() {
        return (0, None);
    }
    let taken = async {
        if mailbox.open().await?.uid_validity != folder.uid_validity {
            return Err(FlowError::Broken("the folder was numbered anew meanwhile"));
        }
        Ok(mailbox.expunge(&uids).await?)
    };
    match taken.await {
        Ok(()) => (0, None),
        Err(error) => (uids.len(), Some(super::chain(&error))),
    }
}

async fn begin(
    house: &House,
    operator: &Operator,
    (name, server): (&str, &str),
    probes: &[Probe],
) -> Result<Run, FlowError> {
    let (id, now) = (Uuid::from_bytes(draw(&*house.chance)), house.clock.now());
    let message_ids: Vec<String> = probes.iter().map(|probe| probe.outgoing.message_id.clone()).collect();
    let mut tx = house.db.write().await?;
    mx_runs::begin(&mut tx, id, (name, server), now, &message_ids).await?;
    let facts = of_run(id)?.with("letters", Fact::Count(probes.len() as u64))?;
    note(house, &mut tx, (Event::MxProbing, operator), facts).await?;
    tx.commit().await?;
    let (authserv_id, server) = (name.to_owned(), server.to_owned());
    Ok(Run { id, authserv_id, server, began_at: now, ended_at: now, verdict: Verdict::Untold, mark: [0; 32] })
}

async fn end(
    house: &House,
    operator: &Operator,
    run: Run,
    verdict: Verdict,
    letters: &[Tried],
) -> Result<Timestamp, FlowError> {
    let run = Run { ended_at: house.clock.now(), verdict, ..run }.marked(house.keys.gate());
    let count = |fate| Fact::Count(letters.iter().filter(|letter| letter.fate == fate).count() as u64);
    let mut facts = of_run(run.id)?.with("verdict", Fact::Word(verdict.to_string()))?;
    for fate in Fate::ALL {
        facts = facts.with(fate.as_str(), count(*fate))?;
    }
    let mut tx = house.db.write().await?;
    mx_runs::end(&mut tx, &run, &json!(letters)).await?;
    note(house, &mut tx, (Event::MxProbed, operator), facts).await?;
    tx.commit().await?;
    Ok(run.ended_at)
}

fn of_run(id: Uuid) -> Result<Facts, FlowError> {
    Ok(Facts::new().with("run", Fact::Word(format!("id:{id}")))?)
}

/// Leaves a leaf. It is a case of its own, of one leaf without private facts, so that its key is destroyed where it was made.
async fn note(
    house: &House,
    tx: &mut Tx,
    (event, operator): (Event, &Operator),
    facts: Facts,
) -> Result<(), FlowError> {
    let (now, owner) = (house.clock.now(), KeyOwner::Case(CaseId::new(&*house.chance)));
    let record = keys::create(tx, &house.kek, owner, KeyPurpose::Record, now, &*house.chance).await?;
    let entry = Entry::new(event, operator.actor()).facts(facts);
    trail::append(tx, &record, &entry, &house.stamps, now, &*house.chance).await?;
    Ok(keys::destroy_of(tx, owner, KeyPurpose::Record, now).await.map(drop)?)
}

#[cfg(test)]
mod tests;
