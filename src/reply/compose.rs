//! From a rendered letter to the bytes of a message, and the names that a letter carries: VERP address and Message-ID.
//!
//! Composing has no clock and no chance: the same envelope and letter give the same bytes, boundary included, so that
//! a resend is the same message. Nothing that came with a letter of theirs enters a header unchecked.

use std::fmt;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use lettre::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use sha2::Sha256;

use super::letters::Rendered;
use super::{ReplyError, clean};
use crate::domain::{Language, LetterId, Timestamp};

/// How many ids a References header carries: the first and the last ones of a longer thread (RFC 5322 §3.6.4).
const REFERENCES_COUNT_MAX: usize = 20;
/// The longest Message-ID that is carried on, in bytes with its brackets.
const MESSAGE_ID_BYTES_MAX: usize = 250;
/// The longest subject, in characters.
const SUBJECT_CHARS_MAX: usize = 200;

/// Who writes to whom, and what the letter answers. Holds addresses and a token: no Debug.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The visible From address.
    pub from: String,
    /// The name beside it.
    pub from_name: String,
    /// Where bounces go: see [`verp`].
    pub envelope_from: String,
    /// The one recipient.
    pub to: String,
    /// A plus-address with the token, where an answer is expected.
    pub reply_to: Option<String>,
    /// See [`message_id`]; with or without angle brackets.
    pub message_id: String,
    /// The letter that this one answers.
    pub in_reply_to: Option<String>,
    /// The letters of the thread before this one, oldest first.
    pub references: Vec<String>,
    /// When the letter was written, to the second.
    pub date: Timestamp,
}

/// A message that is ready to be handed over. Its Debug tells sizes only.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its Message-ID without angle brackets.
    pub message_id: String,
    /// The sender of the SMTP envelope.
    pub envelope_from: String,
    /// The recipient of the SMTP envelope.
    pub to: String,
    /// The message as RFC 5322 has it, lines ended by CRLF, ASCII unless an address is not.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} bytes)", self.bytes.len())
    }
}

/// Makes the message: multipart/alternative with the text first, marked as written by a machine (RFC 3834 §5).
///
/// # Errors
/// An address that is none, or an unusable Message-ID or date. An In-Reply-To or References that is no Message-ID is
/// left out instead: it came from a stranger, and the letter matters more.
pub fn compose(envelope: &Envelope, rendered: &Rendered) -> Result<Outgoing, ReplyError> {
    let message_id = bare_message_id(&envelope.message_id).ok_or(ReplyError::Unusable("Message-ID"))?;
    let envelope_from = address(&envelope.envelope_from, "envelope sender")?;
    let to = address(&envelope.to, "recipient")?;
    let from = Mailbox::new(display_name(&envelope.from_name), address(&envelope.from, "From address")?);
    let smtp = lettre::address::Envelope::new(Some(envelope_from.clone()), vec![to.clone()])
        .map_err(|_| ReplyError::Unusable("envelope"))?;
    let mut message = Message::builder()
        .from(from)
        .to(Mailbox::new(None, to.clone()))
        .subject(subject(&rendered.subject))
        .date(date(envelope.date)?)
        .message_id(Some(format!("<{message_id}>")))
        .header(AutoSubmitted)
        .header(AutoResponseSuppress)
        .header(ContentLanguage(rendered.language))
        .envelope(smtp);
    if let Some(reply_to) = &envelope.reply_to {
        message = message.reply_to(Mailbox::new(None, address(reply_to, "Reply-To address")?));
    }
    if let Some(answered) = envelope.in_reply_to.as_deref().and_then(bare_message_id) {
        message = message.in_reply_to(format!("<{answered}>"));
    }
    let references = references(&envelope.references);
    if !references.is_empty() {
        message = message.references(references);
    }
    let message = message.multipart(alternative(message_id, rendered)).map_err(|_| ReplyError::Unusable("headers"))?;
    Ok(Outgoing {
        message_id: message_id.to_owned(),
        envelope_from: envelope_from.to_string(),
        to: to.to_string(),
        bytes: message.formatted(),
    })
}

/// Both bodies, quoted-printable, between boundaries that follow from the Message-ID.
fn alternative(message_id: &str, rendered: &Rendered) -> MultiPart {
    use sha2::Digest;
    let digest = Sha256::new().chain_update(b"expunged/1/boundary\0").chain_update(message_id).finalize();
    // `=_` occurs in no quoted-printable line, so the boundary cannot occur in a body (RFC 2045 §6.7).
    let boundary = format!("=_{}", data_encoding::HEXLOWER.encode(&digest[..15]));
    let part = |kind: ContentType, body: &str| {
        SinglePart::builder().header(kind).header(ContentTransferEncoding::QuotedPrintable).body(body.to_owned())
    };
    MultiPart::alternative()
        .boundary(boundary)
        .singlepart(part(ContentType::TEXT_PLAIN, &rendered.text))
        .singlepart(part(ContentType::TEXT_HTML, &rendered.html))
}

fn address(text: &str, what: &'static str) -> Result<Address, ReplyError> {
    text.parse().map_err(|_| ReplyError::Unusable(what))
}

/// A display name without control characters (the mail builder panics on some); none if nothing is left.
fn display_name(name: &str) -> Option<String> {
    let name = clean::one_line(name).split_whitespace().collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

fn subject(subject: &str) -> String {
    clean::one_line(subject).chars().take(SUBJECT_CHARS_MAX).collect()
}

fn date(at: Timestamp) -> Result<SystemTime, ReplyError> {
    let unusable = ReplyError::Unusable("date");
    let Ok(seconds) = u64::try_from(at.as_micros().div_euclid(1_000_000)) else { return Err(unusable) };
    // The header has four digits for the year.
    if at.date().year() > 9_998 {
        return Err(unusable);
    }
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).ok_or(unusable)
}

/// The ids of a thread, checked, the first and the last ones if there are many.
fn references(ids: &[String]) -> String {
    let known: Vec<_> = ids.iter().filter_map(|id| bare_message_id(id)).collect();
    let skipped = known.len().saturating_sub(REFERENCES_COUNT_MAX);
    let kept = known.iter().enumerate().filter(|(index, _)| *index == 0 || *index > skipped || skipped == 0);
    kept.map(|(_, id)| format!("<{id}>")).collect::<Vec<_>>().join(" ")
}

/// A Message-ID without its angle brackets; `None` for anything that could not stand in a header as it is.
fn bare_message_id(id: &str) -> Option<&str> {
    let bare = id.trim().trim_start_matches('<').trim_end_matches('>');
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'(' | b')' | b',' | b';');
    let (left, right) = bare.split_once('@')?;
    let fits = !left.is_empty() && !right.is_empty() && bare.len() + 2 <= MESSAGE_ID_BYTES_MAX;
    (fits && bare.bytes().all(plain)).then_some(bare)
}

/// An address with something behind a plus: `privacy+token@example.org`, which our mail server delivers like the address
/// itself.
#[must_use]
pub fn plus_address(address: &str, detail: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}+{detail}@{domain}"),
        // Not an address; composing refuses it by name.
        None => format!("{address}+{detail}"),
    }
}

/// The envelope sender of one letter: `bounces+<id>@example.org` for the base `bounces@example.org`, so that a bounce
/// says which letter it is about, whatever is in it.
#[must_use]
pub fn verp(bounce_base: &str, letter: LetterId) -> String {
    plus_address(bounce_base, &base32_lower(letter.as_uuid().as_bytes()))
}

/// The letter that a bounce to this address is about; `None` for any other address. Case does not matter: mail
/// systems change it.
#[must_use]
pub fn parse_verp(bounce_base: &str, address: &str) -> Option<LetterId> {
    let (base_local, base_domain) = bounce_base.rsplit_once('@')?;
    let (local, domain) = address.trim().rsplit_once('@')?;
    let (prefix, id) = local.rsplit_once('+')?;
    if !domain.eq_ignore_ascii_case(base_domain) || !prefix.eq_ignore_ascii_case(base_local) {
        return None;
    }
    let bytes = data_encoding::BASE32_NOPAD.decode(id.to_ascii_uppercase().as_bytes()).ok()?;
    uuid::Uuid::from_slice(&bytes).ok().map(LetterId::from_uuid)
}

/// The Message-ID of a letter, without angle brackets: 160 bits of an HMAC-SHA256 over its id. The same on a resend;
/// nobody without the key can tell it in advance or read from it when the letter was written.
#[must_use]
pub fn message_id(key: &[u8; 32], letter: LetterId, domain: &str) -> String {
    // HMAC fills a key that is shorter than a block with zeros (RFC 2104 §2); done here, the call cannot fail.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(b"expunged/1/message-id\0");
    mac.update(letter.as_uuid().as_bytes());
    format!("{}@{domain}", base32_lower(&mac.finalize().into_bytes()[..20]))
}

fn base32_lower(bytes: &[u8]) -> String {
    data_encoding::BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

/// The language of both bodies (RFC 3282).
#[derive(Clone, Copy)]
struct ContentLanguage(Language);

impl Header for ContentLanguage {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Language")
    }

    fn parse(value: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Language::from_locale(value).map(Self).ok_or_else(|| "no language of ours".into())
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.to_string())
    }
}

/// A header whose value is always the same.
macro_rules! fixed_header {
    ($(#[$doc:meta])* $type:ident, $name:literal, $value:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        struct $type;

        impl Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self)
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), $value.to_owned())
            }
        }
    };
}

fixed_header!(
    /// Written by a machine as the answer to a letter (RFC 3834 §5.1).
    AutoSubmitted, "Auto-Submitted", "auto-replied"
);
fixed_header!(
    /// Asks Exchange not to answer with an out-of-office note.
    AutoResponseSuppress, "X-Auto-Response-Suppress", "All"
);

#[cfg(test)]
mod tests;
