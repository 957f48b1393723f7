//! Promise: no forged letter is authenticated, none makes us write to anybody but the address on file, and honest ones pass.

mod attacks;
mod explained;
mod fuzz;
mod posted;
mod signer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use expunged::authenticate::{Arrived, Authentication, Authenticator, Dns, FileDns, NoAnswer, Outcome};

use attacks::{MX, NOW, Suite};

/// Forged letters that the table must have at least.
const FORGED_MIN: usize = 60;

fn authenticator(dns: impl Dns + 'static) -> Authenticator {
    Authenticator::new(Arc::new(dns), Duration::from_secs(5)).unwrap()
}

fn by_file(dns: &str) -> Authenticator {
    authenticator(FileDns::parse(dns).unwrap())
}

async fn judge(authenticator: &Authenticator, bytes: &[u8], trusted_mx: Option<&str>) -> Authentication {
    let arrived = Arrived { bytes, at: NOW, our_domain: Some("shop.example"), trusted_mx };
    authenticator.authenticate(&arrived).await
}

fn reasons(judged: &Authentication) -> String {
    judged.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn honest_letters_pass() {
    let suite = Suite::new();
    let authenticator = by_file(&suite.dns);
    let mut wrong = Vec::new();
    for (name, bytes) in &suite.honest {
        let judged = judge(&authenticator, bytes, None).await;
        let address = judged.address.as_ref().map_or("", |address| address.as_str());
        if !judged.passes() || !address.starts_with("owner1@") {
            wrong.push(format!("{name}: {} {}", judged.outcome, reasons(&judged)));
        }
    }
    assert!(suite.honest.len() >= 20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn no_forged_letter_is_authenticated() {
    let suite = Suite::new();
    let authenticator = by_file(&suite.dns);
    let mut wrong = Vec::new();
    for (name, bytes) in &suite.forged {
        for trusted_mx in [None, Some(MX)] {
            let judged = judge(&authenticator, bytes, trusted_mx).await;
            if judged.passes() || judged.reasons.is_empty() {
                wrong.push(format!("{name}: {} {}", judged.outcome, reasons(&judged)));
            }
        }
    }
    assert!(suite.forged.len() >= FORGED_MIN, "{} letters", suite.forged.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn nobody_else_speaks_for_our_mx() {
    let suite = Suite::new();
    let authenticator = by_file(&suite.dns);
    let mut wrong = Vec::new();
    for (name, bytes) in &suite.forged_results {
        for trusted_mx in [None, Some(MX)] {
            let judged = judge(&authenticator, bytes, trusted_mx).await;
            if judged.passes() {
                wrong.push(format!("{name}, {trusted_mx:?}: {}", reasons(&judged)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn our_mx_counts_where_it_is_trusted() {
    let suite = Suite::new();
    let authenticator = by_file(&suite.dns);
    let says = |text: &str, letter: &str| format!("Authentication-Results: {MX}; {text}\r\n{letter}").into_bytes();
    let unsigned = "From: owner1@team.example\r\nTo: privacy@shop.example\r\nSubject: x\r\n\r\nx\r\n";
    let pass = says("spf=pass smtp.mailfrom=team.example; dmarc=pass (p=reject) header.from=team.example", unsigned);
    assert_eq!(judge(&authenticator, &pass, Some(MX)).await.outcome, Outcome::Pass);
    assert_eq!(judge(&authenticator, &pass, None).await.outcome, Outcome::None);
    assert_eq!(judge(&authenticator, &pass, Some("mx.other.example")).await.outcome, Outcome::None);
    // What it refuses does not pass, whatever we see in it ourselves.
    let honest = String::from_utf8(suite.honest[0].1.clone()).unwrap();
    let fail = says("dmarc=fail header.from=team.example", &honest);
    assert_eq!(judge(&authenticator, &fail, Some(MX)).await.outcome, Outcome::Fail);
    assert_eq!(judge(&authenticator, &fail, None).await.outcome, Outcome::Pass);
    let late = says("dmarc=temperror header.from=team.example", unsigned);
    assert_eq!(judge(&authenticator, &late, Some(MX)).await.outcome, Outcome::TempError);
}

/// DNS that does not answer for some names, or never answers at all.
struct Silent {
    known: FileDns,
    of: &'static str,
    hangs: bool,
}

#[async_trait]
impl Dns for Silent {
    async fn txt(&self, name: &str) -> Result<Vec<Vec<u8>>, NoAnswer> {
        if !name.contains(self.of) {
            return self.known.txt(name).await;
        }
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Err(NoAnswer)
    }
}

#[tokio::test]
async fn what_dns_does_not_answer_never_passes() {
    let suite = Suite::new();
    for (of, hangs) in [("_domainkey", false), ("_dmarc", false), ("_domainkey", true), ("_dmarc", true)] {
        let dns = Silent { known: FileDns::parse(&suite.dns).unwrap(), of, hangs };
        let limit = Duration::from_millis(if hangs { 50 } else { 5_000 });
        let authenticator = Authenticator::new(Arc::new(dns), limit).unwrap();
        for (name, bytes) in &suite.honest {
            let judged = judge(&authenticator, bytes, None).await;
            // The signature of the very domain needs the policy all the same: it may be aligned, and is not known to be.
            assert_eq!(judged.outcome, Outcome::TempError, "{name}, {of}: {}", reasons(&judged));
        }
    }
}

#[tokio::test]
async fn reasons_repeat_nothing_of_the_letter() {
    let suite = Suite::new();
    let authenticator = by_file(&suite.dns);
    for (name, bytes) in suite.forged.iter().chain(&suite.honest).chain(&suite.forged_results) {
        let judged = judge(&authenticator, bytes, Some(MX)).await;
        let said = format!("{judged:?} {}", reasons(&judged));
        for word in ["owner1", "team.example", "evil", "Olga"] {
            assert!(!said.contains(word), "{name}: {said}");
        }
    }
}

#[tokio::test]
async fn an_unsigned_letter_asks_dns_nothing() {
    let authenticator = authenticator(Silent { known: FileDns::default(), of: "", hangs: false });
    let letter = b"From: ann@b.example\r\nSubject: x\r\n\r\nx\r\n";
    assert_eq!(judge(&authenticator, letter, None).await.outcome, Outcome::None);
}
