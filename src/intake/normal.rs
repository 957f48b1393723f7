//! Text as patterns see it: compatibility forms resolved, case folded, accents dropped, white space single.
//!
//! Patterns are folded by the same function, so that "Löschung", "LÖSCHUNG" and "loschung" are one word. Letters of other
//! scripts become ASCII too (see `script`), so that one fast pattern fits them all. Never used for anything that is stored
//! or shown.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

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
        let ascii = rest.bytes().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
        let mut run = &rest[..ascii];
        while let Some(byte) = run.bytes().next() {
            folding.push(char::from(byte.to_ascii_lowercase()));
            run = &run[1..];
            if folding.is_within_word() {
                let word = run.bytes().take_while(u8::is_ascii_alphanumeric).count();
                let start = folding.out.len();
                folding.out.push_str(&run[..word]);
                folding.out[start..].make_ascii_lowercase();
                run = &run[word..];
            }
        }
        rest = &rest[ascii..];
        let other = rest.bytes().position(|byte| byte.is_ascii()).unwrap_or(rest.len());
        let run = rest[..other].nfkc().flat_map(char::to_lowercase).nfd();
        run.filter(|c| !is_dropped(*c)).for_each(|c| folding.push(c));
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
    /// Whether an ASCII letter now only goes on with the word before it.
    const fn is_within_word(&self) -> bool {
        matches!(self.last, Script::Ascii) && !self.gap && self.breaks == 0
    }

    fn push(&mut self, c: char) {
        if c == '\n' {
            self.breaks += 1;
            return;
        }
        if c.is_whitespace() || c.is_control() {
            self.gap = true;
            return;
        }
        let script = Script::of(c);
        let parted = self.gap || self.breaks > 0 || script.parts_from(self.last, &self.out);
        if parted && !self.out.is_empty() {
            self.out.push(if self.breaks > 1 { '\n' } else { ' ' });
        }
        self.breaks = 0;
        match script {
            Script::Alphabet | Script::Ideograph => script::push(&mut self.out, c),
            // The Greek question mark looks like a semicolon, and is one after NFKC.
            Script::None if c == ';' && self.last == Script::Alphabet && script::ends_greek(&self.out) => {
                self.out.push('?');
            }
            Script::Ascii | Script::None => push_folded(&mut self.out, c),
        }
        // Nothing is written between a full stop of these scripts and the next sentence.
        self.gap = matches!(c, '。' | '、');
        self.last = script;
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
    fn cuts_at_characters() {
        assert_eq!(cut("äöü", 2), "äö");
        assert_eq!(cut("äöü", 9), "äöü");
    }
}
