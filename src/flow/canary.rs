//! The canaries: a row, or a name, in each store that says until when the store has lived. A store whose canary is older than what was
//! last written there came back from a backup, and with it perhaps rows that were erased since.

use serde_json::json;
use tracing::{error, info, warn};

use crate::breakpoint;
use crate::db::doubts::{self, Cause, Doubt};
use crate::db::{Tx, canaries, jobs, requests};
use crate::domain::{RequestId, Timestamp};
use crate::queue::{Lease, NewJob};
use crate::stores::{RowStore, StoreError, StoreName};
use crate::trail::{Event as Recorded, Fact, Facts};

use super::advance::enqueue;
use super::again::{Sweep, sweep_job};
use super::error::FlowError;
use super::house::House;
use super::operate::Operator;
use super::{behind, kinds, note};

/// Has every canary looked at from now on. Any number of daemons may: there is one job per store.
///
/// # Errors
/// When our database does not answer.
pub async fn plan(house: &House) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    for (name, _) in house.map.stores().iter().filter(|(_, store)| store.canary.is_some()) {
        let mut job = NewJob::new(kinds::CANARY, json!({ "store": name }), house.clock.now());
        job.unique_key = Some(format!("canary:{name}"));
        enqueue(house, &mut tx, job, house.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(())
}

#[derive(serde::Deserialize)]
struct Payload {
    store: StoreName,
}

/// Looks at the canary of a store and writes it anew; the job then waits for its next time. A store that is away is
/// looked at then.
pub(super) async fn look(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let Payload { store: name } = super::payload(lease)?;
    let table = house.map.stores().get(&name).and_then(|store| store.canary.clone());
    let Some(table) = table else { return super::complete(house, lease).await };
    let store = house.stores.get(&name);
    let looked = match store {
        Ok(store) => look_at(house, &name, store, &table).await?,
        Err(error) => Err(error),
    };
    if let Err(error) = looked {
        warn!(store = %name, %error, "the canary was not looked at; tried again at its next time");
    }
    let mut tx = house.db.write().await?;
    jobs::snooze_in(&mut tx, lease, house.clock.now().plus(house.config.schedule.canary)).await?;
    tx.commit().await?;
    breakpoint!("canary.looked");
    Ok(())
}

async fn look_at(
    house: &House,
    name: &StoreName,
    store: &dyn RowStore,
    table: &str,
) -> Result<Result<(), StoreError>, FlowError> {
    let found = match read(store, table).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            warn!(store = %name, table, "nobody made the canary, or it holds no number; see [store] canary in the README");
            return Ok(Ok(()));
        }
        Err(error) => return Ok(Err(error)),
    };
    let now = house.clock.now();
    let mut tx = house.db.write().await?;
    let accepted = doubts::accepted_epoch(&mut tx, name.as_str()).await?;
    match canaries::load(&mut tx, name.as_str()).await? {
        // What is not ours is left as it is, unless somebody accepted it: our own database went back, or another installation
        // writes here.
        Some(known) if found > known.epoch.max(known.next) && accepted.is_none_or(|accepted| accepted < found) => {
            let (cause, store, noticed_at) = (Cause::Canary, Some(name.to_string()), tx.now().await?);
            behind::note(house, &mut tx, Doubt { cause, store, epoch: Some(found), leaf: None, noticed_at }).await?;
            tx.commit().await?;
            return Ok(Ok(()));
        }
        Some(known) if found < known.epoch => went_back(house, &mut tx, name, found).await?,
        _ => {}
    }
    canaries::intend(&mut tx, name.as_str(), now).await?;
    tx.commit().await?;
    breakpoint!("canary.intended");
    if let Err(error) = store.set_canary(table, &now.as_micros().to_string()).await {
        return Ok(Err(error));
    }
    breakpoint!("canary.written");
    let mut tx = house.db.write().await?;
    canaries::written(&mut tx, name.as_str(), now).await?;
    tx.commit().await?;
    breakpoint!("canary.noted");
    Ok(Ok(()))
}

/// The epoch in a store; `None` where there is no canary or no number in it.
async fn read(store: &dyn RowStore, table: &str) -> Result<Option<Timestamp>, StoreError> {
    let found = store.canary(table).await?;
    Ok(found.and_then(|epoch| epoch.trim().parse().ok()).map(Timestamp::from_micros))
}

/// Has every store searched for what was erased since then: what came back goes by itself, or waits for an operator.
async fn went_back(house: &House, tx: &mut Tx, name: &StoreName, since: Timestamp) -> Result<(), FlowError> {
    let replay = house.config.schedule.replay_by_itself;
    let sweep = if replay { Sweep::Replay } else { Sweep::Look };
    let erased = requests::erased_since(tx, since, name.as_str()).await?;
    error!(store = %name, requests = erased.requests.len(), replay, "the store has gone back in time");
    for request in erased.requests {
        enqueue(house, tx, sweep_job(request, sweep, house.clock.now()), house.clock.now()).await?;
    }
    Ok(())
}

/// What a replay is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Requests whose stores are searched, and from which what came back is erased again.
    pub requests: Vec<RequestId>,
    /// Requests whose saved keys were destroyed by their term: nothing can be done for them.
    pub forgotten: u64,
}

/// Has all that was erased since then, and came back, erased again. With `only_look` nothing is begun.
///
/// # Errors
/// [`FlowError::NotFound`] for a store that no map has.
pub async fn replay(
    house: &House,
    since: Timestamp,
    store: Option<&StoreName>,
    operator: &Operator,
    only_look: bool,
) -> Result<Replayed, FlowError> {
    if store.is_some_and(|name| !house.map.stores().contains_key(name)) {
        return Err(FlowError::NotFound("store of this name in the data maps"));
    }
    let now = house.clock.now();
    let mut tx = house.db.write().await?;
    let erased = requests::erased_since(&mut tx, since, store.map_or("", StoreName::as_str)).await?;
    if only_look {
        return Ok(Replayed { requests: erased.requests, forgotten: erased.forgotten });
    }
    for request in &erased.requests {
        let Some(stored) = requests::load(&mut tx, *request).await? else { continue };
        let facts = Facts::new().with("ordered", Fact::Word(Sweep::Replay.to_string()))?;
        note::append(house, &mut tx, stored.request.case, Recorded::Noted, operator.actor(), facts).await?;
        enqueue(house, &mut tx, sweep_job(*request, Sweep::Replay, now), now).await?;
    }
    tx.commit().await?;
    info!(requests = erased.requests.len(), "a replay was ordered");
    Ok(Replayed { requests: erased.requests, forgotten: erased.forgotten })
}
