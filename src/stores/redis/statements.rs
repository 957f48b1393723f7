//! Finds, counts and removes names and what lies under them, in bounded steps.

use std::collections::{BTreeMap, BTreeSet};

use redis::{Cmd, Pipeline, Value};

use super::Redis;
use super::schema::is_kind;
use crate::stores::keyed::{CANARY_BYTES_MAX, Holds, Member, Shape, Wanted, bytes, value};
use crate::stores::{Key, StoreError};

/// How many names or members the server looks at in one step.
const STEP: usize = 1_000;

/// Names per UNLINK, and commands per round trip.
pub(super) const BATCH: usize = 500;

/// Redis's own word for a kind of value.
pub(super) const fn type_name(holds: Holds) -> &'static str {
    holds.as_str()
}

/// One step through all names: the next cursor (0 at the end), and names. A name may come twice.
pub(super) async fn scan(
    redis: &Redis,
    cursor: u64,
    matching: Option<&[u8]>,
) -> Result<(u64, Vec<Vec<u8>>), StoreError> {
    let mut command = redis::cmd("SCAN");
    command.arg(cursor).arg("COUNT").arg(STEP);
    if let Some(matching) = matching {
        command.arg("MATCH").arg(matching);
    }
    redis.command(&command).await
}

pub(super) async fn find(redis: &Redis, wanted: &Wanted<'_>) -> Result<BTreeSet<Key>, StoreError> {
    if let Some(exact) = wanted.exact_members() {
        let rows: Vec<Key> = exact.into_iter().map(|(name, member)| Key(vec![value(name), value(member)])).collect();
        let present = present(redis, wanted.table, wanted.shape, &rows).await?;
        return Ok(rows.into_iter().zip(present).filter(|(_, here)| *here).map(|(row, _)| row).collect());
    }
    let names = names(redis, wanted).await?;
    let Some(member) = &wanted.shape.member else {
        return Ok(names.into_iter().map(|name| Key(vec![value(name)])).collect());
    };
    let mut rows = BTreeSet::new();
    for name in names {
        for found in members(redis, wanted, member, &name).await? {
            rows.insert(Key(vec![value(name.clone()), value(found)]));
        }
    }
    Ok(rows)
}

/// The names that are there and wanted, or that may hold what is wanted.
async fn names(redis: &Redis, wanted: &Wanted<'_>) -> Result<Vec<Vec<u8>>, StoreError> {
    let beginnings = wanted.names();
    let mut found = BTreeSet::new();
    if beginnings.iter().all(|(_, whole)| *whole) {
        found.extend(beginnings.into_iter().map(|(name, _)| name));
    } else {
        // One walk for all of them. What the server need not send, it need not: names that begin as all of them do.
        let matching = common_beginning(&beginnings);
        let mut cursor = 0;
        loop {
            let (next, names) = scan(redis, cursor, matching.as_deref()).await?;
            found.extend(names.into_iter().filter(|name| wanted.may_hold(name)));
            if next == 0 {
                break;
            }
            cursor = next;
        }
    }
    let found: Vec<_> = found.into_iter().collect();
    let here = types(redis, wanted.table, wanted.shape.holds, &found).await?;
    Ok(found.into_iter().zip(here).filter(|(_, here)| *here).map(|(name, _)| name).collect())
}

/// A pattern of SCAN for names that begin as all of these; `None` where they have nothing in common.
fn common_beginning(beginnings: &BTreeSet<(Vec<u8>, bool)>) -> Option<Vec<u8>> {
    // Sorted: what the first and the last share, all of them share.
    let (first, last) = (&beginnings.first()?.0, &beginnings.last()?.0);
    let shared = first.iter().zip(last).take_while(|(a, b)| a == b).map(|(a, _)| *a);
    let mut pattern = Vec::new();
    for byte in shared {
        if matches!(byte, b'*' | b'?' | b'[' | b']' | b'^' | b'-' | b'\\') {
            pattern.push(b'\\');
        }
        pattern.push(byte);
    }
    if pattern.is_empty() {
        return None;
    }
    pattern.push(b'*');
    Some(pattern)
}

/// Whether each name is there; one of another kind is an error.
async fn types(redis: &Redis, table: &str, holds: Holds, names: &[Vec<u8>]) -> Result<Vec<bool>, StoreError> {
    let mut here = Vec::with_capacity(names.len());
    for batch in names.chunks(BATCH) {
        let mut pipeline = Pipeline::with_capacity(batch.len());
        for name in batch {
            pipeline.cmd("TYPE").arg(name);
        }
        let found: Vec<String> = redis.commands(&pipeline).await?;
        for found in found {
            here.push(is_kind(table, holds, &found)?);
        }
    }
    Ok(here)
}

/// The wanted members under one name. One that nobody said anything of is an error: it may be somebody's.
async fn members(redis: &Redis, wanted: &Wanted<'_>, member: &Member, name: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
    let (command, stride) = match wanted.shape.holds {
        Holds::Hash => ("HSCAN", 2),
        Holds::SortedSet => ("ZSCAN", 2),
        Holds::Set => ("SSCAN", 1),
        _ => return entries(redis, wanted, member, name).await,
    };
    let mut found = Vec::new();
    let mut cursor = 0;
    loop {
        let mut step = redis::cmd(command);
        step.arg(name).arg(cursor).arg("COUNT").arg(STEP);
        // Field and value, member and score: what is not a name is dropped unread.
        let (next, answer): (u64, Vec<Vec<u8>>) =
            redis.command(&step).await.map_err(|e| wrong(wanted.table, wanted.shape, e))?;
        for member in answer.into_iter().step_by(stride) {
            if !wanted.shapes.know_member(&wanted.shape.pattern, &member) {
                return Err(StoreError::UnknownMember { table: wanted.table.to_owned() });
            }
            if wanted.takes(name, Some(&member)) {
                found.push(member);
            }
        }
        if next == 0 {
            return Ok(found);
        }
        cursor = next;
    }
}

/// The wanted entries of a stream: those whose field tells a wanted value. An entry without the field is nobody's, as a
/// row is whose link is NULL, and goes only with whoever the name is about.
async fn entries(redis: &Redis, wanted: &Wanted<'_>, member: &Member, name: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
    let field = member.field.as_deref().unwrap_or_default().as_bytes();
    let mut found = Vec::new();
    let mut start = b"-".to_vec();
    loop {
        let mut step = redis::cmd("XRANGE");
        step.arg(name).arg(&start).arg("+").arg("COUNT").arg(STEP);
        let page: Vec<(Vec<u8>, Vec<Vec<u8>>)> =
            redis.command(&step).await.map_err(|e| wrong(wanted.table, wanted.shape, e))?;
        let full = page.len() >= STEP;
        for (id, fields) in page {
            let told = wanted.is_by_name()
                || fields.chunks(2).any(|pair| {
                    let held = pair.first().zip(pair.get(1)).filter(|(known, _)| known.as_slice() == field);
                    held.is_some_and(|(_, value)| wanted.takes(name, Some(value)))
                });
            start = [b"(".as_slice(), &id].concat();
            if told {
                found.push(id);
            }
        }
        if !full {
            return Ok(found);
        }
    }
}

pub(super) async fn present(redis: &Redis, table: &str, shape: &Shape, rows: &[Key]) -> Result<Vec<bool>, StoreError> {
    let pairs = pairs(rows);
    if shape.member.is_none() {
        let names: Vec<_> = pairs.into_iter().map(|(name, _)| name).collect();
        return types(redis, table, shape.holds, &names).await;
    }
    let mut here = Vec::with_capacity(rows.len());
    for batch in pairs.chunks(BATCH) {
        let mut pipeline = Pipeline::with_capacity(batch.len());
        for (name, member) in batch {
            pipeline.add_command(asks(shape.holds, name, member));
        }
        let answers: Vec<Value> = redis.commands(&pipeline).await.map_err(|e| wrong(table, shape, e))?;
        here.extend(answers.iter().map(is_there));
    }
    Ok(here)
}

fn asks(holds: Holds, name: &[u8], member: &[u8]) -> Cmd {
    let mut command = redis::cmd(match holds {
        Holds::Hash => "HEXISTS",
        Holds::Set => "SISMEMBER",
        Holds::SortedSet => "ZSCORE",
        _ => "XRANGE",
    });
    command.arg(name).arg(member);
    if holds == Holds::Stream {
        command.arg(member);
    }
    command
}

/// Yes, a score, or an entry.
fn is_there(answer: &Value) -> bool {
    match answer {
        Value::Int(number) => *number != 0,
        Value::Nil => false,
        Value::Array(entries) => !entries.is_empty(),
        _ => true,
    }
}

pub(super) async fn remove(redis: &Redis, table: &str, shape: &Shape, rows: &[Key]) -> Result<u64, StoreError> {
    let pairs = pairs(rows);
    let mut removed = 0;
    if shape.member.is_none() {
        let names: Vec<_> = pairs.into_iter().map(|(name, _)| name).collect();
        // Looked at once more: a name that holds something else by now is not what was found.
        types(redis, table, shape.holds, &names).await?;
        for batch in names.chunks(BATCH) {
            removed += redis.command::<u64>(redis::cmd("UNLINK").arg(batch)).await?;
        }
        return Ok(removed);
    }
    let command = match shape.holds {
        Holds::Hash => "HDEL",
        Holds::Set => "SREM",
        Holds::SortedSet => "ZREM",
        _ => "XDEL",
    };
    let mut by_name = BTreeMap::<Vec<u8>, Vec<Vec<u8>>>::new();
    for (name, member) in pairs {
        by_name.entry(name).or_default().push(member);
    }
    for (name, members) in by_name {
        for batch in members.chunks(BATCH) {
            let answer = redis.command::<u64>(redis::cmd(command).arg(&name).arg(batch)).await;
            removed += answer.map_err(|error| wrong(table, shape, error))?;
        }
    }
    Ok(removed)
}

pub(super) async fn canary(redis: &Redis, name: &str) -> Result<Option<String>, StoreError> {
    let mut command = redis::cmd("GETRANGE");
    command.arg(name).arg(0).arg(CANARY_BYTES_MAX);
    // Of a name that is not there the range is empty.
    let found: Vec<u8> = redis.command(&command).await?;
    Ok(Some(String::from_utf8_lossy(&found).into_owned()).filter(|found| !found.is_empty()))
}

pub(super) async fn set_canary(redis: &Redis, name: &str, epoch: &str) -> Result<(), StoreError> {
    let mut command = redis::cmd("SET");
    command.arg(name).arg(epoch).arg("XX");
    redis.command::<Value>(&command).await.map(drop)
}

/// Name and member of each row; the member of a whole name is empty.
fn pairs(rows: &[Key]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let part = |row: &Key, at: usize| row.0.get(at).map(bytes).unwrap_or_default();
    rows.iter().map(|row| (part(row, 0), part(row, 1))).collect()
}

/// Says which table holds another kind of value than the map says.
fn wrong(table: &str, shape: &Shape, error: StoreError) -> StoreError {
    match error {
        StoreError::Redis(failure) if failure.is_wrong_type() => StoreError::WrongType {
            table: table.to_owned(),
            expected: type_name(shape.holds),
            found: "another kind".to_owned(),
        },
        other => other,
    }
}
