//! Promise: no erasure request is lost among other letters, and no other letter is taken for one.
//!
//! `expunged classify --score` is what measures it: on the committed letters (`tests/mail/authored`, our own texts) always,
//! and on a larger set where `EXPUNGED_CORPUS` names a folder with a `manifest.jsonl`. The figures are printed
//! (`--nocapture`) and may only rise: those reached are the least that the next run must reach.

#![expect(clippy::print_stdout, reason = "the figures are what the score is for")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use expunged::intake::Lexicon;
use serde_json::Value;

use crate::support::expunged;

/// What was reached, as shares: at least, or at most.
struct Reached {
    erasure_open_or_review: f64,
    erasure_open: f64,
    erasure_right_kind: f64,
    others_open: f64,
    others_review: f64,
    yes: f64,
    subject: f64,
    spam: f64,
}

const COMMITTED: Reached = Reached {
    erasure_open_or_review: 1.0,
    erasure_open: 0.93,
    erasure_right_kind: 0.93,
    others_open: 0.0,
    others_review: 0.065,
    yes: 1.0,
    // Their manifest does not name the subject.
    subject: 0.0,
    // There is none among them.
    spam: 0.0,
};

const CORPUS: Reached = Reached {
    erasure_open_or_review: 1.0,
    // What a colleague passes on goes to a person, and so does what one language was not measured in.
    erasure_open: 0.92,
    erasure_right_kind: 0.968,
    others_open: 0.0,
    others_review: 0.0125,
    // Who signs with a name that they do not go by is asked again.
    yes: 0.84,
    subject: 0.99,
    // Learned from these letters; of those that were held out the example `train-spam` tells.
    spam: 0.84,
};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/authored")
}

/// The score of a folder's manifest, printed and parsed.
fn score(folder: &Path) -> Value {
    let manifest = folder.join("manifest.jsonl");
    let run = |arguments: &[&str]| {
        let output = expunged().arg("classify").arg("--score").arg(&manifest).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    println!("{}\n{}", run(&[]), run(&["--wrong"]));
    serde_json::from_str(&run(&["-o", "json"])).unwrap()
}

fn figure<'a>(score: &'a Value, name: &str) -> &'a Value {
    let figures = score["figures"].as_array().unwrap();
    figures.iter().find(|figure| figure["figure"] == name).unwrap_or_else(|| panic!("no figure {name}"))
}

fn check(score: &Value, reached: &Reached) {
    let share = |name: &str| figure(score, name)["share"].as_f64().unwrap_or_default();
    for (name, least) in [
        ("erasure_open_or_review", reached.erasure_open_or_review),
        ("erasure_open", reached.erasure_open),
        ("erasure_right_kind", reached.erasure_right_kind),
        ("yes", reached.yes),
        ("subject", reached.subject),
        ("spam", reached.spam),
    ] {
        assert!(share(name) >= least, "{name}: {} is below {least}", share(name));
    }
    for (name, most) in [("others_open", reached.others_open), ("others_review", reached.others_review)] {
        assert!(share(name) <= most, "{name}: {} is above {most}", share(name));
    }
    assert_eq!(figure(score, "machine_yes")["letters"], 0, "a machine said yes");
}

#[test]
fn committed_letters_are_understood() {
    let score = score(&committed());
    assert!(figure(&score, "erasure_open")["of"].as_u64() >= Some(40));
    assert!(figure(&score, "others_open")["of"].as_u64() >= Some(40));
    check(&score, &COMMITTED);
}

#[test]
fn corpus_is_understood() {
    let Some(folder) = std::env::var_os("EXPUNGED_CORPUS") else { return };
    let score = score(Path::new(&folder));
    check(&score, &CORPUS);
    // No language that opens requests by itself does so by chance.
    let languages = score["languages"].as_array().unwrap();
    for (tongue, _) in Lexicon::embedded().measured() {
        let Some(found) = languages.iter().find(|found| found["language"] == tongue.as_str()) else { continue };
        let count = |figure: &str, count: &str| found[figure][count].as_u64().unwrap();
        let (opened, either, all) =
            (count("erasure_open", "hits"), count("erasure_open_or_review", "hits"), count("erasure_open", "of"));
        assert!(opened * 10 >= all * 6, "{tongue}: {opened} of {all} opened");
        assert_eq!(either, all, "{tongue}: one is lost");
    }
}

/// A limit that is seen where there is none keeps a letter from opening: of the labelled ones hardly any has one.
#[test]
fn limits_are_rare_in_the_corpus() {
    let Some(folder) = std::env::var_os("EXPUNGED_CORPUS").map(PathBuf::from) else { return };
    let lexicon = Lexicon::embedded();
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    let (mut opened, mut limited) = (0, Vec::new());
    for line in manifest.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let of = |field: &str| entry[field].as_str().unwrap_or_default();
        if of("label").starts_with("erasure") {
            let letter = expunged::intake::read(
                &std::fs::read(folder.join(of("file"))).unwrap(),
                &lexicon,
                &expunged::intake::Limits::default(),
            );
            opened += usize::from(letter.verdict.opens());
            if letter.verdict.opens() && letter.limited {
                limited.push(of("file").to_owned());
            }
        }
    }
    println!("{} of {opened} letters that open have a limit: {limited:?}", limited.len());
    assert!(limited.len() * 100 <= opened * 5, "{limited:?}");
}

#[test]
fn letters_come_from_files_folders_mbox_and_the_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let head = "From: anna@example.org\nTo: support@shop.example\nSubject: ";
    let asks = format!("{head}Goodbye\n\nPlease delete my account.\n");
    let other = format!("{head}Invoice\n\nPlease send me the invoice of March once more.\n");
    std::fs::create_dir(folder.path().join("deep")).unwrap();
    write("deep/one", asks.as_bytes());
    write("both.mbox", format!("From a Mon Jan  5\n{other}\nFrom b Tue Jan  6\n{asks}").as_bytes());
    write("broken.eml", &[0xff, 0, 0xfe, b'\n', 0x80]);
    write("empty.eml", b"");
    write("notes.md", b"# no letter\n");
    let output = expunged().args(["classify", "-o", "jsonl"]).arg(folder.path()).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    let records: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |at: usize, field: &str| records[at][field].as_str().unwrap().to_owned();
    let names: Vec<String> = (0..records.len()).map(|at| of(at, "file")).collect();
    let ends = |at: usize, end: &str| assert!(names[at].ends_with(end), "{names:?}");
    assert_eq!(names.len(), 5, "{names:?}");
    let expected = ["both.mbox#1", "both.mbox#2", "broken.eml", "deep/one", "empty.eml"];
    expected.iter().enumerate().for_each(|(at, end)| ends(at, end));
    assert_eq!((of(0, "intent"), of(0, "disposition")), ("ordinary".into(), "ignore".into()));
    for at in [1, 3] {
        assert_eq!((of(at, "intent"), of(at, "disposition")), ("erasure_account".into(), "open".into()));
        assert_eq!(records[at]["subjects"], serde_json::json!(["anna@example.org"]));
    }
    assert_eq!(of(4, "disposition"), "ignore", "a letter of no bytes asks for nothing");
    assert!(err.contains("notes.md does not begin like a letter"), "{err}");
    let fields: Vec<&String> = records[1].as_object().unwrap().keys().collect();
    assert_eq!(fields.len(), 11, "{fields:?}");

    let mut piped = expunged();
    piped.args(["classify", "-o", "jsonl"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut piped = piped.spawn().unwrap();
    piped.stdin.take().unwrap().write_all(asks.as_bytes()).unwrap();
    let output = piped.wait_with_output().unwrap();
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&record["file"], &record["disposition"]), (&"-#1".into(), &"open".into()));
}

#[test]
fn a_path_that_is_not_there_is_named_and_the_others_are_judged() {
    let letter = committed().join("d00002.eml");
    let output = expunged().args(["classify", "-o", "jsonl", "nowhere.eml"]).arg(letter).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere.eml does not exist"));
}
