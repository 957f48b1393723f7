//! The rules of the house that no compiler knows: sizes, names, twins, and nothing of anybody's machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use expunged::domain::State;
use regex::Regex;

use crate::support::source::{code_of, files_below, module_of, read, root, rust_files};

/// More lines than this are perhaps two subjects in one file.
const LINES_MAX: usize = 600;

#[test]
fn no_source_file_is_too_long() {
    check(rust_files("src").iter().filter_map(|(file, text)| {
        let lines = text.lines().count();
        (lines > LINES_MAX).then(|| format!("{}: {lines} lines, more than {LINES_MAX}", file.display()))
    }));
}

#[test]
fn every_module_says_first_what_it_does() {
    let files = [rust_files("src"), rust_files("tests"), rust_files("benches")].concat();
    // A `tests.rs` beside a module is a part of that module and of its first lines.
    let silent = files.iter().filter(|(file, text)| !file.ends_with("tests.rs") && !text.starts_with("//! "));
    check(silent.map(|(file, _)| format!("{}: does not start with `//!`", file.display())));
}

#[test]
fn no_name_tells_nothing() {
    let vague =
        Regex::new(r"^(utils?|helpers?|common|misc|manager|handlers?|services?|data|info)$").expect("a pattern");
    check(files_below("src").iter().chain(&files_below("tests")).filter_map(|file| {
        let mut names = file.with_extension("");
        names = names.strip_prefix("src").unwrap_or(&names).to_owned();
        let found = names.iter().find(|name| vague.is_match(&name.to_string_lossy()))?;
        Some(format!("{}: `{}` tells nothing", file.display(), found.to_string_lossy()))
    }));
}

#[test]
fn lints_are_silenced_with_a_reason_and_no_test_is_left_out() {
    let banned = [
        // Where a macro makes an expectation come true only at times, an `allow` with its reason is right.
        (r"#!?\[allow\([^=\]]*\]", "silence a lint by #[expect(lint, reason = \"…\")]"),
        (r"#\[ignore", "a test runs or it does not exist"),
        (r"#\[should_panic", "say which error is expected, by assert!(matches!(…))"),
        (r"\btodo!\(|\bunimplemented!\(|\bdbg!\(", "unfinished"),
        (r"\bassert!\(true\)", "cannot fail"),
    ];
    let banned = banned.map(|(pattern, why)| (Regex::new(pattern).expect("a pattern"), why));
    let files = [rust_files("src"), rust_files("tests"), rust_files("benches")].concat();
    check(files.iter().flat_map(|(file, text)| {
        let code = code_of(text);
        let found = banned.iter().filter_map(|(pattern, why)| {
            let found = pattern.find(&code)?;
            let line = code[..found.start()].matches('\n').count() + 1;
            Some(format!("{}:{line}: `{}`: {why}", file.display(), found.as_str()))
        });
        found.collect::<Vec<_>>()
    }));
}

#[test]
fn every_integration_test_is_part_of_the_one_binary() {
    // Cargo finds no test by itself (autotests = false), so a file that nobody declares would never run.
    let main = code_of(&read(Path::new("tests/main.rs")));
    check(files_below("tests").iter().filter_map(|file| {
        let name = file.strip_prefix("tests").ok()?.to_str()?.strip_suffix(".rs")?;
        let missing = name != "main" && !name.contains('/') && !main.contains(&format!("mod {name};"));
        missing.then(|| format!("{}: not declared in tests/main.rs", file.display()))
    }));
}

#[test]
fn every_migration_has_its_twin() {
    let names = |dialect: &str| -> BTreeMap<String, PathBuf> {
        let files = files_below(&format!("migrations/{dialect}")).into_iter();
        files.filter_map(|file| Some((file.file_name()?.to_str()?.to_owned(), file))).collect()
    };
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    let lonely = sqlite.iter().filter(|(name, _)| !postgres.contains_key(*name));
    let lonely = lonely.chain(postgres.iter().filter(|(name, _)| !sqlite.contains_key(*name)));
    check(lonely.map(|(_, file)| format!("{}: has no twin of this name in the other dialect", file.display())));

    let pattern = Regex::new(r"^(\d{4})_[a-z0-9_]+\.sql$").expect("a pattern");
    check(sqlite.keys().enumerate().filter_map(|(at, name)| {
        let number = pattern.captures(name).and_then(|found| found[1].parse().ok());
        (number != Some(at + 1)).then(|| format!("{name}: the {}th migration is named {:04}_words.sql", at + 1, at + 1))
    }));
}

#[test]
fn the_package_forbids_what_the_house_forbids() {
    let package: toml::Table = read(Path::new("Cargo.toml")).parse().expect("Cargo.toml is TOML");
    let word =
        |path: &[&str]| path.iter().try_fold(&toml::Value::Table(package.clone()), |at, key| at.get(key)).cloned();
    assert_eq!(word(&["lints", "rust", "unsafe_code"]), Some("forbid".into()));
    for lint in ["unwrap_used", "expect_used", "panic", "todo", "dbg_macro", "print_stdout", "print_stderr"] {
        assert!(word(&["lints", "clippy", lint]).is_some(), "[lints.clippy] {lint} is gone");
    }
    assert_eq!(word(&["package", "rust-version"]), Some("1.95".into()));
    assert_eq!(word(&["package", "license"]), Some("MIT OR Apache-2.0".into()));
    let clippy: toml::Table = read(Path::new("clippy.toml")).parse().expect("clippy.toml is TOML");
    let bans = clippy["disallowed-methods"].to_string();
    for ban in ["std::time::SystemTime::now", "jiff::Timestamp::now", "jiff::Zoned::now", "tokio::spawn"] {
        assert!(bans.contains(&format!("\"{ban}\"")), "clippy.toml no longer bans {ban}");
    }
    // All that rand gives without being handed a generator.
    for ban in ["rng", "random", "random_range", "random_bool", "random_ratio", "random_iter", "fill", "make_rng"] {
        assert!(bans.contains(&format!("\"rand::{ban}\"")), "clippy.toml does not ban rand::{ban}");
    }
    assert!(root().join("Cargo.lock").exists(), "Cargo.lock is committed");
}

#[test]
fn nothing_in_the_tree_names_a_place_on_somebodys_machine() {
    // Homes, and whatever lies at the top of this machine's path to the tree (unless every Unix has it).
    let mut places = vec!["/home/".to_owned(), "/Users/".to_owned(), "/root/".to_owned()];
    let everywhere = ["home", "root", "usr", "var", "tmp", "opt", "srv", "mnt", "etc", "src", "app", "data", "build"];
    let top = root().iter().nth(1).and_then(|part| part.to_str()).expect("the package lies below some folder");
    if !everywhere.contains(&top) {
        places.push(format!("/{top}/"));
    }
    let pattern = places.iter().map(|place| regex::escape(place)).collect::<Vec<_>>().join("|");
    let pattern = Regex::new(&format!(r"(?:^|[^A-Za-z0-9.)}}/_-])(?:{pattern})")).expect("a pattern");
    // This file names the places that it looks for; letters in tests/mail are data.
    let files =
        files_below("").into_iter().filter(|file| !file.starts_with("tests/mail") && !file.ends_with("house.rs"));
    check(files.filter_map(|file| {
        let text = read(&file);
        let found = pattern.find(&text)?;
        let line = text[..found.start()].matches('\n').count() + 1;
        Some(format!("{}:{line}: `{}`", file.display(), found.as_str().trim()))
    }));
}

#[test]
fn ci_runs_the_test_command_and_nothing_else() {
    for script in [".ci/run", "tests/run", "tests/support/serve"] {
        let mode = fs::metadata(root().join(script)).expect("it is there").permissions().mode();
        assert!(mode & 0o100 != 0, "{script} can be run by its owner");
    }
    let script = read(Path::new(".ci/run"));
    let commands: Vec<&str> = script.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert!(commands[1].contains("tests/run"), "{commands:?}");
    assert!(read(Path::new("README.md")).contains("tests/run"), "the README names the test command");
}

#[test]
fn the_architecture_names_every_room_and_every_state() {
    let page = read(Path::new("ARCHITECTURE.md"));
    let rooms: BTreeSet<String> = rust_files("src")
        .iter()
        .filter_map(|(file, _)| module_of(file).first().map(|room| format!("`{room}`")))
        .collect();
    let states = State::ALL.iter().map(|state| format!(" {state}"));
    check(
        rooms
            .into_iter()
            .chain(states)
            .filter(|word| !page.contains(word))
            .map(|word| format!("ARCHITECTURE.md lacks{word}")),
    );
}

/// Fails with all complaints at once.
fn check(complaints: impl Iterator<Item = String>) {
    let complaints: Vec<String> = complaints.collect();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}
