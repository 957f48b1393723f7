//! Counts of the last minute, per client address and per page. In memory and bounded: they keep load away, and prove nothing; that
//! only so many codes are tried is counted where the code is judged. A limiter of a library keeps a key for each stranger who
//! comes; here a fixed number of them is the point.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::domain::Timestamp;

/// Keys that are remembered; where there are more, the counts begin anew.
const KEYS_MAX: usize = 20_000;
const MINUTE_MICROS: i64 = 60_000_000;

/// Counts of one kind of key.
pub(super) struct Rates<K> {
    per_minute: u32,
    windows: Mutex<HashMap<K, Window>>,
}

#[derive(Clone, Copy)]
struct Window {
    minute: i64,
    count: u32,
}

impl<K: Eq + Hash> Rates<K> {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute, windows: Mutex::default() }
    }

    /// Counts one request; where there were too many, the seconds until the next minute, at least one.
    pub(super) fn take(&self, key: K, now: Timestamp) -> Result<(), u64> {
        let minute = now.as_micros().div_euclid(MINUTE_MICROS);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= KEYS_MAX && !windows.contains_key(&key) {
            windows.retain(|_, window| window.minute == minute);
            if windows.len() >= KEYS_MAX {
                windows.clear();
            }
        }
        let window = windows.entry(key).or_insert(Window { minute, count: 0 });
        if window.minute != minute {
            *window = Window { minute, count: 0 };
        }
        if window.count >= self.per_minute {
            let left = MINUTE_MICROS - now.as_micros().rem_euclid(MINUTE_MICROS);
            return Err(u64::try_from(left).unwrap_or(0).div_ceil(1_000_000).max(1));
        }
        window.count += 1;
        Ok(())
    }
}

/// Who counts as one client: an IPv4 address, or the /64 that a connection of IPv6 is given.
pub(super) fn client(address: IpAddr) -> [u8; 16] {
    let address = match address {
        IpAddr::V4(v4) => return v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6,
    };
    if let Some(v4) = address.to_ipv4_mapped() {
        return v4.to_ipv6_mapped().octets();
    }
    let mut octets = address.octets();
    octets[8..].fill(0);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_030_000_000);

    #[test]
    fn a_minute_has_so_many_and_the_next_one_as_many() {
        let rates = Rates::new(2);
        assert_eq!(rates.take(1, NOW), Ok(()));
        assert_eq!(rates.take(1, NOW), Ok(()));
        assert_eq!(rates.take(1, NOW), Err(30));
        assert_eq!(rates.take(2, NOW), Ok(()), "another one");
        let next = Timestamp::from_micros(NOW.as_micros() + 30_000_000);
        assert_eq!(rates.take(1, next), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let rates = Rates::new(1);
        for key in 0..KEYS_MAX * 2 + 7 {
            assert_eq!(rates.take(key, NOW), Ok(()));
        }
        assert!(rates.windows.lock().unwrap().len() <= KEYS_MAX);
    }

    #[test]
    fn one_connection_of_ipv6_is_one_client() {
        let of = |text: &str| client(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.2"), of("192.0.2.1"));
    }
}
