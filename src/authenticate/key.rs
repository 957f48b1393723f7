//! The key of a signature as DNS publishes it (RFC 6376 §3.6.1, RFC 8301, RFC 8463), and which keys do not count.

use mail_auth::common::parse::TxtRecordParser as _;
use mail_auth::common::verify::DomainKey;

use super::signature::Algorithm;
use super::tags::Tags;

/// RFC 8301 §3.2 asks signers for so many; what is shorter may be broken by somebody with time.
const RSA_BITS_MIN: usize = 2048;

/// The one key among the records of a name, or why there is none that counts.
pub(super) fn key(records: &[Vec<u8>], algorithm: Algorithm) -> Result<DomainKey, &'static str> {
    let keys = records.iter().map(|record| (record, Tags::parse(record)));
    let mut keys = keys.filter(|(record, tags)| is_key(record, tags.as_ref()));
    let (record, tags) = keys.next().ok_or("its key is not published")?;
    if keys.next().is_some() {
        return Err("several keys are published under one name");
    }
    let tags = tags.ok_or("its key cannot be read")?;
    if tags.get("v").is_some_and(|version| version != "DKIM1" || tags.first() != Some("v")) {
        return Err("its key is of no known version");
    }
    if tags.get("p") == Some("") {
        return Err("its key was revoked");
    }
    let has = |tag, words: &[&str]| tags.list(tag).is_none_or(|list| list.iter().any(|w| words.contains(&&**w)));
    if !has("s", &["*", "email"]) || !has("h", &["sha256"]) {
        return Err("its key is not for mail signed in this way");
    }
    if tags.list("t").is_some_and(|flags| flags.iter().any(|flag| flag == "y")) {
        return Err("its key is a test (t=y)");
    }
    let kind = tags.get("k").unwrap_or("rsa");
    if kind != if algorithm == Algorithm::RsaSha256 { "rsa" } else { "ed25519" } {
        return Err("its key is of another algorithm");
    }
    let key = DomainKey::parse(record).map_err(|_| "its key cannot be read")?;
    if algorithm == Algorithm::RsaSha256 && key.p.public_key_bits() < RSA_BITS_MIN {
        return Err("its key is shorter than 2048 bits");
    }
    Ok(key)
}

/// Whether a record is a key; one that is written like one and cannot be read is a broken key, and not none.
fn is_key(record: &[u8], tags: Option<&Tags>) -> bool {
    match tags {
        Some(tags) => tags.get("p").is_some(),
        None => record.split(|byte| *byte == b';').any(|tag| tag.trim_ascii_start().starts_with(b"p=")),
    }
}
