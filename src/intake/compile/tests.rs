use std::ops::Range;
use std::path::Path;

use super::index::write_nodes;
use super::pattern::pattern;
use super::*;
use crate::intake::lexicon::EMBEDDED_BYTES;
use crate::intake::normal::fold;
use crate::intake::phrases::{Finder, Reading, starts};
use crate::intake::tables::{ROOTS, Tables, Which};
use crate::intake::trie::Trie;

/// The files as they are now.
fn files() -> Vec<(Tongue, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/lexicon");
    let read = |tongue: &Tongue| std::fs::read_to_string(folder.join(format!("{tongue}.toml"))).unwrap();
    Tongue::ALL.iter().map(|tongue| (*tongue, read(tongue))).collect()
}

fn gathered() -> Gathered {
    let files = files();
    Gathered::of(files.iter().map(|(tongue, text)| (*tongue, text.as_str()))).unwrap()
}

#[test]
fn the_program_carries_what_its_files_say() {
    let made = gathered();
    let carried = Tables::of(EMBEDDED_BYTES);
    assert_eq!(made.digest, carried.digest, "the tables of the program are of other files");
    assert!(made.written().unwrap().into_bytes() == EMBEDDED_BYTES, "the tables of the program are others");
}

#[test]
fn every_trie_has_phrases() {
    let tables = Tables::of(EMBEDDED_BYTES);
    for which in Which::all() {
        let mut roots = (0..ROOTS).map(|byte| tables.roots.row(which.number() * ROOTS + byte)[0]);
        assert!(roots.any(|root| root != 0), "{which:?}");
    }
}

/// Sentences of the tests in every language, read in all of them.
#[test]
fn what_is_found_is_what_each_pattern_finds() {
    let (made, tables) = (gathered(), Tables::of(EMBEDDED_BYTES));
    let here = |of: &Pattern| {
        let sources: Vec<String> = of.phrases.iter().map(pattern).collect();
        regex::Regex::new(&format!("^(?:{})", sources.join("|"))).unwrap()
    };
    let patterns: Vec<regex::Regex> = made.patterns.iter().map(here).collect();
    let sentences = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/sentences");
    for tongue in Tongue::ALL {
        let text = std::fs::read_to_string(sentences.join(format!("{tongue}.txt"))).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).take(12).collect();
        let text = fold(&lines.join("\n\n"));
        let found = Finder::of(&tables, Which::All).find(&text, Reading::All);
        let mut found: Vec<(usize, Range<usize>)> =
            found.into_iter().map(|found| (found.pattern, found.range)).collect();
        let mut expected: Vec<(usize, Range<usize>)> = Vec::new();
        for (number, here) in patterns.iter().enumerate() {
            let mut free = 0;
            for at in starts(&text) {
                let end = here.find(&text[at..]).map_or(0, |hit| at + hit.end());
                if at >= free && end > at {
                    free = end;
                    expected.push((number, at..end));
                }
            }
        }
        found.sort_by_key(|(pattern, range)| (*pattern, range.start));
        expected.sort_by_key(|(pattern, range)| (*pattern, range.start));
        for (found, expected) in found.iter().zip(&expected) {
            let Pattern { language, of, .. } = &made.patterns[expected.0];
            assert_eq!(found, expected, "{language} {}: {}", of.name(), &text[expected.1.clone()]);
        }
        assert_eq!(found.len(), expected.len(), "{tongue}");
    }
}

#[test]
fn a_wrong_file_is_named() {
    let error = |text: &str| compile([(Tongue::Fr, text)].into_iter()).err().unwrap();
    let unknown = error("[groups]\nnonsense = []\n");
    assert!(matches!(unknown, LexiconError::UnknownGroup { ref name, .. } if name == "fr.toml"), "{unknown}");
    let unknown = error("[groups]\n[words]\nnonsense = []\n");
    assert!(matches!(unknown, LexiconError::UnknownList { ref list, .. } if list == "nonsense"), "{unknown}");
    let lexicon = |more: &str| error(&format!("[groups]\nerase_verb = [\"efface*\"]\n{more}"));
    let phrase = |more: &str| match lexicon(&format!("request = [\"{more}\"]")) {
        LexiconError::Phrase { group, source, .. } if group == "request" => source.to_string(),
        error => panic!("{error}"),
    };
    assert!(phrase("… merci").contains("no beginning"));
    assert!(phrase("merci (bien").contains("without its other one"));
    assert!(phrase(&format!("merci … {}", "bien ".repeat(20_000))).contains("too long"));
    let missing = lexicon("[measured]\nerasure_letters = 40\nopened = 39\nreviewed = 1");
    assert!(matches!(missing, LexiconError::MissingGroup { .. }), "{missing}");
}

#[test]
fn a_text_begins_with_what_it_begins_with() {
    let texts = ["a", "ab", "abcd", "b c", "bd"];
    let written = |texts: &[&str]| {
        let mut out = Written::default();
        // The trie of all is the first, and the one that is asked is the second.
        write_nodes(&mut out, &["a", "zz"], 0);
        out.bytes(Section::Digest, &[0; 32]);
        write_nodes(&mut out, texts, 2);
        out.into_bytes()
    };
    let found = |texts: &[&'static str], text: &str| {
        let bytes = written(texts);
        let mut found = Vec::new();
        let trie = Trie { tables: &Tables::of(&bytes), which: Which::Cues };
        trie.walk(text.as_bytes(), |number, length| found.push((texts[number - 2], length)));
        found
    };
    assert_eq!(found(&texts, "abcde"), [("a", 1), ("ab", 2), ("abcd", 4)]);
    assert_eq!(found(&texts, "b cx"), [("b c", 3)]);
    assert!(found(&texts, "").is_empty() && found(&texts, "bc").is_empty() && found(&texts, "x").is_empty());
    assert_eq!(found(&texts, "a"), [("a", 1)]);
    assert!(found(&[], "a").is_empty());
}
