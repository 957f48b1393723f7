//! Bytes of a letter in, what it says and wants out: an [`Intake`].
//!
//! [`read`] is total: it never fails and never panics, whatever the bytes, and everything it looks at or hands out is
//! bounded by [`Limits`]. It decides nothing about who somebody is (that is `verify`), it follows no link, unpacks no
//! archive, and keeps attachments as digests only: a letter that is nothing but an attachment goes to a person where its subject
//! or the file's name asks for an erasure. What it hands out is personal data; no type here prints it.
//!
//! # The way of a letter
//! `letter` (MIME; `charset` where bytes are not what they are called) → `html` (what a reader sees; `markup` where the page is simple) → `quote` and `ours` (new, quoted, forwarded) → `bounce` and `machine` (did
//! a person write this?) → `judge` and `utterance` (what do the new words ask for?) → `claims` (about whom) → `frame`,
//! `answer` and `tokens` (yes, no or a code).
//!
//! # The order of judgement
//! bounce → automatic reply → list and newsletter → the words of the new text and the subject → `spam`, of what asks for nothing. Quoted text is kept
//! apart: an old request that is merely quoted is no new one. Where the plain and the HTML text of a letter disagree,
//! and wherever a request is only probable, the verdict is [`Disposition::Review`] and a person looks. So it is where words
//! alone, and no header, make a letter that asks for an erasure look like a machine's.
//!
//! A letter of no bytes, or of empty lines alone, has neither words nor a sender: it asks for nothing and is ordinary, and no
//! request is opened whose time runs. One whose bytes could not be understood may ask for anything: a person looks.
//!
//! # How to mend a word
//! The words are in `config/lexicon/<language>.toml`; each file explains its notation. A rule that names a sender, a
//! provider or a sentence of a test corpus is a defect.

mod acknowledgement;
mod added;
mod address;
mod against;
mod answer;
mod attached;
mod bounce;
mod charset;
mod claims;
mod code;
mod company;
#[cfg(test)]
mod compile;
mod content;
mod fit;
mod frame;
mod groups;
mod heard;
mod hearing;
mod hearsay;
mod html;
mod intent;
mod judge;
mod large;
mod letter;
mod lexicon;
mod limit;
mod lists;
mod machine;
mod markup;
mod more;
mod negation;
mod normal;
mod object;
mod offered;
mod onecase;
mod ours;
mod packed;
mod passed;
mod phrases;
mod place;
mod present;
mod pressing;
mod quote;
mod read;
mod refusal;
mod rest;
mod script;
mod signals;
mod signs;
pub mod spam;
mod tables;
mod tokens;
mod tongue;
mod traces;
mod trie;
mod unread;
mod utterance;

pub use acknowledgement::{Acknowledgement, acknowledgement};
pub use address::{Address, NotAnAddress};
pub use answer::{Answer, AnswerIntent};
pub use bounce::Bounce;
pub use claims::{Claims, Identifier, IdentifierKind, Own};
pub use content::without_trace_headers;
pub use intent::{Disposition, Intent, Part, Reason, Verdict};
pub use large::take_in;
pub use letter::Attachment;
pub use lexicon::{Lexicon, Measured};
pub use machine::MachineKind;
pub use read::{Parts, parts, read};
pub use tongue::Tongue;
pub use traces::{Traces, traces};

use std::fmt;

/// How much of a letter is looked at. What lies beyond a limit is left unread and noted as a [`Defect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole letter.
    pub body_bytes_max: u64,
    /// How deep multiparts and enclosed letters may nest.
    pub mime_depth_max: u32,
    /// MIME parts of the whole letter.
    pub parts_max: u32,
    /// Characters of text (plain, or shown by the HTML).
    pub text_chars_max: usize,
    /// Bytes of all HTML parts together.
    pub html_bytes_max: usize,
    /// Addresses that a letter may claim besides its sender's.
    pub addresses_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 25 * 1024 * 1024,
            mime_depth_max: 20,
            parts_max: 200,
            text_chars_max: 100_000,
            html_bytes_max: 256 * 1024,
            addresses_max: 5,
        }
    }
}

/// Something about a letter that kept us from reading all of it, or that no honest mail program writes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Defect {
    /// The letter has no bytes, or none but those of empty lines.
    Empty,
    /// No header could be parsed.
    Unparsable,
    /// The parser panicked; nothing of the letter was understood.
    ParserPanicked,
    /// Longer than [`Limits::body_bytes_max`]; the rest was not read.
    BodyTooLong,
    /// Nested deeper than [`Limits::mime_depth_max`]; what lies below was not read.
    NestedTooDeep,
    /// More parts than [`Limits::parts_max`]; the rest was not read.
    TooManyParts,
    /// More text than [`Limits::text_chars_max`]; the rest was not read.
    TextTooLong,
    /// More HTML than [`Limits::html_bytes_max`], or nested so deep that only its bare text was taken.
    HtmlTooLarge,
    /// More addresses than [`Limits::addresses_max`] were claimed; the rest was dropped.
    TooManyAddresses,
    /// A part was not encoded as it said (charset, base64, quoted-printable).
    BadEncoding,
    /// No From header (RFC 5322 §3.6 wants exactly one).
    NoSender,
    /// More than one From header, or several addresses in it.
    SeveralSenders,
    /// An address in a header is no strict addr-spec.
    BadAddress,
}

/// What a letter is, says and wants.
#[derive(Clone, PartialEq)]
pub struct Intake {
    /// Its Message-ID without the angle brackets. A hint only: other letters may carry the same.
    pub message_id: Option<String>,
    /// The Message-IDs of In-Reply-To, without angle brackets.
    pub in_reply_to: Vec<String>,
    /// The Message-IDs of References, without angle brackets.
    pub references: Vec<String>,
    /// The addresses of all From headers. Proves nothing.
    pub from: Vec<Address>,
    /// The addresses of Reply-To. Never used for identity.
    pub reply_to: Vec<Address>,
    /// Who wrote the letter that this one passes on, as far as that one says. Proves nothing.
    pub forwarded_from: Option<Address>,
    /// Whether what it asks is the wish of who wrote that letter, and was read there: the sender only passes it on.
    pub passed_on: bool,
    /// Whom it was sent to: To, Cc, Delivered-To, X-Original-To, Envelope-To.
    pub recipients: Vec<Address>,
    /// The subject, decoded, at most 1,000 characters.
    pub subject: String,
    /// The language that its words are of, where that could be told.
    pub language: Option<Tongue>,
    /// What kind of machine wrote it; `None` when a person seems to have.
    pub machine: Option<MachineKind>,
    /// Whether a header proves that the machine wrote it. False where no machine did, and where words alone say so: those
    /// may be a person's.
    pub machine_proven: bool,
    /// What the writer wrote anew: without quotes, forwarded letters, signature and disclaimer.
    pub new_text: String,
    /// Bytes of quoted and forwarded text that were set apart.
    pub quoted_bytes: usize,
    /// What it asks for.
    pub verdict: Verdict,
    /// Whether it asks for a whole and excepts a part of it, which no plan does: a person has to read it.
    pub limited: bool,
    /// Whether it asks for somebody or something beside what was read of it: a person has to read it.
    pub more: bool,
    /// Whom and what it names.
    pub claims: Claims,
    /// What it answers, should it answer a challenge.
    pub answer: Answer,
    /// What came back, should it be a bounce.
    pub bounce: Option<Bounce>,
    /// What was wrong with it, each once, in order.
    pub defects: Vec<Defect>,
    /// What was attached, as digests.
    pub attachments: Vec<Attachment>,
}

impl fmt::Debug for Intake {
    /// The judgement and the counts; never a word of the letter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake")
            .field("language", &self.language)
            .field("machine", &self.machine)
            .field("machine_proven", &self.machine_proven)
            .field("verdict", &self.verdict)
            .field("limited", &self.limited)
            .field("more", &self.more)
            .field("answer", &self.answer)
            .field("claims", &self.claims)
            .field("bounce", &self.bounce)
            .field("defects", &self.defects)
            .field("quoted_bytes", &self.quoted_bytes)
            .field("attachments", &self.attachments.len())
            .finish_non_exhaustive()
    }
}
