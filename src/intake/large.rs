//! A letter that is larger than what is read: its header alone is, and what it asks for nobody knows, so a person looks.

use super::{Defect, Disposition, Intake, Intent, Lexicon, Limits, Part, Reason, Verdict, read};

/// The rule that speaks for every letter that is too large.
const RULE: &str = "too_large";

impl Limits {
    /// Whether a letter of so many bytes is read at all. The one measure, wherever letters come from.
    #[must_use]
    pub const fn takes(&self, size_bytes: u64) -> bool {
        size_bytes <= self.body_bytes_max
    }
}

/// A letter as it is taken in: read where it is not too large, and otherwise only its header, for a person.
#[must_use]
pub fn take_in(bytes: &[u8], lexicon: &Lexicon, limits: &Limits) -> Intake {
    if limits.takes(bytes.len() as u64) {
        return read(bytes, lexicon, limits);
    }
    let mut intake = read(header(bytes), lexicon, limits);
    let reason = Reason::of(RULE, Part::Whole);
    intake.verdict = Verdict { disposition: Disposition::Review, ..Verdict::of(Intent::Ordinary, 0.0, reason) };
    intake.defects.insert(0, Defect::BodyTooLong);
    intake
}

/// Up to the first empty line; nothing where there is none, which is no header of a letter.
fn header(bytes: &[u8]) -> &[u8] {
    let ends = bytes.windows(2).position(|two| two == b"\n\n").map(|at| at + 2);
    let ends_crlf = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    &bytes[..ends.into_iter().chain(ends_crlf).min().unwrap_or(0)]
}
