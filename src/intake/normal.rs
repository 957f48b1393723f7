//! Text as patterns see it: compatibility forms resolved, case folded, accents dropped, white space single.
//!
//! Patterns are folded by the same function, so that "Löschung", "LÖSCHUNG" and "loschung" are one word. Letters of other
//! scripts become ASCII too (see `script`), so that one fast pattern fits them all. Never used for anything that is stored
//! or shown.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

use super::script::{self, Script};
use crate::domain::is_unseen;

/// One text, folded: NFKC, lower case, no combining marks, straight quotes, single spaces.
///
/// A blank line becomes one `\n` and a single line break a space, because mail programs break lines anywhere.
pub(super) fn fold(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return text.to_ascii_lowercase();
    }
    let mut folding = Folding { out: String::with_capacity(text.len()), breaks: 0, gap: false, last: Script::None };
    let mut rest = text;
    while !rest.is_empty() {
        // ASCII is what it is beside any other letter; only marks are composed with it, and those are dropped.
        let is_ascii = rest.is_ascii();
        let ascii = if is_ascii { rest.len() } else { rest.bytes().take_while(u8::is_ascii).count() };
        folding.push_ascii(&rest[..ascii]);
        rest = &rest[ascii..];
        let other = rest.bytes().position(|byte| byte.is_ascii()).unwrap_or(rest.len());
        folding.push_others(&rest[..other]);
        rest = &rest[other..];
    }
    folding.out
}

/// A text that is being folded.
struct Folding {
    out: String,
    /// Line breaks since the last sign.
    breaks: u32,
    gap: bool,
    last: Script,
}

impl Folding {
    fn push_ascii(&mut self, run: &str) {
        let bytes = run.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let end = at + unchanged(&bytes[at..]);
            // Behind a letter of another script a semicolon may be a question mark.
            if end == at || byte == b';' {
                self.push_one(byte);
                at += 1;
                continue;
            }
            let script = |byte: u8| if byte.is_ascii_alphanumeric() { Script::Ascii } else { Script::None };
            self.part(script(byte));
            let start = self.out.len();
            self.out.push_str(&run[at..end]);
            self.out[start..].make_ascii_lowercase();
            self.last = script(bytes[end - 1]);
            at = end;
        }
    }

    fn push_one(&mut self, byte: u8) {
        match byte {
            b'\n' => self.breaks += 1,
            b' ' | b'\t' | b'\r' => self.gap = true,
            other => self.push(char::from(other), Script::None),
        }
    }

    fn push_others(&mut self, run: &str) {
        if run.chars().all(|c| Known::of(c).is_some()) {
            run.chars().filter_map(Known::of).for_each(|known| {
                known.signs.iter().map_while(|sign| *sign).for_each(|(c, script)| self.push(c, script));
            });
            return;
        }
        others(run).for_each(|c| self.push(c, Script::of(c)));
    }

    /// Parts what follows, of this script, from what stands before it, where something does.
    fn part(&mut self, script: Script) {
        let parted = self.gap || self.breaks > 0 || script.parts_from(self.last, &self.out);
        if parted && !self.out.is_empty() {
            self.out.push(if self.breaks > 1 { '\n' } else { ' ' });
        }
        (self.breaks, self.gap, self.last) = (0, false, script);
    }

    fn push(&mut self, c: char, script: Script) {
        if c == '\n' {
            self.breaks += 1;
            return;
        }
        if c.is_whitespace() || c.is_control() {
            self.gap = true;
            return;
        }
        let last = self.last;
        self.part(script);
        match script {
            Script::Alphabet | Script::Ideograph => script::push(&mut self.out, c),
            // The Greek question mark looks like a semicolon, and is one after NFKC.
            Script::None if c == ';' && last == Script::Alphabet && script::ends_greek(&self.out) => {
                self.out.push('?');
            }
            Script::Ascii | Script::None => push_folded(&mut self.out, c),
        }
        // Nothing is written between a full stop of these scripts and the next sentence.
        self.gap = matches!(c, '。' | '、');
    }
}

/// How many bytes of ASCII stay as they are, but for their case: words and most signs, and single spaces between them.
fn unchanged(ascii: &[u8]) -> usize {
    let stays = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'|' | b'`');
    let mut end = 0;
    for (at, byte) in ascii.iter().enumerate() {
        match *byte {
            byte if stays(byte) => end = at + 1,
            b' ' if at > 0 && end == at => {}
            _ => break,
        }
    }
    end
}

/// Signs that are no ASCII, as they are before `push`.
fn others(run: &str) -> impl Iterator<Item = char> {
    run.nfkc().flat_map(char::to_lowercase).nfd().filter(|c| !is_dropped(*c))
}

/// What becomes of a sign that no other one beside it changes: no mark, and none that marks are composed with.
#[derive(Clone, Copy)]
struct Known {
    /// In order, each with its script.
    signs: [Option<(char, Script)>; 3],
}

impl Known {
    /// Letters of Europe and the Near East, and the signs that are written between them.
    const RANGES: [std::ops::Range<u32>; 2] = [0x80..0x700, 0x2000..0x20d0];

    fn of(c: char) -> Option<&'static Self> {
        static ALL: LazyLock<Vec<Option<Known>>> = LazyLock::new(|| {
            let all = Known::RANGES.into_iter().flatten();
            all.map(|code| char::from_u32(code).and_then(Known::made)).collect()
        });
        let code = u32::from(c);
        let [letters, signs] = Self::RANGES;
        let place = match code {
            _ if letters.contains(&code) => code - letters.start,
            _ if signs.contains(&code) => code - signs.start + (letters.end - letters.start),
            _ => return None,
        };
        ALL.get(place as usize)?.as_ref()
    }

    /// By the way that all others go.
    fn made(c: char) -> Option<Self> {
        let alone = c.to_string();
        let is_mark = alone.chars().chain(alone.nfkc()).any(|c| canonical_combining_class(c) != 0);
        let mut signs = [None; 3];
        let all: Vec<char> = others(&alone).collect();
        let fits = all.len() <= signs.len() && !is_mark;
        signs.iter_mut().zip(all).for_each(|(sign, c)| *sign = Some((c, Script::of(c))));
        fits.then_some(Self { signs })
    }
}

/// Marks that change how a letter looks but not what it says, and marks that are not seen at all.
fn is_dropped(c: char) -> bool {
    is_combining_mark(c) || is_unseen(c) || matches!(c, '·' | 'ـ')
}

fn push_folded(out: &mut String, c: char) {
    match c {
        'ß' => out.push_str("ss"),
        'æ' => out.push_str("ae"),
        'œ' => out.push_str("oe"),
        'ø' => out.push('o'),
        'ł' => out.push('l'),
        'ı' => out.push('i'),
        'đ' | 'ð' => out.push('d'),
        'ħ' => out.push('h'),
        'þ' => out.push_str("th"),
        '。' => out.push('.'),
        '、' | '،' => out.push(','),
        '؛' => out.push(';'),
        '؟' => out.push('?'),
        '「' | '」' | '『' | '』' => out.push('"'),
        '’' | '‘' | '‚' | '´' | '`' | 'ʼ' => out.push('\''),
        '“' | '”' | '„' | '«' | '»' => out.push('"'),
        '|' | '¦' => out.push(';'),
        '‐' | '‑' | '‒' | '–' | '—' => out.push('-'),
        other => out.push(other),
    }
}

/// The first `chars_max` characters of a text.
pub(super) fn cut(text: &str, chars_max: usize) -> &str {
    // No sign is shorter than a byte.
    if text.len() <= chars_max {
        return text;
    }
    text.char_indices().nth(chars_max).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case_accents_and_space() {
        assert_eq!(fold("  Bitte LÖSCHEN\r\nSie  Straße\n\n\nŒuvre’s "), "bitte loschen sie strasse\noeuvre's");
    }

    #[test]
    fn unseen_marks_do_not_hide_words() {
        assert_eq!(fold("de\u{200b}le\u{ad}te"), "delete");
        assert_eq!(fold("\u{61c}de\u{2066}le\u{e0065}te\u{fffb}"), "delete");
    }

    #[test]
    fn other_scripts_are_ascii_words() {
        let folded = fold("Удалите МОЙ аккаунт");
        assert_eq!(folded, fold("удалите мой аккаунт"));
        assert!(folded.is_ascii() && folded.split(' ').count() == 3, "{folded}");
        assert_eq!(fold("ёлка й"), fold("елка и"));
        assert_eq!(fold("λόγος"), fold("ΛΟΓΟΣ"));
        assert_eq!(fold("cancel·lar compte"), "cancellar compte");
    }

    #[test]
    fn every_ideograph_is_a_word() {
        let folded = fold("请删除，谢谢。ok");
        assert_eq!(folded.split(' ').count(), 6, "{folded}");
        assert!(folded.ends_with(". ok") && folded.contains(", __"), "{folded}");
        assert_eq!(fold(&folded), folded);
    }

    #[test]
    fn marks_behind_ascii_are_dropped_as_those_within_letters_are() {
        assert_eq!(fold("lo\u{308}schen I\u{307}K\u{327}"), fold("löschen İĶ"));
        assert_eq!(fold("a\u{308}\u{327}b"), "ab");
    }

    #[test]
    fn what_is_known_of_a_sign_is_what_becomes_of_it() {
        let known: Vec<char> = Known::RANGES.into_iter().flatten().filter_map(char::from_u32).collect();
        let all: Vec<char> = known.iter().copied().chain("字가ｱ\u{301}\u{327}\u{1eb7}a".chars()).collect();
        let slowly = |text: &str| {
            let mut folding = Folding { out: String::new(), breaks: 0, gap: false, last: Script::None };
            let of = |c: char| c.to_string();
            let runs = text.chars().collect::<Vec<char>>();
            for run in runs.chunk_by(|a, b| a.is_ascii() == b.is_ascii()) {
                let run: String = run.iter().copied().map(of).collect();
                others(&run).for_each(|c| folding.push(c, Script::of(c)));
            }
            folding.out
        };
        let (mut at, mut step) = (0, 1);
        for _ in 0..40_000 {
            let text: String = (0..6)
                .map(|_| {
                    (at, step) = ((at + step) % all.len(), step % 997 + 1);
                    all[at]
                })
                .collect();
            assert_eq!(fold(&text), slowly(&text), "{}", text.escape_unicode());
        }
        assert_eq!(fold("Ein `Wort`|zwei;\t\u{1f}drei\r\n"), slowly("Ein `Wort`|zwei;\t\u{1f}drei\r\n"));
        assert!(known.iter().filter(|c| Known::of(**c).is_some()).count() > 1_000);
    }

    #[test]
    fn cuts_at_characters() {
        assert_eq!(cut("äöü", 2), "äö");
        assert_eq!(cut("äöü", 9), "äöü");
    }
}
