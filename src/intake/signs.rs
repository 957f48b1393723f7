//! Which signs stand side by side in a text, as far as it takes to see that what is left of a phrase does not stand there: most
//! phrases that begin in a text do not go on, and are passed over for the lack of a few signs.
//!
//! Nearly no phrase goes on past a comma or a full stop: for it, only the stretch of text up to the next of them is asked.

use super::code::{Left, NEEDLE, Needle, PLAIN};
use super::rest::is_of_gap;

/// So many that a stretch leaves most of them unset.
const STRETCH: usize = 2_048 / 64;
/// And so many that a letter of a person does.
const WHOLE: usize = 16_384 / 64;

/// The signs of a folded text.
pub(super) struct Signs<'f> {
    folded: &'f [u8],
    /// From where to where the stretch goes of which these are the signs.
    from: usize,
    end: usize,
    stretch: Seen<STRETCH>,
    /// Those of all of it, once they were asked for.
    whole: Option<Box<Seen<WHOLE>>>,
}

impl<'f> Signs<'f> {
    pub const fn of(folded: &'f [u8]) -> Self {
        Self { folded, from: 0, end: 0, stretch: Seen([0; STRETCH]), whole: None }
    }

    /// Whether the text has none of the needles of what is left of a phrase at this place or behind it, where there are any. Of places
    /// that are asked for one after the other, it is quick.
    pub fn lack(&mut self, left: &Left<'_>, at: usize) -> bool {
        if left.needles.is_empty() {
            return false;
        }
        if !left.is(PLAIN) {
            let folded = self.folded;
            let whole = self.whole.get_or_insert_with(|| {
                let mut seen = Box::new(Seen([0; WHOLE]));
                seen.see(folded);
                seen
            });
            return !left.needles.iter().any(|needle| whole.has(*needle));
        }
        if at < self.from || at >= self.end {
            let goes_on = |byte: &&u8| **byte == b' ' || is_of_gap(**byte);
            self.from = at;
            self.end = at + self.folded[at..].iter().take_while(goes_on).count();
            self.stretch = Seen([0; STRETCH]);
            self.stretch.see(&self.folded[at..self.end]);
        }
        !left.needles.iter().any(|needle| self.stretch.has(*needle))
    }
}

/// Which needles a text may have: none that is not set.
struct Seen<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Seen<WORDS> {
    fn see(&mut self, text: &[u8]) {
        for needle in text.array_windows::<NEEDLE>() {
            self.set(*needle);
            self.set([needle[0], needle[1], needle[2], 0]);
        }
        if let Some([a, b, c]) = text.last_chunk() {
            self.set([*a, *b, *c, 0]);
        }
    }

    const fn set(&mut self, needle: Needle) {
        let place = Self::place(needle);
        self.0[place / 64] |= 1 << (place % 64);
    }

    const fn has(&self, needle: Needle) -> bool {
        let place = Self::place(needle);
        self.0[place / 64] >> (place % 64) & 1 != 0
    }

    const fn place(needle: Needle) -> usize {
        let hash = u32::from_le_bytes(needle).wrapping_mul(0x9e37_79b1);
        (hash >> (u32::BITS - (WORDS * 64).trailing_zeros())) as usize
    }
}
