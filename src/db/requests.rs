//! The table `requests`: the facts of a request as `apply` left them. Never writes a state that `apply` did not make.

use jiff::civil::Date;

use super::deliveries::TO_EXPUNGE;
use super::error::DbError;
use super::sql::{Row, Tx, params};
use crate::domain::request::{Ask, Hold, Warrant};
use crate::domain::{AuthorityId, CaseId, Deadlines, Reference, Request, RequestId, Scope, State, Timestamp};

/// What stands beside the facts: HMACs under the installation keys, never the values themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    /// HMAC of the account that it would erase from.
    pub account_mac: Option<[u8; 32]>,
    /// The digest of the plan that was confirmed.
    pub plan_digest: Option<[u8; 32]>,
    /// HMAC of the address that the letter claimed.
    pub asker_mac: Option<[u8; 32]>,
}

/// A request as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its facts.
    pub request: Request,
    /// What it is bound to.
    pub bindings: Bindings,
    /// When the row was last written.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A query of the columns that [`read`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, reference, case_id, state, held_from, held_by, review_reason, origin, scope, asker_role, offered, approval, reachable, language, received_at, acknowledge_due, base_due, legal_due, extended, round, reminded, code_asked, due_told, erase_at, authority_id, authority_expires_at, account_mac, plan_digest, asker_mac, erased, waits, moves, updated_at, ended_at ",
            $rest
        )
    };
}

/// Writes a request that was just opened. `false` where the same wish is open already, whoever wrote it first and
/// however close behind: the database decides.
///
/// # Errors
/// The database refuses a reference that is taken: draw another.
pub async fn insert(
    tx: &mut Tx,
    request: &Request,
    bindings: &Bindings,
    wish_mac: Option<[u8; 32]>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "INSERT INTO requests (id, reference, case_id, state, origin, offered, approval, language, received_at, acknowledge_due, base_due,
           legal_due, extended, round, reminded, code_asked, asker_mac, wish_mac, moves, opened_at, updated_at, reachable, due_told, erased)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20, $21, $22, $23)
         ON CONFLICT (wish_mac) DO NOTHING";
    let rows = tx.execute(
        sql,
        params![
            request.id.as_uuid(),
            request.reference.as_str(),
            request.case.as_bytes().to_vec(),
            request.state.as_str(),
            request.origin.as_str(),
            serde_json::json!([]),
            false,
            request.language.as_str(),
            request.deadlines.received_at,
            request.deadlines.acknowledge_due.map(|day| day.to_string()),
            request.deadlines.base_due.to_string(),
            request.deadlines.legal_due.to_string(),
            request.deadlines.extended,
            i64::from(request.round),
            request.reminded,
            request.code_asked,
            bindings.asker_mac.map(Vec::from),
            wish_mac.map(Vec::from),
            i64::from(request.moves),
            now,
            request.reachable,
            request.due_told,
            request.erased
        ],
    );
    Ok(rows.await? == 1)
}

/// Writes a request that `apply` moved, if nobody moved it since it was read.
///
/// # Errors
/// A wrong row count when somebody did: read it again and apply the event anew. A gate refusal when the database
/// knows no authority for what the state claims.
pub async fn save(
    tx: &mut Tx,
    before: &Request,
    after: &Request,
    bindings: &Bindings,
    now: Timestamp,
) -> Result<(), DbError> {
    let ask = after.ask.as_ref();
    tx.execute_one(
        "UPDATE requests SET state = $3, held_from = $4, held_by = $5, review_reason = $6, scope = $7, asker_role = $8,
           offered = $9, approval = $10, legal_due = $11, extended = $12, round = $13, reminded = $14, code_asked = $15,
           erase_at = $16, authority_id = $17, authority_expires_at = $18, account_mac = $19, plan_digest = $20,
           asker_mac = $21, moves = $22, updated_at = $23,
           ended_at = CASE WHEN $24 THEN COALESCE(ended_at, $23) END, reachable = $25, due_told = $26, erased = $27, waits = $28,
           wish_mac = CASE WHEN $24 THEN NULL ELSE wish_mac END
         WHERE id = $1 AND moves = $2",
        params![
            after.id.as_uuid(),
            i64::from(before.moves),
            after.state.as_str(),
            after.held.map(|(state, _)| state.as_str()),
            after.held.map(|(_, by)| by.as_str()),
            after.review.map(|reason| reason.as_str()),
            ask.and_then(|ask| ask.scope).map(Scope::as_str),
            ask.map(|ask| ask.role.as_str()),
            serde_json::json!(ask.map(|ask| ask.offered.clone()).unwrap_or_default()),
            ask.is_some_and(|ask| ask.approval),
            after.deadlines.legal_due.to_string(),
            after.deadlines.extended,
            i64::from(after.round),
            after.reminded,
            after.code_asked,
            after.erase_at,
            after.warrant.map(|warrant| warrant.authority.as_uuid()),
            after.warrant.map(|warrant| warrant.expires_at),
            bindings.account_mac.map(Vec::from),
            bindings.plan_digest.map(Vec::from),
            bindings.asker_mac.map(Vec::from),
            i64::from(after.moves),
            now,
            after.state.is_ended(),
            after.reachable,
            after.due_told,
            after.erased,
            after.waits
        ],
    )
    .await
}

/// The request with this id.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, id: RequestId) -> Result<Option<Stored>, DbError> {
    tx.optional(select!("FROM requests WHERE id = $1"), params![id.as_uuid()]).await?.as_ref().map(read).transpose()
}

/// The request that people call so.
///
/// # Errors
/// As [`load`].
pub async fn by_reference(tx: &mut Tx, reference: &Reference) -> Result<Option<Stored>, DbError> {
    tx.optional(select!("FROM requests WHERE reference = $1"), params![reference.as_str()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The request of a case, by the case's number in hexadecimal.
///
/// # Errors
/// As [`load`].
pub async fn by_case(tx: &mut Tx, case: &str) -> Result<Option<Stored>, DbError> {
    let Ok(case) = data_encoding::HEXLOWER.decode(case.as_bytes()) else { return Ok(None) };
    tx.optional(select!("FROM requests WHERE case_id = $1"), params![case]).await?.as_ref().map(read).transpose()
}

/// The last request but this one by which the whole of an account was erased, and when it ended.
///
/// # Errors
/// As [`load`].
pub async fn erased_account(
    tx: &mut Tx,
    account_mac: &[u8; 32],
    but: RequestId,
) -> Result<Option<(Reference, Timestamp)>, DbError> {
    let sql =
        "SELECT reference, ended_at FROM requests WHERE account_mac = $1 AND scope = 'account' AND state = 'completed'
         AND ended_at IS NOT NULL AND id <> $2 ORDER BY ended_at DESC LIMIT 1";
    ended(tx.optional(sql, params![account_mac.to_vec(), but]).await?)
}

/// The last request but this one of a letter from this address by which somebody, or a whole account, was erased.
///
/// # Errors
/// As [`load`].
pub async fn erased_of_address(
    tx: &mut Tx,
    asker_mac: &[u8; 32],
    but: RequestId,
) -> Result<Option<(Reference, Timestamp)>, DbError> {
    let sql =
        "SELECT reference, ended_at FROM requests WHERE asker_mac = $1 AND scope <> 'data' AND state = 'completed'
         AND ended_at IS NOT NULL AND id <> $2 ORDER BY ended_at DESC LIMIT 1";
    ended(tx.optional(sql, params![asker_mac.to_vec(), but]).await?)
}

fn ended(row: Option<Row>) -> Result<Option<(Reference, Timestamp)>, DbError> {
    row.map(|row| {
        let row = row.of("requests");
        Ok((row.word("reference")?, row.time("ended_at")?))
    })
    .transpose()
}

/// The open request of this wish.
///
/// # Errors
/// As [`load`].
pub async fn open_of_wish(tx: &mut Tx, wish_mac: &[u8; 32]) -> Result<Option<Stored>, DbError> {
    tx.optional(select!("FROM requests WHERE wish_mac = $1"), params![wish_mac.to_vec()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The open requests that this address has to do with, the oldest first: a letter from it opened them, it is on file
/// for them or for the owner of their account, or it was asked to confirm or approve them.
///
/// # Errors
/// As [`load`].
pub async fn open_of_address(tx: &mut Tx, address_mac: &[u8; 32]) -> Result<Vec<Stored>, DbError> {
    tx.all(
        select!(
            "FROM requests WHERE ended_at IS NULL AND id IN (
               SELECT id FROM requests WHERE asker_mac = $1
               UNION SELECT id FROM requests WHERE contact_mac = $1
               UNION SELECT id FROM requests WHERE owner_mac = $1
               UNION SELECT request_id FROM challenges WHERE address_mac = $1) ORDER BY opened_at, id"
        ),
        params![address_mac.to_vec()],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// The open requests of an account but this one, the oldest first.
///
/// # Errors
/// As [`load`].
pub async fn open_of_account(tx: &mut Tx, account_mac: &[u8; 32], but: RequestId) -> Result<Vec<Stored>, DbError> {
    let sql = select!("FROM requests WHERE ended_at IS NULL AND account_mac = $1 AND id <> $2 ORDER BY opened_at, id");
    tx.all(sql, params![account_mac.to_vec(), but]).await?.iter().map(read).collect()
}

/// A page of requests, what is due first by law first. `states` empty means all that have not ended.
///
/// # Errors
/// As [`load`].
pub async fn list(tx: &mut Tx, states: &[State], all: bool, count_max: u32) -> Result<Vec<Stored>, DbError> {
    let words: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let rows = match (states, all) {
        ([], false) => tx.all(OPEN, params![count_max]).await?,
        ([], true) => {
            tx.all(select!("FROM requests ORDER BY legal_due, opened_at, id LIMIT $1"), params![count_max]).await?
        }
        _ => {
            let sql = select!("FROM requests WHERE state = ANY($1) ORDER BY legal_due, opened_at, id LIMIT $2");
            tx.all(sql, params![words.as_slice(), count_max]).await?
        }
    };
    rows.iter().map(read).collect()
}

/// The open requests in the order in which they are due: `legal_due` is the base due day until it is extended. A walk along the
/// index `requests_open`, no further than `$1`.
pub const OPEN: &str = select!("FROM requests WHERE ended_at IS NULL ORDER BY legal_due, opened_at, id LIMIT $1");

/// How many there are of which [`list`] gives a page.
///
/// # Errors
/// When the database does not answer.
pub async fn count(tx: &mut Tx, states: &[State], all: bool) -> Result<u64, DbError> {
    let words: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let sql = "SELECT COUNT(*) AS number FROM requests WHERE (state = ANY($1) OR ($2 AND (ended_at IS NULL OR $3)))";
    let row = tx.one(sql, params![words.as_slice(), states.is_empty(), all]).await?;
    Ok(u64::try_from(row.i64("number")?).unwrap_or_default())
}

/// Requests that were erased since some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedSince {
    /// Those that have their saved keys, the oldest first.
    pub requests: Vec<RequestId>,
    /// How many more there are whose saved keys were destroyed by their term.
    pub forgotten: u64,
}

/// The requests that were completed since then, those that wait for others, and those that are open again; with a store, those of which steps were
/// done in it (an empty name: any).
///
/// # Errors
/// When the database does not answer.
pub async fn erased_since(tx: &mut Tx, since: Timestamp, store: &str) -> Result<ErasedSince, DbError> {
    let rows = tx
        .all(
            "SELECT r.id, CASE WHEN EXISTS (SELECT 1 FROM vault_keys k
               WHERE k.owner = r.case_id AND k.purpose = 'replay' AND k.wrapped IS NOT NULL) THEN 1 ELSE 0 END AS living
             FROM requests r
             WHERE ((r.state = 'completed' AND r.ended_at >= $1) OR r.state IN ('reopened','waiting_on_recipients'))
               AND EXISTS (SELECT 1 FROM steps s WHERE s.request_id = r.id AND ($2 = '' OR s.store = $2))
             ORDER BY r.updated_at, r.id",
            params![since, store],
        )
        .await?;
    let mut erased = ErasedSince { requests: Vec::new(), forgotten: 0 };
    for row in rows {
        if row.u32("living")? == 1 {
            erased.requests.push(RequestId::from_uuid(row.uuid("id")?));
        } else {
            erased.forgotten += 1;
        }
    }
    Ok(erased)
}

fn read(row: &Row) -> Result<Stored, DbError> {
    let held = match (row.opt_word::<State>("held_from")?, row.opt_word::<Hold>("held_by")?) {
        (Some(state), Some(by)) => Some((state, by)),
        _ => None,
    };
    let warrant = match (row.opt_uuid("authority_id")?, row.opt_time("authority_expires_at")?) {
        (Some(id), Some(expires_at)) => Some(Warrant { authority: AuthorityId::from_uuid(id), expires_at }),
        _ => None,
    };
    let ask = match row.opt_word("asker_role")? {
        Some(role) => {
            Some(Ask { role, offered: offered(row)?, scope: row.opt_word("scope")?, approval: row.bool("approval")? })
        }
        None => None,
    };
    let request = Request {
        id: RequestId::from_uuid(row.uuid("id")?),
        reference: row.word("reference")?,
        case: CaseId::from_bytes(row.array("case_id")?),
        state: row.word("state")?,
        held,
        origin: row.word("origin")?,
        language: row.word("language")?,
        deadlines: Deadlines {
            received_at: row.time("received_at")?,
            acknowledge_due: row.opt_word::<Date>("acknowledge_due")?,
            base_due: row.word::<Date>("base_due")?,
            legal_due: row.word::<Date>("legal_due")?,
            extended: row.bool("extended")?,
        },
        ask,
        reachable: row.bool("reachable")?,
        round: row.u32("round")?,
        reminded: row.bool("reminded")?,
        code_asked: row.bool("code_asked")?,
        warrant,
        erase_at: row.opt_time("erase_at")?,
        review: row.opt_word("review_reason")?,
        due_told: row.bool("due_told")?,
        erased: row.bool("erased")?,
        waits: row.bool("waits")?,
        moves: row.u32("moves")?,
    };
    Ok(Stored {
        request,
        bindings: Bindings {
            account_mac: row.opt_array("account_mac")?,
            plan_digest: row.opt_array("plan_digest")?,
            asker_mac: row.opt_array("asker_mac")?,
        },
        updated_at: row.time("updated_at")?,
        ended_at: row.opt_time("ended_at")?,
    })
}

fn offered(row: &Row) -> Result<Vec<Scope>, DbError> {
    serde_json::from_value(row.json("offered")?).map_err(|source| row.wrong("offered", source.into()))
}

/// Writes the language of the letter that opened a request: its ISO 639-1 code.
///
/// # Errors
/// When the database does not answer.
pub async fn set_spoken(tx: &mut Tx, id: RequestId, language: &str) -> Result<(), DbError> {
    tx.execute_one("UPDATE requests SET spoken = $2 WHERE id = $1", params![id, language]).await
}

/// The language of the letter that opened a request; `None` where no letter did, or its language could not be told.
///
/// # Errors
/// When the database does not answer.
pub async fn spoken(tx: &mut Tx, id: RequestId) -> Result<Option<String>, DbError> {
    tx.one("SELECT spoken FROM requests WHERE id = $1", params![id]).await?.opt_word("spoken")
}

/// Changes the language that we write in; no move, because nothing in its life depends on it.
///
/// # Errors
/// A wrong row count when there is no such request.
pub async fn set_language(
    tx: &mut Tx,
    request: &mut Request,
    language: crate::domain::Language,
) -> Result<(), DbError> {
    request.language = language;
    tx.execute_one("UPDATE requests SET language = $2 WHERE id = $1", params![request.id, language.as_str()]).await
}

/// Notes that a request's letters are to be taken out of the mailbox and of Sent.
///
/// # Errors
/// A wrong row count when there is no such request.
pub async fn set_letters_due(tx: &mut Tx, id: RequestId, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE requests SET letters_due_at = $2, letters_failures = 0 WHERE id = $1";
    tx.execute_one(sql, params![id, now]).await
}

/// The requests whose letters are due to leave the mailbox, at most `count_max`, and how often in a row that failed.
///
/// # Errors
/// As [`load`].
pub async fn letters_due(tx: &mut Tx, now: Timestamp, count_max: u32) -> Result<Vec<(RequestId, u32)>, DbError> {
    let sql =
        "SELECT id, letters_failures FROM requests WHERE letters_due_at <= $1 ORDER BY letters_due_at, id LIMIT $2";
    let rows = tx.all(sql, params![now, count_max]).await?;
    rows.iter().map(|row| Ok((RequestId::from_uuid(row.uuid("id")?), row.u32("letters_failures")?))).collect()
}

/// Whether letters of a request are still to leave the mailbox.
///
/// # Errors
/// A wrong row count when there is no such request.
pub async fn has_letters_due(tx: &mut Tx, id: RequestId) -> Result<bool, DbError> {
    let row = tx.one("SELECT letters_due_at FROM requests WHERE id = $1", params![id]).await?;
    Ok(row.opt_time("letters_due_at")?.is_some())
}

/// Notes that a request's letters could not be expunged and wait until then.
///
/// # Errors
/// A wrong row count when there is no such request.
pub async fn postpone_letters(tx: &mut Tx, id: RequestId, until: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE requests SET letters_due_at = $2, letters_failures = letters_failures + 1 WHERE id = $1";
    tx.execute_one(sql, params![id, until]).await
}

/// Notes that a request's letters left this mailbox. One that joined it meanwhile is due still.
///
/// # Errors
/// A wrong row count when there is no such request.
pub async fn set_letters_gone(tx: &mut Tx, id: RequestId, mailbox: &str) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE requests SET letters_failures = 0, letters_due_at = CASE WHEN EXISTS (
           SELECT 1 FROM deliveries WHERE {TO_EXPUNGE}) THEN letters_due_at END WHERE id = $2"
    );
    tx.execute_one(&sql, params![mailbox, id]).await
}

/// Notes which addresses on file a request's letters go to, the asker's and the owner's; no move, because nothing in its life depends on it.
///
/// # Errors
/// A wrong row count when there is no such request.
pub async fn set_contact(
    tx: &mut Tx,
    id: RequestId,
    contact_mac: &[u8; 32],
    owner_mac: Option<[u8; 32]>,
) -> Result<(), DbError> {
    let sql = "UPDATE requests SET contact_mac = $2, owner_mac = $3 WHERE id = $1";
    tx.execute_one(sql, params![id, contact_mac.to_vec(), owner_mac.map(Vec::from)]).await
}

/// What belongs to a request, the rows that are referred to after those that refer to them.
const ROWS: &[&str] = &[
    "DELETE FROM step_chunks WHERE request_id = $1",
    "DELETE FROM steps WHERE request_id = $1",
    "DELETE FROM saved_keys WHERE request_id = $1",
    "DELETE FROM discoveries WHERE request_id = $1",
    "DELETE FROM beginnings WHERE request_id = $1",
    "DELETE FROM completions WHERE request_id = $1",
    "DELETE FROM holds WHERE request_id = $1",
    "DELETE FROM terminations WHERE request_id = $1",
    "DELETE FROM authorities WHERE request_id = $1",
    "DELETE FROM evidence WHERE request_id = $1",
    "DELETE FROM challenges WHERE request_id = $1",
    "DELETE FROM letters WHERE request_id = $1",
    "DELETE FROM recipients WHERE request_id = $1",
    "DELETE FROM jobs WHERE request_id = $1",
    "DELETE FROM jobs_done WHERE request_id = $1",
    // A letter that is another one's too is that one's from now on.
    "UPDATE deliveries SET request_id = (SELECT s.request_id FROM shared_letters s
       WHERE s.delivery_id = deliveries.id AND s.request_id <> $1 ORDER BY s.request_id LIMIT 1)
     WHERE request_id = $1 AND EXISTS (SELECT 1 FROM shared_letters s WHERE s.delivery_id = deliveries.id AND s.request_id <> $1)",
    "DELETE FROM shared_letters WHERE request_id = $1",
    // Every UID keeps its disposition, and says no more than that.
    "UPDATE deliveries SET content_mac = NULL, reasons = NULL, request_id = NULL WHERE request_id = $1",
];

/// Forgets a request and all that belongs to it. What stays are its leaves in the trail, and its keys without their
/// bytes; neither says who it was about. The database refuses it while the record key lives.
///
/// # Errors
/// A wrong row count when there is no such request, a gate refusal before its time.
pub async fn forget(tx: &mut Tx, id: RequestId) -> Result<(), DbError> {
    for sql in ROWS {
        tx.execute(sql, params![id]).await?;
    }
    tx.execute_one("DELETE FROM requests WHERE id = $1", params![id]).await
}
