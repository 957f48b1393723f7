//! Whether a server is one that we can erase from, as the map says: what it is, what the login may, what lies around.
//! Changes nothing.

use std::collections::BTreeSet;

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisError};

use super::statements::{BATCH, scan, type_name};
use super::{Redis, RedisFailure};
use crate::stores::StoreError;
use crate::stores::keyed::{Holds, Shape, Shapes};
use crate::stores::survey::Sampled;

/// So many names are looked at when strays are counted. SCAN answers in the order of its hash table, so that these are
/// names from anywhere.
const SAMPLE_NAMES: usize = 100_000;

/// What stands at a place when a permission is tried: no program's key.
const NOBODY: &[u8] = b"\x01expunged\x01";

pub(super) async fn look(redis: &Redis, shapes: &Shapes) -> Result<u64, StoreError> {
    is_whole(redis).await?;
    let mut connection = redis.connect().await?;
    for (table, shape) in &shapes.tables {
        let (name, _) = shape.pattern.begin(|_| Some(NOBODY.to_vec()));
        may(&mut connection, table, &name, &[&[("TYPE", [].as_slice())], needed(shape)].concat()).await?;
    }
    if let Some(canary) = &shapes.canary {
        let commands: [Words; 2] = [("GETRANGE", &["0", "64"]), ("SET", &["0", "XX"])];
        may(&mut connection, canary, canary.as_bytes(), &commands).await?;
    }
    strays(redis, shapes).await
}

/// A cluster's node and a replica show only a part, or what was.
async fn is_whole(redis: &Redis) -> Result<(), StoreError> {
    let info: String = redis.command(&redis::cmd("INFO")).await?;
    let says = |line: &str| info.lines().any(|said| said.trim() == line);
    if says("cluster_enabled:1") {
        let help = "a node of a cluster shows only its own part; this kind of store is one server";
        return Err(StoreError::NotWhole { problem: "the server is a node of a cluster", help });
    }
    if says("role:slave") {
        return Err(StoreError::NotWhole { problem: "the server is a replica", help: "name the primary in the url" });
    }
    Ok(())
}

/// A command, and what stands behind its name.
type Words = (&'static str, &'static [&'static str]);

/// What erasing from a table sends, besides TYPE.
const fn needed(shape: &Shape) -> &'static [Words] {
    match (shape.holds, &shape.member) {
        (Holds::Hash, Some(_)) => &[("HSCAN", &["0"]), ("HEXISTS", &["-"]), ("HDEL", &["-"])],
        (Holds::Set, Some(_)) => &[("SSCAN", &["0"]), ("SISMEMBER", &["-"]), ("SREM", &["-"])],
        (Holds::SortedSet, Some(_)) => &[("ZSCAN", &["0"]), ("ZSCORE", &["-"]), ("ZREM", &["-"])],
        (Holds::Stream, Some(_)) => &[("XRANGE", &["-", "+"]), ("XDEL", &["0-1"])],
        _ => &[("UNLINK", &[])],
    }
}

/// Tries commands on a name. They are checked when they are queued, and then let go.
async fn may(
    connection: &mut MultiplexedConnection,
    table: &str,
    name: &[u8],
    commands: &[Words],
) -> Result<(), StoreError> {
    redis::cmd("MULTI").query_async::<()>(connection).await.map_err(|error| refused(table, "MULTI", error))?;
    let mut outcome = Ok(());
    for (command, arguments) in commands {
        let mut queued = redis::cmd(command);
        queued.arg(name).arg(*arguments);
        if let Err(error) = queued.query_async::<redis::Value>(connection).await {
            outcome = Err(refused(table, command, error));
            break;
        }
    }
    redis::cmd("DISCARD").query_async::<()>(connection).await.map_err(|error| refused(table, "DISCARD", error))?;
    outcome
}

fn refused(table: &str, command: &'static str, error: RedisError) -> StoreError {
    let failure = RedisFailure(Box::new(error));
    if failure.codes().iter().any(|code| code == "NOPERM") {
        return StoreError::NoGrant { table: table.to_owned(), grant: format!("+{}", command.to_lowercase()) };
    }
    StoreError::Redis(failure)
}

/// Names of a sample that nobody said anything of.
async fn strays(redis: &Redis, shapes: &Shapes) -> Result<u64, StoreError> {
    let (mut cursor, mut seen, mut strays) = (0, 0, 0);
    loop {
        let (next, names) = scan(redis, cursor, None).await?;
        seen += names.len();
        strays += names.iter().filter(|name| !shapes.know(name)).count() as u64;
        if next == 0 || seen >= SAMPLE_NAMES {
            return Ok(strays);
        }
        cursor = next;
    }
}

/// Names from anywhere, with what lies under them. What no map can speak of (a module's own kind) is left out.
pub(super) async fn sample(redis: &Redis, names_max: usize) -> Result<Vec<Sampled>, StoreError> {
    let (mut cursor, mut names) = (0, BTreeSet::new());
    loop {
        let (next, some) = scan(redis, cursor, None).await?;
        names.extend(some);
        if next == 0 || names.len() >= names_max {
            break;
        }
        cursor = next;
    }
    let names: Vec<Vec<u8>> = names.into_iter().take(names_max).collect();
    let mut sampled = Vec::with_capacity(names.len());
    for batch in names.chunks(BATCH) {
        let mut pipeline = Pipeline::with_capacity(batch.len());
        for name in batch {
            pipeline.cmd("TYPE").arg(name);
        }
        let found: Vec<String> = redis.commands(&pipeline).await?;
        let kinds = batch.iter().zip(found).filter_map(|(name, kind)| Some((name.clone(), kind.parse().ok()?)));
        sampled.extend(kinds.map(|(name, holds)| Sampled { name, holds }));
    }
    Ok(sampled)
}

/// That a value is of the kind that the map says; a name that is not there has none.
pub(super) fn is_kind(table: &str, holds: Holds, found: &str) -> Result<bool, StoreError> {
    let expected = type_name(holds);
    match found {
        "none" => Ok(false),
        found if found == expected => Ok(true),
        found => Err(StoreError::WrongType { table: table.to_owned(), expected, found: found.to_owned() }),
    }
}
