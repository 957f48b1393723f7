//! How long to wait after a failed attempt.

use std::time::Duration;

use crate::chance::{Chance, draw};

/// Waiting that doubles with every attempt up to a limit, with jitter, so that jobs that failed together do not come
/// back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first attempt.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(5), longest: Duration::from_secs(3600) }
    }
}

impl Backoff {
    /// The wait after this attempt (counted from 1): between a half and the whole of `first · 2^(attempt - 1)`.
    #[must_use]
    pub fn after(&self, attempt: u32, chance: &dyn Chance) -> Duration {
        let doubled = 2_u32.checked_pow(attempt.saturating_sub(1)).and_then(|factor| self.first.checked_mul(factor));
        let whole = doubled.unwrap_or(self.longest).min(self.longest);
        let jitter = u32::from(u16::from_le_bytes(draw(chance)));
        whole / 2 + (whole / 2).mul_f64(f64::from(jitter) / 65_536.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;

    #[test]
    fn doubles_up_to_the_limit_with_jitter() {
        let (backoff, chance) = (Backoff::default(), SeededChance::new(7));
        for attempt in 1..80 {
            let whole = Duration::from_secs_f64((5.0 * 2_f64.powi(attempt as i32 - 1)).min(3600.0));
            let waits: Vec<_> = (0..50).map(|_| backoff.after(attempt, &chance)).collect();
            assert!(waits.iter().all(|wait| *wait >= whole / 2 && *wait <= whole), "attempt {attempt}");
            assert!(waits.iter().collect::<std::collections::HashSet<_>>().len() > 25, "jitter at attempt {attempt}");
        }
    }

    #[test]
    fn attempt_zero_waits_like_the_first() {
        assert!(Backoff::default().after(0, &SeededChance::new(1)) <= Duration::from_secs(5));
    }
}
