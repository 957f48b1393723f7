//! What of a letter may be a code or a token of ours. Candidates only: `verify` compares them.

use std::cell::OnceCell;

use super::Address;
use super::lexicon::{Group, Lexicon};
use super::normal::fold;

const CODES_MAX: usize = 8;
const CODE_SYMBOLS: usize = 6;
const TOKENS_MAX: usize = 16;
/// 26 base-32 symbols carry 128 bits.
const TOKEN_CHARS_MIN: usize = 26;
const TOKEN_CHARS_MAX: usize = 64;

/// Six symbols that may be a code: with a digit or all in capitals, or alone on their line, or behind "code". Words of
/// the lexicon are none, and beside a code with a digit letters alone are none either.
pub(super) fn codes(new_text: &str, lexicon: &Lexicon) -> Vec<String> {
    let mut found: Vec<(String, bool)> = Vec::new();
    for line in new_text.lines() {
        let cued = OnceCell::new();
        let is_cued = |code: &String| cued.get_or_init(|| cued_word(line, lexicon)).as_ref() == Some(code);
        let words: Vec<&str> =
            line.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|w| !w.is_empty()).collect();
        let alone = words.len() <= 2;
        let pairs = words.windows(2).filter(|pair| pair.iter().all(|half| half.len() == CODE_SYMBOLS / 2));
        let joined = pairs.map(|pair| pair.concat());
        let symbols = |word: &str| word.bytes().filter(|byte| *byte != b'-').count();
        let long_enough = words.iter().filter(|word| word.len() >= CODE_SYMBOLS && symbols(word) == CODE_SYMBOLS);
        for word in long_enough.map(|word| word.replace('-', "")).chain(joined) {
            let numbered = word.bytes().any(|b| b.is_ascii_digit());
            let marked = numbered || word.bytes().all(|b| b.is_ascii_uppercase());
            let Some(code) = crockford(&word).filter(|code| marked || alone || is_cued(code)) else {
                continue;
            };
            let fresh = found.len() < CODES_MAX && !found.iter().any(|(known, _)| *known == code);
            if fresh && (numbered || !lexicon.knows(&fold(&word))) {
                found.push((code, numbered));
            }
        }
    }
    let any_numbered = found.iter().any(|(_, numbered)| *numbered);
    found.into_iter().filter(|(_, numbered)| *numbered || !any_numbered).map(|(code, _)| code).collect()
}

/// Whether a word is one of these codes as somebody typed it, or half of one. Letters alone count only where there is
/// no other candidate: with two of them, one is a word that says something.
pub(super) fn is_of(word: &str, codes: &[String]) -> bool {
    if codes.is_empty() {
        return false;
    }
    // Inside a folded word this stands for a letter of another script.
    if word.trim_matches('_').contains('_') {
        return false;
    }
    let symbols = word.bytes().filter(u8::is_ascii_alphanumeric).count();
    if symbols != CODE_SYMBOLS && symbols != CODE_SYMBOLS / 2 {
        return false;
    }
    let bare: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
    let sure = codes.len() == 1 || codes.iter().all(|code| code.bytes().any(|b| (b'2'..=b'9').contains(&b)));
    let halves = bare.len() == CODE_SYMBOLS / 2;
    let typed = crockford_symbols(&bare);
    sure && codes.iter().any(|code| *code == typed || (halves && (code.starts_with(&typed) || code.ends_with(&typed))))
}

/// The first six symbols behind "code", "the code is", "code:".
fn cued_word(line: &str, lexicon: &Lexicon) -> Option<String> {
    let folded = fold(line);
    let end = lexicon.first_end(Group::CodeCue, &folded)?;
    folded[end..]
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .find(|w| !w.is_empty())
        .and_then(|word| crockford(&word.replace('-', "")))
}

/// Crockford's reading of six typed symbols: O is 0, I and L are 1, there is no U.
fn crockford(word: &str) -> Option<String> {
    let fits = word.len() == CODE_SYMBOLS && word.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| crockford_symbols(word)).filter(|symbols| !symbols.contains('U'))
}

fn crockford_symbols(word: &str) -> String {
    let read = |c: char| match c {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    word.to_ascii_uppercase().chars().map(read).collect()
}

/// What may be a token: long words of base-32 symbols in plus-addresses and texts.
pub(super) fn tokens<'a>(recipients: &'a [Address], texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let details = recipients.iter().filter_map(Address::subaddress);
    for text in details.chain(texts) {
        for word in text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric()) {
            if !(TOKEN_CHARS_MIN..=TOKEN_CHARS_MAX).contains(&word.len()) {
                continue;
            }
            if found.len() >= TOKENS_MAX {
                return found;
            }
            if !found.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word)) {
                found.push(word.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_as_people_type_them() {
        let lexicon = super::super::lexicon::for_tests();
        for text in ["7K3QM2", "the code is 7k3-qm2, thanks", "Code: 7K3 QM2", "7k3qm2", "Yes. DELETE ME! 7K3QM2"] {
            assert_eq!(codes(text, lexicon), ["7K3QM2"], "{text}");
        }
        assert_eq!(codes("code O1L2I3", lexicon), ["011213"]);
        assert!(codes("please delete all of it, thanks", lexicon).is_empty());
    }

    #[test]
    fn tokens_from_plus_addresses_and_text() {
        let token = "abcdefghijklmnopqrstuvwxyz";
        let to: Address = format!("support+{}@shop.example", token.to_uppercase()).parse().unwrap();
        assert_eq!(tokens(&[to], std::iter::empty()), [token]);
        assert_eq!(tokens(&[], [format!("see <support+c.{token}@x.example>").as_str()].into_iter()), [token]);
    }
}
