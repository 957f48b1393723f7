//! `[authentication]`: whose word counts on who sent a letter.

use super::super::Authentication;
use super::super::error::Problem;
use super::super::raw::{Maybe, RawAuthentication};
use super::Checks;
use super::value::Unit;

impl Checks<'_> {
    pub(super) fn authentication(&mut self, raw: Maybe<RawAuthentication>) -> Authentication {
        let (_, raw) = Self::open("authentication", raw);
        let trusted_mx = raw.trusted_mx.and_then(|raw| {
            let span = raw.span();
            let name = self.line("trusted_mx", raw)?.to_ascii_lowercase();
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            if name.contains('.') && name.chars().all(fits) {
                return Some(name);
            }
            self.note(Problem::new("`trusted_mx` is no name of a mail server").at(
                span,
                "expected the name with which the Authentication-Results of your own MX begin, such as \"mx.example.com\"",
            ));
            None
        });
        let proof = self.duration("proof_days", raw.proof_days, Unit::Days, 1..=366, 90);
        let dns_timeout = self.duration("dns_timeout_seconds", raw.dns_timeout_seconds, Unit::Seconds, 1..=60, 5);
        Authentication { trusted_mx, proof, dns_timeout }
    }
}
