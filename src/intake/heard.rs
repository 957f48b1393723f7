//! How many words of a text each language knows, counted for all languages at once.

use super::tongue::Tongues;

/// Words of a sentence that a language knows beside a better one, before the sentence may be in it.
const SENTENCE_WORDS_MIN: u32 = 3;
/// Digits of a count: texts have fewer words than these can say.
const DIGITS: usize = 20;

/// The counts, digit by digit: of each the languages whose count has it, the lowest first.
#[derive(Clone)]
pub(super) struct Heard([Tongues; DIGITS]);

impl Heard {
    pub const NOTHING: Self = Self([Tongues::NONE; DIGITS]);

    /// Counts a word that these know.
    pub fn hear(&mut self, languages: Tongues) {
        let mut carried = languages;
        for digit in &mut self.0 {
            let next = *digit & carried;
            *digit = *digit ^ carried;
            carried = next;
            if carried.is_empty() {
                return;
            }
        }
    }

    /// The languages of a sentence: none that knows a word or two beside a better one.
    pub fn sentence(&self) -> Tongues {
        self.knowing(SENTENCE_WORDS_MIN)
    }

    /// The languages of a whole text.
    pub fn plausible(&self) -> Tongues {
        self.knowing(0)
    }

    /// The languages that may be meant, as [`super::tongue::plausible`] says, and know so many words or as many as the best one.
    fn knowing(&self, words_min: u32) -> Tongues {
        let best = self.best();
        if best == 0 {
            return Tongues::NONE;
        }
        self.at_least(best.div_ceil(2).max(best.min(words_min)))
    }

    /// The largest count.
    fn best(&self) -> u32 {
        let (mut first, mut best) = (Tongues::ALL, 0);
        for (place, digit) in self.0.iter().enumerate().rev() {
            let with = *digit & first;
            if !with.is_empty() {
                first = with;
                best |= 1 << place;
            }
        }
        best
    }

    /// The languages whose count is no less than this one.
    fn at_least(&self, least: u32) -> Tongues {
        let (mut more, mut same) = (Tongues::NONE, Tongues::ALL);
        for (place, digit) in self.0.iter().enumerate().rev() {
            if least >> place & 1 == 0 {
                more |= same & *digit;
                same = same & !*digit;
            } else {
                same = same & *digit;
            }
        }
        more | same
    }
}

#[cfg(test)]
mod tests {
    use super::super::tongue::plausible;
    use super::*;

    #[test]
    fn all_are_counted_at_once() {
        let mut heard = Heard::NOTHING;
        assert_eq!((heard.sentence(), heard.plausible()), (Tongues::NONE, Tongues::NONE));
        let mut counts = [0_u32; Tongues::MAX];
        let mut sign = 7_u64;
        for words in 0..3_000_u32 {
            sign = sign.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Some know most words, and others few.
            let known: Vec<usize> =
                (0..Tongues::MAX).filter(|at| (sign >> (at % 40) & 31) as usize <= at / 2).collect();
            known.iter().for_each(|at| counts[*at] += 1);
            heard.hear(Tongues::of_numbers(known.into_iter()));
            let best = counts.iter().copied().max().unwrap();
            let meant = |words: u32, least: u32| words >= best.min(least) && plausible(words as usize, best as usize);
            let of = |least: u32| Tongues::of_numbers((0..Tongues::MAX).filter(|at| meant(counts[*at], least)));
            assert_eq!((heard.plausible(), heard.sentence()), (of(0), of(SENTENCE_WORDS_MIN)), "{words} words");
        }
    }
}
