//! The tables `mx_runs` and `mx_probes`: what `expunged doctor mail` found of our own MX, and the letters that it sent.

use serde_json::Value;
use uuid::Uuid;

use super::error::DbError;
use super::params::value_rows;
use super::sql::{Tx, params};
use crate::domain::{Timestamp, stored_enum};

stored_enum! {
    /// What a run found of an MX.
    Verdict, "verdict on our MX" {
        /// It takes out, or refuses, what others write in its name, and puts its own on every letter.
        Proven = "proven",
        /// It lets through what others write in its name.
        Forgeable = "forgeable",
        /// Letters arrive without results in its name: the name is nobody's.
        Unsigned = "unsigned",
        /// Letters did not arrive, or were put off: nothing is proven.
        Untold = "untold",
        /// Not one letter was taken: nothing was seen, and what was found before stands.
        Unreached = "unreached",
    }
}

/// A run that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// In whose name the forged fields were, in lower case.
    pub authserv_id: String,
    /// The MX, as it was named.
    pub server: String,
    /// Before the first letter was sent.
    pub began_at: Timestamp,
    /// When the verdict was reached.
    pub ended_at: Timestamp,
    /// What was found.
    pub verdict: Verdict,
    /// The mark over all of the above.
    pub mark: [u8; 32],
}

/// Writes that a run begins, with the Message-IDs (without angle brackets) of the letters that it is about to send.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(
    tx: &mut Tx,
    id: Uuid,
    (authserv_id, server): (&str, &str),
    began_at: Timestamp,
    message_ids: &[String],
) -> Result<(), DbError> {
    let sql = "INSERT INTO mx_runs (id, authserv_id, server, began_at) VALUES ($1, $2, $3, $4)";
    tx.execute_one(sql, params![id, authserv_id, server, began_at]).await?;
    let mut params = params![];
    for message_id in message_ids {
        params.extend(params![message_id.as_str(), id]);
    }
    let rows = value_rows(message_ids.len(), 2);
    tx.execute(&format!("INSERT INTO mx_probes (message_id, run_id) VALUES {rows}"), params).await.map(drop)
}

/// Writes what a run found, with what became of each letter.
///
/// # Errors
/// When the database does not answer, or the run has ended before.
pub async fn end(tx: &mut Tx, run: &Run, letters: &Value) -> Result<(), DbError> {
    let sql = "UPDATE mx_runs SET ended_at = $2, verdict = $3, letters = $4, mark = $5 WHERE id = $1";
    let params = params![run.id, run.ended_at, run.verdict.as_str(), letters.clone(), run.mark.to_vec()];
    tx.execute_one(sql, params).await
}

/// The runs in the name of an MX that came to their end and saw something, the newest first.
///
/// # Errors
/// A bad stored value names its column.
pub async fn ended(tx: &mut Tx, authserv_id: &str) -> Result<Vec<Run>, DbError> {
    let sql = "SELECT id, authserv_id, server, began_at, ended_at, verdict, mark FROM mx_runs
         WHERE authserv_id = $1 AND ended_at IS NOT NULL AND verdict <> $2 ORDER BY ended_at DESC, began_at DESC, id";
    let rows = tx.all(sql, params![authserv_id, Verdict::Unreached.as_str()]).await?;
    rows.into_iter()
        .map(|row| row.of("mx_runs"))
        .map(|row| {
            Ok(Run {
                id: row.uuid("id")?,
                authserv_id: row.text("authserv_id")?,
                server: row.text("server")?,
                began_at: row.time("began_at")?,
                ended_at: row.time("ended_at")?,
                verdict: row.word("verdict")?,
                mark: row.array("mark")?,
            })
        })
        .collect()
}

/// Whether a letter with this Message-ID (without angle brackets) is one that a run sent.
///
/// # Errors
/// When the database does not answer.
pub async fn is_probe(tx: &mut Tx, message_id: &str) -> Result<bool, DbError> {
    let sql = "SELECT run_id FROM mx_probes WHERE message_id = $1";
    Ok(tx.optional(sql, params![message_id]).await?.is_some())
}
