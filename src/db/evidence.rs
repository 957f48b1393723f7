//! The table `evidence`: what one operator recorded and another must approve. Checked by `verify` before it counts.

use uuid::Uuid;

use super::error::DbError;
use super::sql::{Tx, params};
use crate::domain::RequestId;
use crate::vault::Pseudonym;
use crate::verify::{EvidenceRecord, Hand, Vouched};

/// Writes what an operator recorded; it replaces older evidence of the same request.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, record: &EvidenceRecord, words: Uuid) -> Result<(), DbError> {
    let vouched = &record.vouched;
    let claimed: Vec<u8> = record.recorder.claimed.iter().flat_map(|name| *name.as_bytes()).collect();
    tx.execute("DELETE FROM evidence WHERE request_id = $1", params![vouched.request]).await?;
    tx.execute_one(
        "INSERT INTO evidence (request_id, account_mac, plan_digest, addressee, round, proof, note_digest, recorder, claimed, recorded_at, hmac, sealed_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        params![
            vouched.request,
            vouched.account_mac,
            vouched.plan_digest,
            vouched.addressee.as_str(),
            vouched.round,
            vouched.proof.as_str(),
            vouched.note_digest,
            record.recorder.person.as_bytes(),
            claimed,
            record.recorded_at,
            record.hmac,
            words
        ],
    )
    .await
}

/// The evidence of a request that waits for a second operator.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, request: RequestId) -> Result<Option<EvidenceRecord>, DbError> {
    let row = tx
        .optional(
            "SELECT request_id, account_mac, plan_digest, addressee, round, proof, note_digest, recorder, claimed, recorded_at, hmac
             FROM evidence WHERE request_id = $1",
            params![request],
        )
        .await?;
    row.map(|row| {
        let row = row.of("evidence");
        Ok(EvidenceRecord {
            vouched: Vouched {
                request: RequestId::from_uuid(row.uuid("request_id")?),
                account_mac: row.array("account_mac")?,
                plan_digest: row.array("plan_digest")?,
                addressee: row.word("addressee")?,
                round: row.u32("round")?,
                proof: row.word("proof")?,
                note_digest: row.array("note_digest")?,
            },
            recorder: Hand {
                person: Pseudonym::from_bytes(row.array("recorder")?),
                claimed: row.bytes("claimed")?.as_chunks().0.iter().map(|name| Pseudonym::from_bytes(*name)).collect(),
            },
            recorded_at: row.time("recorded_at")?,
            hmac: row.array("hmac")?,
        })
    })
    .transpose()
}

/// Takes back evidence that was approved or is no longer needed.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, request: RequestId) -> Result<(), DbError> {
    tx.execute("DELETE FROM evidence WHERE request_id = $1", params![request]).await?;
    Ok(())
}
