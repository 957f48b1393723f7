//! Tells the demo as it happens: letters arrive, people answer, days pass, and at the end everything is counted.

use std::collections::BTreeMap;

use serde::Serialize;

use super::customers::Customer;
use super::letters::{Expected, Habit, Story, stories};
use super::world::{SUPPORT, World};
use super::{counts, shop::Person};
use crate::clock::Clock;
use crate::daemon::quiet::until_idle;
use crate::db::deliveries::Disposition;
use crate::db::{Tx, deliveries, erasures, requests, trail};
use crate::domain::{CaseId, RequestId, State};
use crate::output::{self, Format, Tabular, counted, say};
use crate::trail::Event;

/// A line of the table at the end.
#[derive(Serialize)]
struct Line {
    letter: &'static str,
    understood: String,
    state: String,
    expected: String,
    /// Rows per store: erased / masked / kept.
    rows: String,
    residue: u64,
    good: bool,
}

impl Tabular for Line {
    const HEADS: &'static [&'static str] =
        &["letter", "understood as", "state", "rows erased/masked/kept", "residue", "as expected"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.letter.to_owned(),
            self.understood.clone(),
            self.state.clone(),
            self.rows.clone(),
            self.residue.to_string(),
            if self.good { "yes".to_owned() } else { format!("NO: {}", self.expected) },
        ]
    }
}

/// What became of a letter so far.
struct Arrived {
    story: Story,
    disposition: Disposition,
    request: Option<RequestId>,
}

/// Tells the story, writes the table at its end, and answers whether every outcome was the expected one.
pub async fn tell(world: &World, format: Format) -> anyhow::Result<bool> {
    say("A shop of three stores with a hundred accounts. Letters arrive in the support mailbox:");
    let mut letters: u64 = 0;
    let mut arrived = Vec::new();
    for story in stories(&world.shop)? {
        world.deliver(&written(&story, world))?;
        letters += 1;
        until_idle(&world.house, &world.clock, letters).await?;
        let (disposition, request) = latest(world).await?;
        say(&format!("  ✉ {:<34} {}", story.title, seen(disposition)));
        arrived.push(Arrived { story, disposition, request });
    }
    let mut customers = customers(world, &arrived)?;
    let mut states = BTreeMap::new();
    for (days, what) in [
        (0, "People answer"),
        (1, "A day later"),
        (5, "Five days later"),
        (3, "The grace periods end"),
        (7, "A week later"),
    ] {
        if days > 0 {
            world.days_pass(days);
        }
        say(&format!("\n{what}:"));
        letters += answer(world, &mut customers, letters).await?;
        changes(world, &arrived, &mut states).await?;
    }
    let lines = lines(world, &arrived).await?;
    let faults = counts::faults(world).await?;
    output::rows(format, &lines)?;
    for fault in &faults {
        say(&format!("NOT AS EXPECTED: {fault}"));
    }
    let good = faults.is_empty() && lines.iter().all(|line| line.good);
    say(&format!(
        "\n{}, {}; counted in the stores by SQL of our own: {}",
        counted(u64::try_from(arrived.len())?, "letter", "letters"),
        counted(letters - u64::try_from(arrived.len())?, "answer", "answers"),
        if good { "everything is as expected." } else { "something is NOT as expected." }
    ));
    Ok(good)
}

fn seen(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Opened => "opens a request",
        Disposition::Newsletter => "a newsletter; left alone",
        Disposition::Ordinary => "ordinary; left unread and in place",
        _ => disposition.as_str(),
    }
}

/// The letter as its writer's mail program sends it.
fn written(story: &Story, world: &World) -> Vec<u8> {
    let Person { name, email, .. } = &story.from;
    let headers: String = story.headers.iter().map(|header| format!("{header}\r\n")).collect();
    format!(
        "From: {name} <{email}>\r\nTo: <{SUPPORT}>\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{}@customers.example>\r\n{headers}\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
        encoded(story.subject),
        date(world),
        story.title.replace([' ', ':', ','], "-"),
        story.text.replace('\n', "\r\n"),
    )
    .into_bytes()
}

/// A subject with other letters than ASCII as RFC 2047 wants it.
fn encoded(subject: &str) -> String {
    if subject.is_ascii() {
        return subject.to_owned();
    }
    format!("=?utf-8?B?{}?=", data_encoding::BASE64.encode(subject.as_bytes()))
}

fn date(world: &World) -> String {
    world.clock.now().to_jiff().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// What became of the letter that was stored last.
async fn latest(world: &World) -> anyhow::Result<(Disposition, Option<RequestId>)> {
    let mut tx = world.house.db.read().await?;
    let last = deliveries::latest(&mut tx).await?.ok_or_else(|| anyhow::anyhow!("no letter was stored"))?;
    Ok((last.disposition, last.request))
}

/// Everybody who may get a letter, with their habit; the owner of the French user approves.
fn customers(world: &World, arrived: &[Arrived]) -> anyhow::Result<Vec<Customer>> {
    let approver = (world.shop.user(3, 0)?, Habit::Yes);
    let people = arrived.iter().map(|letter| (letter.story.from.clone(), letter.story.habit)).chain([approver]);
    Ok(people
        .map(|(person, habit)| {
            let folder = world.customer(&person.email);
            Customer::new(person, habit, folder)
        })
        .collect())
}

/// Lets people read and answer until nobody has anything to say; answers how many letters they wrote.
async fn answer(world: &World, customers: &mut [Customer], before: u64) -> anyhow::Result<u64> {
    let mut written = 0;
    loop {
        until_idle(&world.house, &world.clock, before + written).await?;
        let date = date(world);
        let answers: Vec<_> = customers.iter_mut().flat_map(|customer| customer.answer(&date)).collect();
        if answers.is_empty() {
            return Ok(written);
        }
        for answer in answers {
            world.deliver(&answer.bytes)?;
            written += 1;
        }
    }
}

/// Says which requests moved.
async fn changes(world: &World, arrived: &[Arrived], states: &mut BTreeMap<RequestId, State>) -> anyhow::Result<()> {
    let mut tx = world.house.db.read().await?;
    for letter in arrived {
        let Some(id) = letter.request else { continue };
        let Some(stored) = requests::load(&mut tx, id).await? else { continue };
        let state = stored.request.state;
        if states.insert(id, state) != Some(state) {
            say(&format!("  {}  {:<34} {state}", stored.request.reference, letter.story.title));
        }
    }
    Ok(())
}

async fn lines(world: &World, arrived: &[Arrived]) -> anyhow::Result<Vec<Line>> {
    let mut tx = world.house.db.read().await?;
    let mut lines = Vec::new();
    for letter in arrived {
        let stored = match letter.request {
            Some(id) => requests::load(&mut tx, id).await?,
            None => None,
        };
        let steps = match letter.request {
            Some(id) => erasures::steps(&mut tx, id).await?,
            None => Vec::new(),
        };
        let state = stored.as_ref().map_or(letter.disposition.as_str(), |stored| stored.request.state.as_str());
        let understood = match &stored {
            Some(stored) => understood(&mut tx, stored.request.case).await?,
            None => letter.disposition.to_string(),
        };
        let (meant, expected) = match letter.story.expected {
            Expected::Request(intent, state) => (intent.as_str(), state),
            Expected::Letter(disposition) => (disposition, disposition),
        };
        let residue = steps.iter().map(|step| count(step, "residue")).sum();
        lines.push(Line {
            letter: letter.story.title,
            good: understood == meant && state == expected && residue == 0,
            understood,
            state: state.to_owned(),
            expected: format!("{expected}, understood as {meant}"),
            rows: rows(&steps),
            residue,
        });
    }
    Ok(lines)
}

/// What the letter was taken to ask for that opened a case, as the trail recorded it.
async fn understood(tx: &mut Tx, case: CaseId) -> anyhow::Result<String> {
    for leaf in trail::show(tx, case).await?.iter().filter(|leaf| leaf.event == Event::LetterJudged) {
        if let Some(intent) = leaf.leaf.read()?.facts.get("intent").and_then(|intent| intent.as_str()) {
            return Ok(intent.to_owned());
        }
    }
    anyhow::bail!("a request whose letter was never judged")
}

fn count(step: &erasures::StepRow, name: &str) -> u64 {
    step.counts.as_ref().and_then(|counts| counts.get(name)?.as_u64()).unwrap_or(0)
}

/// Rows per store, as the ledger has them.
fn rows(steps: &[erasures::StepRow]) -> String {
    let mut stores: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    for step in steps {
        let sums = stores.entry(&step.store).or_default();
        for (sum, name) in sums.iter_mut().zip(["erased", "masked", "kept"]) {
            *sum += count(step, name);
        }
    }
    let texts: Vec<String> =
        stores.iter().map(|(store, [erased, masked, kept])| format!("{store} {erased}/{masked}/{kept}")).collect();
    // Nothing was erased, and nothing is missing either.
    if texts.is_empty() { "-".to_owned() } else { texts.join(", ") }
}
