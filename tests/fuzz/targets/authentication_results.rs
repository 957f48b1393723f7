//! The header of our own MX (RFC 8601): nothing passes that does not say so, and nothing that two readers may read in two ways.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use expunged::authenticate::{Arrived, Authenticator, FileDns, OurMx};
use expunged::domain::Timestamp;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

const MX: &str = "mx.shop.example";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));
static AUTHENTICATOR: LazyLock<Authenticator> = LazyLock::new(|| {
    let dns = FileDns::parse("").expect("no names");
    Authenticator::new(Arc::new(dns), Duration::from_secs(60)).expect("an authenticator")
});

fuzz_target!(|bytes: &[u8]| {
    let header: Vec<u8> = bytes.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let letter = [b"Authentication-Results: ", &*header, b"\r\nFrom: ann@shop.example\r\n\r\nHello"].concat();
    let at = Timestamp::from_micros(1_799_000_000_000_000);
    let arrived = Arrived { bytes: &letter, at, our_domain: None, our_mx: OurMx::Trusted(MX) };
    let judged = RUNTIME.block_on(AUTHENTICATOR.authenticate(&arrived));
    assert!(!judged.reasons.iter().any(|reason| reason.says == "it cannot be read"), "it panicked");
    if judged.passes() {
        let said = String::from_utf8_lossy(&header).to_lowercase();
        assert!(said.contains(MX) && said.contains("pass") && said.contains("shop.example"), "it passes without a word");
    }
});
