//! Each way to act on the world stands between two points of the source, so that a kill can fall before and behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use expunged::params;
use regex::Regex;

use super::mail::Mail;
use super::world::{Phase, Side, World};
use super::{all_points, shop};
use crate::support::source::{code_of, read, rust_files};

/// Where a daemon acts.
const FOLDERS: [&str; 4] = ["src/flow", "src/daemon", "src/erase", "src/cli"];

/// A command that sends letters of its own to our own mailbox, and takes them out: what is cut off there proves nothing, nobody
/// goes on with it, and its letters are known by what was committed before.
const BESIDE_THE_DAEMON: &str = "src/flow/doctor.rs";

/// What a daemon does outside of its ledger: the call, the only file that makes it, the points between which a kill tells
/// whether it happened, and what stands there one after the other: what passes the first point, what leads to the call,
/// and what passes the second.
const EFFECTS: [(&str, &str, [&str; 2], [&str; 3]); 11] = [
    ("mailer.send(", "src/flow/outbox.rs", SEND, [PASS_BEFORE_DATA, "house.mailer.send(&outgoing)", PASS_AFTER_DATA]),
    ("mailbox.mark(", "src/flow/arrive.rs", MARK, [PASS_STORED, "touched(mailbox, touch, due)", PASS_MARKED]),
    ("mailbox.move_to(", "src/flow/arrive.rs", MARK, [PASS_STORED, "touched(mailbox, touch, due)", PASS_MARKED]),
    ("mailbox.expunge(", "src/flow/expunge.rs", EXPUNGE, [INTEND, TAKE_OUT, PASS_EXPUNGED]),
    ("mailbox.expunge_by_message_id(", "src/flow/expunge.rs", EXPUNGE, [INTEND, TAKE_OUT, PASS_EXPUNGED]),
    ("mailbox.expunge_alike(", "src/flow/expunge.rs", EXPUNGE, [INTEND, TAKE_OUT, PASS_EXPUNGED]),
    ("store.delete(", "src/erase/act.rs", CHUNK, [PASS_BEGUN, "store.delete(", PASS_ACTED]),
    ("store.mask(", "src/erase/act.rs", CHUNK, [PASS_BEGUN, "store.mask(", PASS_ACTED]),
    ("store.ask(", "src/flow/ask.rs", ASK, [PASS_ASKING, "store.ask(", PASS_ASKED]),
    ("store.remind(", "src/flow/ask.rs", ASK, [PASS_ASKING, "store.remind(", PASS_ASKED]),
    ("store.set_canary(", "src/flow/canary.rs", CANARY, [PASS_INTENDED, "store.set_canary(", PASS_WRITTEN]),
];
const SEND: [&str; 2] = ["send.before_data", "send.after_data"];
const PASS_BEFORE_DATA: &str = r#"breakpoint!("send.before_data")"#;
const PASS_AFTER_DATA: &str = r#"breakpoint!("send.after_data")"#;
const MARK: [&str; 2] = ["arrive.stored", "mark.marked"];
const PASS_STORED: &str = r#"breakpoint!("arrive.stored")"#;
const PASS_MARKED: &str = r#"breakpoint!("mark.marked")"#;
const EXPUNGE: [&str; 2] = ["expunge.intended", "expunge.expunged"];
const INTEND: &str = "= intend(house, place, request, failures, lease)";
const TAKE_OUT: &str = "take_out(house, mailbox, place, cursor, &due)";
const PASS_EXPUNGED: &str = r#"breakpoint!("expunge.expunged")"#;
const CHUNK: [&str; 2] = ["erase:chunk_begun", "erase:chunk_acted"];
const PASS_BEGUN: &str = r#"ledger.breakpoint("erase:chunk_begun")"#;
const PASS_ACTED: &str = r#"ledger.breakpoint("erase:chunk_acted")"#;
const ASK: [&str; 2] = ["ask.intended", "ask.asked"];
const PASS_ASKING: &str = r#"breakpoint!("ask.intended")"#;
const PASS_ASKED: &str = r#"breakpoint!("ask.asked")"#;
const CANARY: [&str; 2] = ["canary.intended", "canary.written"];
const PASS_INTENDED: &str = r#"breakpoint!("canary.intended")"#;
const PASS_WRITTEN: &str = r#"breakpoint!("canary.written")"#;

/// Methods of these names that act on nothing outside: what holds the name in a file, and how often.
const NAMESAKES: [(&str, &str, usize); 6] = [
    ("mark", "src/flow/recipients.rs", 1), // a mark of the gate
    ("mark", "src/erase/marks.rs", 1),     // a mark in the ledger
    ("delete", "src/erase/planner.rs", 2), // a step of a plan
    ("mask", "src/erase/map/masks.rs", 1), // how a column is masked
    ("ask", "src/cli/check/filter.rs", 1), // a spam filter, about a letter of our own
    ("append", "src/cli/classify.rs", 1),  // to a list
];

/// Whatever the value is called that it is called on: each call of an acting method is one that stands in [`EFFECTS`].
#[test]
fn no_acting_method_is_called_under_another_name() {
    let names: BTreeSet<&str> =
        EFFECTS.iter().filter_map(|(call, ..)| call.split_once('.')?.1.strip_suffix('(')).chain(NOT_OURS).collect();
    for name in names {
        let call = Regex::new(&format!(r"\.\s*{name}\(")).expect("a pattern of ours");
        let mut found = BTreeMap::new();
        for (file, text) in FOLDERS.into_iter().flat_map(rust_files) {
            let (file, count) = (file.display().to_string(), call.find_iter(&code_of(&text)).count());
            if count > 0 && file != BESIDE_THE_DAEMON && !file.ends_with("_tests.rs") {
                found.insert(file, count);
            }
        }
        let mut known = BTreeMap::new();
        let acts = EFFECTS
            .iter()
            .filter(|(call, ..)| call.split_once('.').is_some_and(|(_, rest)| rest == format!("{name}(")));
        for (_, file, ..) in acts {
            *known.entry((*file).to_owned()).or_insert(0) += 1;
        }
        for (_, file, count) in NAMESAKES.iter().filter(|(namesake, ..)| *namesake == name) {
            *known.entry((*file).to_owned()).or_insert(0) += count;
        }
        assert_eq!(found, known, "{name}: an effect has its points, and stands in one list or the other");
    }
}

/// A new way to act on the world brings its points, and stands here.
#[test]
fn every_effect_outside_stands_between_two_points() {
    let points = all_points();
    for (call, file, between, order) in EFFECTS {
        let mut calls = BTreeMap::new();
        for folder in FOLDERS {
            for (file, text) in rust_files(folder) {
                calls.insert(file.display().to_string(), text.matches(call).count());
            }
        }
        calls.retain(|file, count| *count > 0 && file != BESIDE_THE_DAEMON);
        assert_eq!(calls, BTreeMap::from([(file.to_owned(), 1)]), "{call}");
        let text = read(Path::new(file));
        for point in between {
            assert!(
                points.contains(point) && text.contains(&format!("\"{point}\"")),
                "{call}: {point} is not in {file}"
            );
        }
        let places = order.map(|step| {
            assert_eq!(text.matches(step).count(), 1, "{file}: {step}");
            text.find(step)
        });
        assert!(places.is_sorted(), "{call}: {order:?} stand in another order in {file}");
    }
}

/// The contracts through which a daemon touches what is not its ledger, and what of them changes nothing there.
const CONTRACTS: [(&str, &str, &[&str]); 5] = [
    ("src/reply/mailer/mod.rs", "Mailer", &[]),
    ("src/mailbox/mod.rs", "Mailbox", &["open", "list", "fetch", "fetch_header", "count_by_message_id", "wait"]),
    (
        "src/stores/mod.rs",
        "RowStore",
        &["ping", "schema", "keys", "keys_of_both", "canonical", "tally", "count", "residue", "values", "canary"],
    ),
    ("src/stores/mod.rs", "Lookup", &["lookup", "describe"]),
    ("src/stores/request.rs", "RequestStore", &["look"]),
];

/// What no daemon does: tests put copies of our letters into a folder by it.
const NOT_OURS: [&str; 1] = ["append"];

/// A method that a contract gains is an effect with its points, or said to change nothing.
#[test]
fn every_method_of_a_contract_is_an_effect_or_changes_nothing() {
    let method = Regex::new(r"\bfn ([a-z_]+)").expect("a pattern of ours");
    let known: BTreeSet<&str> =
        EFFECTS.iter().filter_map(|(call, ..)| call.split_once('.')?.1.strip_suffix('(')).collect();
    let mut acting = BTreeSet::new();
    for (file, contract, reading) in CONTRACTS {
        let text = code_of(&read(Path::new(file)));
        let start = text.find(&format!("pub trait {contract}")).unwrap_or_else(|| panic!("{file}: no {contract}"));
        let end = text[start..].find("\n}").expect("a trait ends");
        let methods: BTreeSet<String> =
            method.captures_iter(&text[start..start + end]).map(|found| found[1].to_owned()).collect();
        for name in reading {
            assert!(methods.contains(*name), "{contract} has no {name} any more");
        }
        acting.extend(methods.into_iter().filter(|name| !reading.contains(&name.as_str())));
    }
    for name in NOT_OURS {
        assert!(acting.remove(name), "no contract has {name} any more");
        for folder in FOLDERS {
            for (file, text) in rust_files(folder) {
                let call = format!("mailbox.{name}(");
                assert!(!text.contains(&call), "{}: {call} is an effect and needs its points", file.display());
            }
        }
    }
    assert_eq!(acting.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
}

/// Before the first write the keys are saved, and what is about to be done is on record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_about_to_be_erased_is_on_record_before_it_is() {
    let world = World::create(Side::Sqlite, Mail::Folders).await;
    let mut daemon = world.start(None);
    for phase in [Phase::Opened, Phase::Challenged, Phase::Confirmed] {
        world.prepare(phase).await;
        daemon.work(phase).await.unwrap_or_else(|why| panic!("{why}"));
    }
    let before = shop::rows(world.folder()).await;
    daemon.die(Phase::Erased, "erase:chunk_begun", 1).await.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(shop::rows(world.folder()).await, before, "nothing was written yet");
    let ledger = world.ledger().await;
    let mut tx = ledger.read().await.unwrap();
    let sql = "SELECT (SELECT COUNT(*) FROM saved_keys) AS saved,
        (SELECT COUNT(*) FROM trail WHERE event = 'intent') AS intents,
        (SELECT COUNT(*) FROM trail WHERE event = 'outcome') AS outcomes";
    let row = tx.one(sql, params![]).await.unwrap();
    let count = |name: &str| row.i64(name).unwrap();
    assert!(count("saved") > 0 && count("intents") > 0, "saved {}, intents {}", count("saved"), count("intents"));
    assert_eq!(count("outcomes"), 0, "and no outcome is");
    drop(tx);
    ledger.close().await;
    world.leave().await;
}
