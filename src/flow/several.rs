//! Each address that a letter names as its writer's is asked by itself: a request for each, with a challenge to its own
//! address on file (Belgian DPA 39/2022: the letter came from one address, and the data were under another).
//!
//! The directory says which of them it has, so that this is found out while a request is identified, and not while its letter is
//! judged: a directory that is away would hold up the letter, and with it the stop that comes next. Until then one request
//! holds the whole letter; its further ones are opened in the transaction that narrows it down to the first address.

use crate::db::requests::{self, Stored};
use crate::db::{Tx, jobs, shared_letters};
use crate::queue::Lease;
use crate::trail::{Actor, Event, Fact, Facts};

use super::error::FlowError;
use super::facts::{Opening, Subject};
use super::house::House;
use super::wish::Part;
use super::{note, open, safe, whose, wish};

/// The requests of one letter.
pub(super) struct Several {
    /// What each of them is opened with; the first is that of the request that the letter opened.
    pub(super) openings: Vec<Opening>,
    /// How many addresses the letter names as its writer's.
    named: u64,
    /// How many people the directory has by them.
    on_file: u64,
}

/// The requests of a letter by the addresses that it names as its writer's; `None` where it names none that the directory has,
/// was narrowed down before, or somebody has said by now whose it is.
pub(super) async fn of(house: &House, opening: &Opening, known: &Subject) -> Result<Option<Several>, FlowError> {
    let is_understood = opening.intent.is_some() || known.scope_set.is_some();
    let is_set = known.account.is_some() || known.target_set.is_some();
    // Those of the rest wait for a person, who says by a scope that they are asked for.
    let waits = opening.rest && known.scope_set.is_none();
    if opening.own.is_empty() || opening.asks_as.is_some() || is_set || !is_understood || waits {
        return Ok(None);
    }
    let claimed = claimed(opening);
    let known = whose::each(&*house.directory, &claimed).await?;
    if known.is_empty() {
        return Ok(None);
    }
    let addresses: Vec<&str> = known.iter().map(|known| known.address.as_str()).collect();
    let (asked, rest) = addresses.split_at(addresses.len().min(house.intake_limits.addresses_max));
    let mut openings: Vec<Opening> = asked.iter().map(|address| narrowed(opening, address)).collect();
    if !rest.is_empty() || opening.own_cut {
        openings.push(the_rest(opening, rest));
    }
    Ok(Some(Several { openings, named: claimed.len() as u64, on_file: known.len() as u64 }))
}

/// The addresses that the letter asks by: those that it names, and where they only stand beside its wish, the sender's first.
fn claimed(opening: &Opening) -> Vec<&str> {
    let own = opening.own.iter().map(String::as_str);
    let sender =
        opening.from.as_deref().filter(|from| opening.own_beside && !opening.own.iter().any(|own| same(own, from)));
    sender.into_iter().chain(own).collect()
}

fn same(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

/// What the letter says to one of the addresses: nothing of the others.
fn narrowed(opening: &Opening, address: &str) -> Opening {
    let is_sender = opening.from.as_deref().is_some_and(|from| same(from, address));
    let addresses = if is_sender { Vec::new() } else { vec![address.to_owned()] };
    Opening { asks_as: Some(address.to_owned()), addresses, rest: false, ..opening.clone() }
}

/// What it says by those that are not asked before a person has looked.
fn the_rest(opening: &Opening, addresses: &[&str]) -> Opening {
    let addresses: Vec<String> = addresses.iter().map(|address| (*address).to_owned()).collect();
    let own = addresses.clone();
    // Those that were not kept are read by a person, last of all.
    let own_cut = opening.own_cut && !own.is_empty();
    Opening { addresses, own, own_cut, own_beside: false, rest: true, ..opening.clone() }
}

/// Which part of the letter's wish an opening is.
fn part_of(opening: &Opening) -> Part<'_> {
    match &opening.asks_as {
        Some(address) => Part::Address(address),
        None => Part::Rest(opening.own.first().map(String::as_str).unwrap_or_default()),
    }
}

/// Narrows a request down to the first address and opens the others, in the caller's transaction.
pub(super) async fn split(house: &House, tx: &mut Tx, first: &Stored, several: &Several) -> Result<(), FlowError> {
    let Some((own, others)) = several.openings.split_first() else { return Ok(()) };
    safe::put_opening(house, tx, &first.request, own).await?;
    let mut opened = 0;
    for opening in others {
        opened += u64::from(beside(house, tx, first, opening).await?);
    }
    if several.named > 1 {
        let facts = Facts::new()
            .with("addresses_named", Fact::Count(several.named))?
            .with("addresses_on_file", Fact::Count(several.on_file))?
            .with("opened_beside", Fact::Count(opened))?;
        note::append(house, tx, first.request.case, Event::Noted, Actor::PROGRAM, facts).await?;
    }
    Ok(())
}

/// Opens a request beside another one of the same letter; `false` where the letter has one by this address that is open.
async fn beside(house: &House, tx: &mut Tx, first: &Stored, opening: &Opening) -> Result<bool, FlowError> {
    let part = opening.wish.map(|wish| wish::part(house, &wish, part_of(opening)));
    let Some(opened) = open::beside(house, tx, first, opening, part).await? else {
        if let Some(part) = part
            && let Some(open) = requests::open_of_wish(tx, &part).await?
        {
            shared_letters::share(tx, first.request.id, open.request.id).await?;
        }
        return Ok(false);
    };
    shared_letters::share(tx, first.request.id, opened.id).await?;
    Ok(true)
}

/// The open requests of a letter, by its wish: that of the whole, and those of its parts.
pub(super) async fn open_of(
    house: &House,
    tx: &mut Tx,
    wish: Option<[u8; 32]>,
    opening: &Opening,
) -> Result<Vec<Stored>, FlowError> {
    let Some(wish) = wish else { return Ok(Vec::new()) };
    let mut wishes = vec![wish];
    if !opening.own.is_empty() {
        let addresses = opening.from.iter().chain(&opening.own).map(String::as_str);
        let parts = addresses.flat_map(|address| [Part::Address(address), Part::Rest(address)]);
        wishes.extend(parts.chain([Part::Rest("")]).map(|part| wish::part(house, &wish, part)));
    }
    let mut open: Vec<Stored> = Vec::new();
    for wish in &wishes {
        let found = requests::open_of_wish(tx, wish).await?;
        open.extend(found.filter(|found| !open.iter().any(|known| known.request.id == found.request.id)));
    }
    Ok(open)
}

/// Whether a repeat joins what is open of its wish. Where that is only the request of those addresses that nobody is asked by before a
/// person has looked, the others have ended, and a letter that comes once more asks by them anew.
pub(super) async fn is_asked(house: &House, tx: &mut Tx, open: &[Stored]) -> Result<bool, FlowError> {
    for Stored { request, .. } in open {
        if !safe::opening(house, tx, request).await?.rest {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Opens the requests that a letter was to have and has no more, after it came once more: one by another of its addresses may have ended
/// meanwhile.
pub(super) async fn others(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let id = super::request_of(lease)?;
    let mut tx = house.db.read().await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of a repeated letter"))?;
    let mut opening = safe::opening(house, &mut tx, &stored.request).await?;
    drop(tx);
    // One that was not identified yet is split then.
    let Some(own) = opening.asks_as.take() else { return super::complete(house, lease).await };
    let several = of(house, &opening, &Subject::default()).await?;
    let mut tx = house.db.write().await?;
    let by_whole = match opening.wish {
        Some(wish) => requests::open_of_wish(&mut tx, &wish).await?,
        None => None,
    };
    let by_whole = match &by_whole {
        Some(whole) => safe::opening(house, &mut tx, &whole.request).await?.asks_as,
        None => None,
    };
    let is_asked = |opening: &&Opening| {
        let asks = opening.asks_as.as_deref();
        asks.is_some_and(|asks| same(asks, &own) || by_whole.as_deref().is_some_and(|whole| same(asks, whole)))
    };
    for opening in several.iter().flat_map(|several| &several.openings).filter(|opening| !is_asked(opening)) {
        beside(house, &mut tx, &stored, opening).await?;
    }
    jobs::complete_in(&mut tx, lease).await?;
    Ok(tx.commit().await?)
}
