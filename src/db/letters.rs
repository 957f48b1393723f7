//! The table `letters`: our outbox. A letter is written with the state change that asks for it, and sent by a job.

use super::error::DbError;
use super::sql::{Row, Tx, params};
use crate::domain::request::Audience;
use crate::domain::{LetterId, LetterKind, RequestId, Timestamp, stored_enum};

stored_enum! {
    /// How far a letter has come.
    LetterState, "letter state" {
        /// Written, not sent.
        Queued = "queued",
        /// DATA was begun; what came of it is not known yet.
        Sending = "sending",
        /// The server took it.
        Sent = "sent",
        /// The server refused it for good.
        Failed = "failed",
        /// It came back.
        Bounced = "bounced",
        /// Its delivery is uncertain and a person must look.
        Held = "held",
    }
}

/// One letter of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterRow {
    /// Its id, also in the VERP address.
    pub id: LetterId,
    /// The request that it is about; alarms about the house have none.
    pub request: Option<RequestId>,
    /// Of an alarm: the letter of ours that has not reached its reader.
    pub about: Option<LetterId>,
    /// Which letter.
    pub kind: LetterKind,
    /// To whom.
    pub audience: Audience,
    /// To the team: HMAC of which of its addresses. Each has a letter of its own, so that one that takes none keeps it from
    /// nobody else.
    pub addressee: Option<[u8; 32]>,
    /// To a recipient: which of them, by the name of the store that they are.
    pub store: Option<String>,
    /// The request's move that asked for it; tells letters of one kind apart. To a recipient: 0 for all of a kind.
    pub occasion: u32,
    /// The round of the challenge that it belongs to.
    pub round: u32,
    /// Its Message-ID without angle brackets; the same on a resend.
    pub message_id: String,
    /// How far it has come.
    pub state: LetterState,
    /// How often DATA was begun.
    pub sends: u32,
    /// When it was written: the Date of the letter.
    pub created_at: Timestamp,
    /// When the mail server took it.
    pub sent_at: Option<Timestamp>,
    /// When the mail server first said "not now".
    pub put_off_at: Option<Timestamp>,
    /// When its turn last came: DATA was begun, or an alarm began to speak for others.
    pub begun_at: Option<Timestamp>,
    /// Of an alarm: the one of its kind that speaks for it.
    pub told_in: Option<LetterId>,
    /// What last stood in its way, as a word of the program (see [`crate::reply::mailer::SendError::word`]).
    pub obstacle: Option<String>,
}

/// Writes a letter to the outbox; one of the same kind, addressee and occasion (or an alarm of this kind about the same
/// letter) is there already after a repeat.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, letter: &LetterRow) -> Result<bool, DbError> {
    let rows = tx
        .execute(
            "INSERT INTO letters (id, request_id, about_id, kind, audience, occasion, round, message_id, state, sends, created_at, addressee, store)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
            params![
                letter.id.as_uuid(),
                letter.request.map(RequestId::as_uuid),
                letter.about.map(LetterId::as_uuid),
                letter.kind.as_str(),
                letter.audience.as_str(),
                i64::from(letter.occasion),
                i64::from(letter.round),
                letter.message_id.as_str(),
                letter.state.as_str(),
                i64::from(letter.sends),
                letter.created_at,
                letter.addressee.map(Vec::from),
                letter.store.clone()
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// A query of the columns that [`read`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, request_id, about_id, kind, audience, addressee, store, occasion, round, message_id, state, sends, created_at, sent_at, put_off_at, begun_at, told_in, obstacle ",
            $rest
        )
    };
}

/// The letter with this id.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, id: LetterId) -> Result<Option<LetterRow>, DbError> {
    tx.optional(select!("FROM letters WHERE id = $1"), params![id.as_uuid()]).await?.as_ref().map(read).transpose()
}

/// The letter with this Message-ID.
///
/// # Errors
/// As [`load`].
pub async fn by_message_id(tx: &mut Tx, message_id: &str) -> Result<Option<LetterRow>, DbError> {
    tx.optional(select!("FROM letters WHERE message_id = $1"), params![message_id])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The letters of a request in the order in which they were written.
///
/// # Errors
/// As [`load`].
pub async fn of_request(tx: &mut Tx, request: RequestId) -> Result<Vec<LetterRow>, DbError> {
    tx.all(select!("FROM letters WHERE request_id = $1 ORDER BY created_at, id"), params![request.as_uuid()])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Whether the same letter to another address of the team was taken.
///
/// # Errors
/// When the database does not answer.
pub async fn another_has_it(tx: &mut Tx, letter: &LetterRow) -> Result<bool, DbError> {
    let sql = "SELECT 1 AS one FROM letters WHERE audience = 'team' AND state = 'sent' AND id <> $1 AND kind = $2 AND created_at = $3
                AND request_id IS NOT DISTINCT FROM $4 AND about_id IS NOT DISTINCT FROM $5 LIMIT 1";
    let (request, about) = (letter.request.map(RequestId::as_uuid), letter.about.map(LetterId::as_uuid));
    let found = tx.optional(sql, params![letter.id.as_uuid(), letter.kind.as_str(), letter.created_at, request, about]);
    Ok(found.await?.is_some())
}

/// The challenge of a request's round, if it was sent, and not after this time.
///
/// # Errors
/// As [`load`].
pub async fn challenge_sent_before(
    tx: &mut Tx,
    request: RequestId,
    round: u32,
    before: Timestamp,
) -> Result<Option<LetterRow>, DbError> {
    let sql = select!(
        "FROM letters WHERE request_id = $1 AND round = $2 AND kind = 'challenge' AND state = 'sent' AND sent_at <= $3"
    );
    tx.optional(sql, params![request, round, before]).await?.as_ref().map(read).transpose()
}

/// Moves a letter from one state to the next.
///
/// # Errors
/// A wrong row count when the letter is not in the state it was read in: another worker has it.
pub async fn set_state(tx: &mut Tx, letter: &LetterRow, to: LetterState, now: Timestamp) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE letters SET state = $3, sent_at = CASE WHEN $3 = 'sent' THEN $4 ELSE sent_at END
         WHERE id = $1 AND state = $2",
        params![letter.id.as_uuid(), letter.state.as_str(), to.as_str(), now],
    )
    .await
}

/// Where a letter goes, as keyed digests: how many go there in an hour is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whither {
    /// HMAC of the address.
    pub address_mac: [u8; 32],
    /// HMAC of its domain.
    pub domain_mac: [u8; 32],
}

/// Notes that DATA is about to begin, and where the letter goes.
///
/// # Errors
/// As [`set_state`].
pub async fn begin(tx: &mut Tx, letter: &LetterRow, to: Option<&Whither>, now: Timestamp) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE letters SET state = 'sending', sends = sends + 1, begun_at = $3, address_mac = $4, domain_mac = $5
         WHERE id = $1 AND state = $2",
        params![
            letter.id.as_uuid(),
            letter.state.as_str(),
            now,
            to.map(|to| to.address_mac.to_vec()),
            to.map(|to| to.domain_mac.to_vec())
        ],
    )
    .await
}

/// Letters to customers that were begun in a while, and when the first of them was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begun {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Option<Timestamp>,
}

/// How many letters but this one were begun since then: to this address, to its domain, and in all.
///
/// # Errors
/// When the database does not answer.
pub async fn begun_since(tx: &mut Tx, but: LetterId, to: &Whither, since: Timestamp) -> Result<[Begun; 3], DbError> {
    let sql = "SELECT COUNT(CASE WHEN address_mac = $3 THEN 1 END) AS address, MIN(CASE WHEN address_mac = $3 THEN begun_at END) AS address_first,
                 COUNT(CASE WHEN domain_mac = $4 THEN 1 END) AS domain, MIN(CASE WHEN domain_mac = $4 THEN begun_at END) AS domain_first,
                 COUNT(*) AS everybody, MIN(begun_at) AS everybody_first
               FROM letters WHERE begun_at > $2 AND audience <> 'team' AND id <> $1";
    let row = tx.one(sql, params![but.as_uuid(), since, to.address_mac.to_vec(), to.domain_mac.to_vec()]).await?;
    let begun = |count: &str, first: &str| -> Result<Begun, DbError> {
        Ok(Begun { count: u64::try_from(row.i64(count)?).unwrap_or_default(), first: row.opt_time(first)? })
    };
    Ok([begun("address", "address_first")?, begun("domain", "domain_first")?, begun("everybody", "everybody_first")?])
}

/// When a letter of this kind was last written.
///
/// # Errors
/// When the database does not answer.
pub async fn last_of_kind(tx: &mut Tx, kind: LetterKind) -> Result<Option<Timestamp>, DbError> {
    let sql = "SELECT MAX(created_at) AS last FROM letters WHERE kind = $1";
    tx.one(sql, params![kind.as_str()]).await?.opt_time("last")
}

/// When the turn of an alarm of this kind to this address last came, this one left out.
///
/// # Errors
/// When the database does not answer.
pub async fn last_alarm(tx: &mut Tx, alarm: &LetterRow) -> Result<Option<Timestamp>, DbError> {
    let sql = "SELECT MAX(begun_at) AS last FROM letters WHERE addressee = $1 AND kind = $2 AND id <> $3";
    let addressee = alarm.addressee.map(Vec::from);
    tx.one(sql, params![addressee, alarm.kind.as_str(), alarm.id.as_uuid()]).await?.opt_time("last")
}

/// The other alarms of this kind to this address that wait for their turn, the oldest first, at most `count_max`.
///
/// # Errors
/// As [`load`].
pub async fn waiting_alarms(tx: &mut Tx, alarm: &LetterRow, count_max: u32) -> Result<Vec<LetterRow>, DbError> {
    let sql = select!(
        "FROM letters WHERE addressee = $1 AND kind = $2 AND id <> $3 AND state = 'queued' AND begun_at IS NULL
           AND told_in IS NULL ORDER BY created_at, id LIMIT $4"
    );
    let addressee = alarm.addressee.map(Vec::from);
    let rows = tx.all(sql, params![addressee, alarm.kind.as_str(), alarm.id.as_uuid(), count_max]).await?;
    rows.iter().map(read).collect()
}

/// The turn of an alarm has come, and it speaks for these others.
///
/// # Errors
/// When the database does not answer.
pub async fn speak_for(tx: &mut Tx, alarm: LetterId, others: &[LetterId], now: Timestamp) -> Result<(), DbError> {
    tx.execute_one("UPDATE letters SET begun_at = $2 WHERE id = $1", params![alarm.as_uuid(), now]).await?;
    let others: Vec<_> = others.iter().map(|id| id.as_uuid()).collect();
    tx.execute("UPDATE letters SET told_in = $1 WHERE id = ANY($2)", params![alarm.as_uuid(), others]).await?;
    Ok(())
}

/// The alarms that this one speaks for, the oldest first.
///
/// # Errors
/// As [`load`].
pub async fn spoken_for(tx: &mut Tx, alarm: LetterId) -> Result<Vec<LetterRow>, DbError> {
    let rows = tx.all(select!("FROM letters WHERE told_in = $1 ORDER BY created_at, id"), params![alarm.as_uuid()]);
    rows.await?.iter().map(read).collect()
}

/// The alarms that this one spoke for speak for themselves again, because it went nowhere.
///
/// # Errors
/// When the database does not answer.
pub async fn speak_for_none(tx: &mut Tx, alarm: LetterId) -> Result<u64, DbError> {
    tx.execute("UPDATE letters SET told_in = NULL WHERE told_in = $1", params![alarm.as_uuid()]).await
}

/// Notes what stood in the way of a letter; what a later try meets takes its place.
///
/// # Errors
/// When the database does not answer.
pub async fn note_obstacle(tx: &mut Tx, letter: LetterId, obstacle: &str) -> Result<(), DbError> {
    tx.execute_one("UPDATE letters SET obstacle = $2 WHERE id = $1", params![letter.as_uuid(), obstacle]).await
}

/// Puts letters that were given up or came back into the outbox again, as if the mail server had never said no. Whether
/// earlier tries may have arrived is kept. Answers how many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn put_back(tx: &mut Tx, letters: &[LetterId]) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE letters SET state = 'queued', put_off_at = NULL, obstacle = NULL, told_in = NULL
         WHERE id = ANY($1) AND state IN ('failed', 'bounced', 'held')",
        params![letters.iter().map(|id| id.as_uuid()).collect::<Vec<_>>()],
    )
    .await
}

/// Puts a letter that was sent into the outbox once more. It begins anew: that the first time was a delivery says nothing
/// about how the second ends.
///
/// # Errors
/// A wrong row count when the letter is not sent any more: another worker has it.
pub async fn ask_again(tx: &mut Tx, letter: &LetterRow) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE letters SET state = 'queued', sends = 0, put_off_at = NULL, obstacle = NULL
         WHERE id = $1 AND state = 'sent'",
        params![letter.id.as_uuid()],
    )
    .await
}

/// When a letter of this kind was last written in a request of this address on file.
///
/// # Errors
/// When the database does not answer.
pub async fn last_of_contact(
    tx: &mut Tx,
    contact_mac: &[u8; 32],
    kind: LetterKind,
) -> Result<Option<Timestamp>, DbError> {
    let row = tx
        .one(
            "SELECT MAX(letters.created_at) AS last FROM letters JOIN requests ON requests.id = letters.request_id
             WHERE requests.contact_mac = $1 AND letters.kind = $2",
            params![contact_mac.to_vec(), kind.as_str()],
        )
        .await?;
    row.opt_time("last")
}

fn read(row: &Row) -> Result<LetterRow, DbError> {
    Ok(LetterRow {
        id: LetterId::from_uuid(row.uuid("id")?),
        request: row.opt_uuid("request_id")?.map(RequestId::from_uuid),
        about: row.opt_uuid("about_id")?.map(LetterId::from_uuid),
        kind: row.word("kind")?,
        audience: row.word("audience")?,
        addressee: row.opt_array("addressee")?,
        store: row.opt_text("store")?,
        occasion: row.u32("occasion")?,
        round: row.u32("round")?,
        message_id: row.text("message_id")?,
        state: row.word("state")?,
        sends: row.u32("sends")?,
        created_at: row.time("created_at")?,
        sent_at: row.opt_time("sent_at")?,
        put_off_at: row.opt_time("put_off_at")?,
        begun_at: row.opt_time("begun_at")?,
        told_in: row.opt_uuid("told_in")?.map(LetterId::from_uuid),
        obstacle: row.opt_text("obstacle")?,
    })
}

/// Puts a letter back that the mail server did not take now: it was no delivery, and since when it waits is kept.
///
/// # Errors
/// A wrong row count when the letter is not being sent: another worker has it.
pub async fn put_off(tx: &mut Tx, letter: &LetterRow, now: Timestamp) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE letters SET state = 'queued', sends = sends - 1, put_off_at = COALESCE(put_off_at, $2)
         WHERE id = $1 AND state = 'sending' AND sends > 0",
        params![letter.id.as_uuid(), now],
    )
    .await
}

/// Puts a letter back that was not handed over after all: it was no delivery.
///
/// # Errors
/// A wrong row count when the letter is not being sent: another worker has it.
pub async fn take_back(tx: &mut Tx, letter: &LetterRow) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE letters SET state = 'queued', sends = sends - 1 WHERE id = $1 AND state = 'sending' AND sends > 0",
        params![letter.id.as_uuid()],
    )
    .await
}

impl LetterRow {
    /// Whether it did not reach its addressee.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        matches!(self.state, LetterState::Failed | LetterState::Bounced | LetterState::Held)
    }
}
