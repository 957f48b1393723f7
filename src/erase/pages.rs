//! The pages of saved keys that were read lately. A small account's keys are asked for by every step, when it acts and when it is
//! read back: they are read from the ledger once a round, all together. Of many keys only the last few pages are held.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::stores::Key;

/// So many keys are held at most, however many a page has.
pub(super) const HELD_MAX: u64 = 4_096;

/// A page: the name of its set, and its number.
pub(super) type PageName = (String, u32);

/// The pages, the latest last.
#[derive(Default)]
pub(super) struct Pages(Mutex<VecDeque<(PageName, Vec<Key>)>>);

impl Pages {
    /// A page that is held.
    pub(super) fn get(&self, name: &PageName) -> Option<Vec<Key>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().find(|(known, _)| known == name).map(|(_, keys)| keys.clone())
    }

    /// Holds a page, and lets go of the oldest ones where it is too much.
    pub(super) fn hold(&self, name: PageName, keys: Vec<Key>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.push_back((name, keys));
        while held.iter().map(|(_, keys)| keys.len() as u64).sum::<u64>() > HELD_MAX {
            held.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_keys_are_held_than_the_limit_says() {
        let pages = Pages::default();
        let page = |at: u32| ("shop.users".to_owned(), at);
        let keys = |count: u64| (0..count as i64).map(Key::from).collect::<Vec<_>>();
        for at in 0..9 {
            pages.hold(page(at), keys(1_000));
        }
        assert_eq!((0..9).filter(|at| pages.get(&page(*at)).is_some()).collect::<Vec<_>>(), [5, 6, 7, 8]);
        pages.hold(page(9), keys(HELD_MAX + 1));
        assert_eq!(pages.get(&page(9)), None, "a page that is too large is not held");
    }
}
