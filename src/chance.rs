//! Chance as a parameter: where random bytes come from.
//!
//! The ambient generators are banned by clippy.toml, so that a test can replay a life byte for byte and so that
//! nobody draws a token from a weak source by accident.

use rand::TryRng;
#[expect(clippy::disallowed_types, reason = "the one place that asks the operating system for chance")]
use rand::rngs::SysRng;

/// A source of random bytes that nobody can guess.
pub trait Chance: Send + Sync {
    /// Fills the buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// `N` random bytes from a source that is known only as a trait object.
#[must_use]
pub fn draw<const N: usize>(chance: &dyn Chance) -> [u8; N] {
    let mut bytes = [0; N];
    chance.fill(&mut bytes);
    bytes
}

/// The operating system's generator; the only one that production uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsChance;

impl Chance for OsChance {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the operating system for chance")]
    #[expect(
        clippy::expect_used,
        reason = "a kernel without randomness cannot make keys; to stop is the only safe answer"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        SysRng.try_fill_bytes(buffer).expect("the operating system gives random bytes");
    }
}

/// A seeded sequence for tests: the same seed gives the same bytes. Never a source of secrets.
#[derive(Debug)]
pub struct SeededChance(std::sync::Mutex<rand::rngs::StdRng>);

impl SeededChance {
    /// A sequence that starts at this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        use rand::SeedableRng;
        Self(std::sync::Mutex::new(rand::rngs::StdRng::seed_from_u64(seed)))
    }
}

impl Chance for SeededChance {
    fn fill(&self, buffer: &mut [u8]) {
        use rand::Rng;
        let mut rng = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        rng.fill_bytes(buffer);
    }
}
