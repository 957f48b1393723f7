//! Reads our own source as text: which files there are, what is code in them, which paths of the crate they name.
//!
//! Not a Rust parser. It knows comments, strings, `#[cfg(test)]` items and `use` trees, and that is all that the tests
//! of the house ask.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The folder of the package.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder of the package, as paths from its root, sorted. `target` and `.git` are no part of it.
pub fn files_below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("a folder of the package can be read").path();
            // Build output, and git's own: a folder, or a file in a second worktree.
            if path.ends_with("target") || path.ends_with(".git") {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(root()).expect("it lies below").to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The Rust files below a folder of the package with their text.
pub fn rust_files(folder: &str) -> Vec<(PathBuf, String)> {
    let files = files_below(folder).into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    files.map(|path| (path.clone(), read(&path))).collect()
}

/// The text of a file of the package; bytes that are no UTF-8 become replacement characters.
pub fn read(path: &Path) -> String {
    let bytes = fs::read(root().join(path)).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The text with comments and the insides of strings and characters blanked out; lines stay where they are.
pub fn code_of(text: &str) -> String {
    // One alternative per thing that can hold what looks like code. Raw strings of up to two hashes are enough here.
    let hidden = Regex::new(
        r##"(?xs) //[^\n]* | /\*.*?\*/ | r\#\#".*?"\#\# | r\#".*?"\# | \br"[^"]*" | "(?:\\.|[^"\\])*" | '(?:\\.[^']*|[^'\\])' "##,
    )
    .expect("a pattern of ours");
    let blank = |found: &regex::Captures<'_>| -> String {
        found[0].chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }).collect()
    };
    hidden.replace_all(text, blank).into_owned()
}

/// Code without its `#[cfg(test)]` items, and the names of the test modules that have files of their own.
pub fn without_tests(code: &str) -> (String, Vec<String>) {
    let mark = Regex::new(r"#\[cfg\((?:test|all\(test\b[^\]]*)\)\]").expect("a pattern of ours");
    let module =
        Regex::new(r"^\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;").expect("a pattern of ours");
    let (mut kept, mut modules, mut at) = (String::new(), Vec::new(), 0);
    while let Some(found) = mark.find_at(code, at) {
        kept.push_str(&code[at..found.start()]);
        let rest = &code[found.end()..];
        modules.extend(module.captures(rest).map(|name| name[1].to_owned()));
        let item = &rest[..end_of_item(rest)];
        // The lines stay where they are, so that a message names the right one.
        kept.extend(item.matches('\n'));
        at = found.end() + item.len();
    }
    kept.push_str(&code[at..]);
    (kept, modules)
}

/// Where an item ends: at its `;`, or at the brace that closes its first block.
fn end_of_item(code: &str) -> usize {
    let mut depth = 0_u32;
    for (at, letter) in code.char_indices() {
        match letter {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if letter == '}' && depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// A path of the crate that some code names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Its line, from 1.
    pub line: usize,
    /// Its segments after `crate`, for example `["mailbox", "settings", "Security"]`.
    pub path: Vec<String>,
}

/// All paths of the crate that code in this module names: by `crate::`, by the crate's name, or by `super::` up to
/// the crate's root and down again. `module` is the module's own path (`["mailbox", "imap"]`).
pub fn named_paths(code: &str, module: &[String]) -> BTreeSet<Named> {
    let start = Regex::new(r"\b(crate|expunged|super(?:\s*::\s*super\b)*)\s*::\s*").expect("a pattern of ours");
    let mut named = BTreeSet::new();
    for found in start.captures_iter(code) {
        let whole = found.get(0).expect("group 0 is the match");
        let before = match &found[1] {
            "crate" | "expunged" => Vec::new(),
            supers => {
                let up = supers.matches("super").count();
                module[..module.len().saturating_sub(up)].to_vec()
            }
        };
        let line = code[..whole.start()].matches('\n').count() + 1;
        let mut paths = Vec::new();
        read_tree(&code[whole.end()..], before, &mut paths);
        named.extend(paths.into_iter().map(|path| Named { line, path }));
    }
    named
}

/// Reads one `use` tree (or one plain path, which is the same with a single branch); answers what is left of the code.
fn read_tree<'code>(code: &'code str, mut before: Vec<String>, found: &mut Vec<Vec<String>>) -> &'code str {
    let mut rest = code.trim_start();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside.trim_start();
        while !rest.is_empty() && !rest.starts_with('}') {
            rest = read_tree(rest, before.clone(), found).trim_start();
            // An alias (`as name`) and the comma go; anything else would be no `use` tree.
            let end = rest.find([',', '}']).unwrap_or(rest.len());
            rest = rest[end..].trim_start_matches(',').trim_start();
        }
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    before.extend((end > 0).then(|| rest[..end].to_owned()));
    rest = &rest[end..];
    match rest.trim_start().strip_prefix("::") {
        Some(more) => read_tree(more, before, found),
        None => {
            found.push(before);
            rest
        }
    }
}

/// The path of the module that a file below `src` holds: `src/a/mod.rs` is `["a"]`, `src/a/b.rs` is `["a", "b"]`.
pub fn module_of(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix("src").expect("the file lies below src").with_extension("");
    let mut module: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

#[test]
fn code_keeps_its_lines_and_loses_comments_and_strings() {
    let text = "let a = \"crate::cli\"; // crate::db\n/* crate::web\n */ let b = '\"'; let c = r#\"x\"crate::y\"#; fn f<'a>() {}\n";
    let code = code_of(text);
    assert_eq!(code.matches('\n').count(), text.matches('\n').count());
    assert!(!code.contains("crate::"), "{code}");
    assert!(code.contains("fn f<'a>() {}") && code.contains("let b ="), "{code}");
}

#[test]
fn test_items_are_no_code_of_the_room() {
    let (code, modules) = without_tests(
        "use crate::a;\n#[cfg(test)]\nmod tests {\n use crate::b; fn f() { g([1; 2]) }\n}\nuse crate::c;\n#[cfg(test)]\n#[path = \"x\"]\nmod walk;\nuse crate::d;",
    );
    assert_eq!(modules, ["walk"]);
    assert!(!code.contains("crate::b"), "{code}");
    let lines: Vec<_> = named_paths(&code, &[]).into_iter().map(|named| (named.line, named.path.concat())).collect();
    assert_eq!(lines, [(1, "a".to_owned()), (6, "c".to_owned()), (10, "d".to_owned())]);
}

#[test]
fn use_trees_and_super_become_whole_paths() {
    let code = "use crate::{a::{B, c::D as E}, f}; fn g(h: super::super::i::J) -> crate::k::L::<M> {} use super::own;";
    let module = ["room".to_owned(), "file".to_owned()];
    let paths: Vec<_> = named_paths(code, &module).into_iter().map(|named| named.path.join("::")).collect();
    assert_eq!(paths, ["a::B", "a::c::D", "f", "i::J", "k::L", "room::own"]);
}
