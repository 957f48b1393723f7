//! Judges one letter: the order of the rules, what DNS is asked, and what it all comes to.

use mail_auth::dmarc::Policy;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcOutput, DmarcResult, MessageAuthenticator, Parameters, SpfOutput,
};

use super::answers::{Answers, NoHosts};
use super::dns::{Dns, NoAnswer};
use super::fields::{Head, with_crlf};
use super::results::{self, Said};
use super::signature::{Received, SIGNATURES_MAX, Sound, sound};
use super::{Arrived, Authentication, Mechanism, OurMx, Outcome, Reason, key, sender};
use crate::intake::Address;

/// Labels of a domain that a policy is looked for at (RFC 9989 §4.10: eight questions at most).
const LABELS_MAX: usize = 8;

/// Says who sent a letter.
pub(super) async fn judge(verifier: &MessageAuthenticator, dns: &dyn Dns, letter: &Arrived<'_>) -> Authentication {
    let bytes = match with_crlf(letter.bytes) {
        Ok(bytes) => bytes,
        Err(says) => return Authentication::refused(Mechanism::Header, says),
    };
    let head = match Head::parse(&bytes) {
        Ok(head) => head,
        Err(says) => return Authentication::refused(Mechanism::Header, says),
    };
    let address = match sender::one(&head) {
        Ok(address) => address,
        Err(says) => return Authentication::refused(Mechanism::From, says),
    };
    let mut case = Case { verifier, dns, head: &head, address: &address, reasons: Vec::new() };
    let received = Received { at: letter.at.as_micros().div_euclid(1_000_000), our_domain: letter.our_domain };
    let ours = case.own(&bytes, received).await;
    case.says(Mechanism::Spf, "not asked: a mailbox does not keep the envelope");
    if head.count("arc-seal") > 0 {
        case.says(Mechanism::Arc, "somebody passed it on and sealed what they saw; noted only");
    }
    let outcome = case.with_results(ours, letter.our_mx);
    let reasons = case.reasons;
    Authentication { outcome, address: Some(address), reasons }
}

/// What is left of a letter's signatures.
#[derive(Default)]
struct Kept {
    /// The domains of those whose rules and keys count.
    domains: Vec<String>,
    /// Their keys.
    keys: Answers,
    /// Whether DNS did not answer for one.
    away: bool,
}

/// One letter while it is judged.
struct Case<'a> {
    verifier: &'a MessageAuthenticator,
    dns: &'a dyn Dns,
    head: &'a Head<'a>,
    address: &'a Address,
    reasons: Vec<Reason>,
}

impl Case<'_> {
    fn says(&mut self, mechanism: Mechanism, says: &'static str) {
        let reason = Reason { mechanism, says };
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// What the signatures come to.
    async fn own(&mut self, bytes: &[u8], received: Received<'_>) -> Outcome {
        match self.head.count("dkim-signature") {
            0 => {
                self.says(Mechanism::Dkim, "it is not signed");
                self.says(Mechanism::Dmarc, "not asked: nothing could be aligned");
                return Outcome::None;
            }
            1..=SIGNATURES_MAX => {}
            _ => {
                self.says(Mechanism::Dkim, "it has more signatures than anybody needs");
                return Outcome::Fail;
            }
        }
        let Some(mut message) = AuthenticatedMessage::parse(bytes) else {
            self.says(Mechanism::Dkim, "it cannot be read");
            return Outcome::Fail;
        };
        if message.froms() != [self.address.as_str().to_lowercase()] {
            self.says(Mechanism::From, "two parsers read the From header in two ways");
            return Outcome::Fail;
        }
        let Kept { domains, keys, away } = self.keep_sound(&mut message, received).await;
        let outputs = self.verifier.verify_dkim(Parameters::new(&message).with_txt_cache(&keys)).await;
        let true_ones = self.true_ones(outputs);
        if true_ones.is_empty() {
            return if away { Outcome::TempError } else { Outcome::Fail };
        }
        let policies = self.policies(&domains).await;
        let spf = SpfOutput::default();
        let asked = Parameters::new(DmarcParameters::new(&message, &true_ones, "", &spf));
        let dmarc = self.verifier.verify_dmarc(asked.with_txt_cache(&policies).with_ipv4_cache(&NoHosts)).await;
        match self.aligned(&dmarc, &true_ones) {
            Outcome::Fail if away => Outcome::TempError,
            outcome => outcome,
        }
    }

    /// Drops the signatures whose rules or keys do not count.
    async fn keep_sound(&mut self, message: &mut AuthenticatedMessage<'_>, received: Received<'_>) -> Kept {
        for unread in message.errors.iter().filter(|unread| unread.name.eq_ignore_ascii_case(b"dkim-signature")) {
            // Where a rule of ours says why, it says more than that.
            let says = sound(unread.value, self.head, received).err().unwrap_or("a signature cannot be read");
            self.says(Mechanism::Dkim, says);
        }
        let (mut kept, mut all) = (Kept::default(), Vec::new());
        for mut header in std::mem::take(&mut message.dkim_headers) {
            let found = match sound(header.value, self.head, received) {
                Ok(sound) if sound.domain == header.header.d && sound.selector == header.header.s => sound,
                Ok(_) => {
                    self.says(Mechanism::Dkim, "two parsers read the signature in two ways");
                    continue;
                }
                Err(says) => {
                    self.says(Mechanism::Dkim, says);
                    continue;
                }
            };
            match self.key(&found, &mut kept.keys).await {
                Ok(None) => {}
                Ok(Some(says)) => {
                    self.says(Mechanism::Dkim, says);
                    continue;
                }
                Err(NoAnswer) => {
                    self.says(Mechanism::Dkim, "DNS did not answer for its key");
                    kept.away = true;
                    continue;
                }
            }
            // Time was judged as of the arrival; reports and third parties (RFC 6651, RFC 6541) are not ours to ask for.
            let signature = &mut header.header;
            (signature.x, signature.r, signature.atps) = (0, false, None);
            all.push(header);
            kept.domains.push(found.domain);
        }
        message.dkim_headers = all;
        message.errors.clear();
        kept
    }

    /// Asks for the key of a signature; `Some` says why it does not count.
    async fn key(&self, sound: &Sound, keys: &mut Answers) -> Result<Option<&'static str>, NoAnswer> {
        let name = format!("{}._domainkey.{}", sound.selector, sound.domain);
        let records = self.dns.txt(&name).await?;
        Ok(match key::key(&records, sound.algorithm) {
            Ok(key) => {
                keys.key(&name, key);
                None
            }
            Err(says) => Some(says),
        })
    }

    /// The signatures that are true.
    fn true_ones<'b>(&mut self, outputs: Vec<DkimOutput<'b>>) -> Vec<DkimOutput<'b>> {
        let (passed, others): (Vec<_>, Vec<_>) =
            outputs.into_iter().partition(|output| *output.result() == DkimResult::Pass);
        if !others.is_empty() {
            self.says(Mechanism::Dkim, "the letter is not what was signed");
        }
        if !passed.is_empty() {
            self.says(Mechanism::Dkim, "a signature is true");
        }
        passed
    }

    /// Asks for the policies that decide whether two domains are of one organisation.
    async fn policies(&self, signing: &[String]) -> Answers {
        let mut policies = Answers::default();
        let domains = signing.iter().map(String::as_str).chain([self.address.domain.as_str()]);
        let names: Vec<String> = domains.flat_map(upwards).map(|name| format!("_dmarc.{name}")).collect();
        for name in names {
            if !policies.has(&name) {
                policies.policy(&name, self.dns.txt(&name).await);
            }
        }
        policies
    }

    /// Whether a true signature is of the domain of the address, by its policy or to the letter.
    fn aligned(&mut self, dmarc: &DmarcOutput, true_ones: &[DkimOutput<'_>]) -> Outcome {
        match dmarc.dkim_result() {
            DmarcResult::Pass => {
                self.says(Mechanism::Dmarc, "the signature is aligned with the address");
                return Outcome::Pass;
            }
            DmarcResult::TempError(_) => {
                self.says(Mechanism::Dmarc, "DNS did not answer for the policy");
                return Outcome::TempError;
            }
            _ => {}
        }
        let Some(_) = dmarc.dmarc_record() else {
            let of_it = |output: &DkimOutput<'_>| output.signature().is_some_and(|by| by.d == self.address.domain);
            return if true_ones.iter().any(of_it) {
                self.says(Mechanism::Dmarc, "no policy is published; the signature is of the very domain");
                Outcome::Pass
            } else {
                self.says(Mechanism::Dmarc, "no policy is published, and the signature is of another domain");
                Outcome::Fail
            };
        };
        let policy = match dmarc.policy() {
            Policy::Reject => "the signature is of another domain; the policy is to reject",
            Policy::Quarantine => "the signature is of another domain; the policy is to quarantine",
            Policy::None | Policy::Unspecified => "the signature is of another domain",
        };
        self.says(Mechanism::Dmarc, policy);
        Outcome::Fail
    }

    /// What our own MX adds, where it is trusted.
    fn with_results(&mut self, ours: Outcome, our_mx: OurMx<'_>) -> Outcome {
        let trusted_mx = match our_mx {
            OurMx::Unnamed => return ours,
            OurMx::Unproven(why) => {
                self.reasons.push(why.reason());
                return ours;
            }
            OurMx::Trusted(name) => name,
        };
        let said = match results::said(self.head, trusted_mx, &self.address.domain) {
            Ok(said) => said,
            Err(says) => {
                self.says(Mechanism::Results, says);
                return ours;
            }
        };
        let (says, outcome) = match (said, ours) {
            (Said::Pass, _) => ("our MX says that the letter is aligned", Outcome::Pass),
            (Said::Fail, _) => ("our MX says that the letter is not aligned", Outcome::Fail),
            (Said::TempError, Outcome::Pass) => ("DNS did not answer our MX", ours),
            (Said::TempError, _) => ("DNS did not answer our MX", Outcome::TempError),
            (Said::Nothing, _) => ("our MX says nothing of alignment", ours),
        };
        self.says(Mechanism::Results, says);
        outcome
    }
}

/// A domain and those above it, as far as a policy is looked for.
fn upwards(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |name| name.split_once('.').map(|(_, above)| above))
        .filter(move |name| *name == domain || name.split('.').count() < LABELS_MAX)
}
