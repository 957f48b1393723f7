//! Text as patterns see it: compatibility forms resolved, case folded, accents dropped, white space single.
//!
//! Patterns are folded by the same function, so that "Löschung", "LÖSCHUNG" and "loschung" are one word. Never used
//! for anything that is stored or shown.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// One text, folded: NFKC, lower case, no combining marks, straight quotes, single spaces.
///
/// A blank line becomes one `\n` and a single line break a space, because mail programs break lines anywhere.
pub(super) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut breaks = 0_u32;
    let mut gap = false;
    for c in text.nfkc().flat_map(char::to_lowercase).nfd().filter(|c| !is_dropped(*c)) {
        if c == '\n' {
            breaks += 1;
            continue;
        }
        if c.is_whitespace() || c.is_control() {
            gap = true;
            continue;
        }
        if !out.is_empty() && (gap || breaks > 0) {
            out.push(if breaks > 1 { '\n' } else { ' ' });
        }
        (breaks, gap) = (0, false);
        push_folded(&mut out, c);
    }
    out
}

/// Marks that change how a letter looks but not what it says, and marks that are not seen at all.
fn is_dropped(c: char) -> bool {
    is_combining_mark(c)
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

fn push_folded(out: &mut String, c: char) {
    match c {
        'ß' => out.push_str("ss"),
        'æ' => out.push_str("ae"),
        'œ' => out.push_str("oe"),
        'ø' => out.push('o'),
        'ł' => out.push('l'),
        'ı' => out.push('i'),
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
    }

    #[test]
    fn cuts_at_characters() {
        assert_eq!(cut("äöü", 2), "äö");
        assert_eq!(cut("äöü", 9), "äöü");
    }
}
