//! The command line keeps its promises: exit codes, data on stdout and the rest on stderr, nothing written by looking.

mod agreed;
mod close;
mod codes;
mod doctor;
mod holds;
mod installed;
mod looking;
mod maps;
mod names;
mod operator;
mod post;
mod secrets;
mod shop;
mod start;
mod stranger;
mod template;
mod told;
mod words;

use std::process::Output;

use serde_json::Value;

use self::shop::{Shop, text};
use crate::support::expunged;

/// What a command printed and how it ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Said {
    fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.err);
        serde_json::from_str(&self.out).expect("JSON on stdout")
    }

    /// A command that failed says why, once, on stderr, and gives no data.
    fn failed(&self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "{}", self.err);
        assert_eq!(self.out, "", "no data");
        assert!(self.err.contains(words), "{words:?} in {}", self.err);
    }
}

fn run(arguments: &[&str]) -> Said {
    expunged().args(arguments).output().expect("it runs").into()
}

#[test]
fn every_command_has_its_page() {
    let cases = trycmd::TestCases::new();
    cases.register_bin("expunged", std::path::Path::new(env!("CARGO_BIN_EXE_expunged")));
    cases.env("COLUMNS", "100").case("tests/cmd/*.trycmd");
}

#[test]
fn the_pages_are_of_all_commands() {
    let said = run(&["--help"]);
    let commands = said.out.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    let commands: Vec<&str> =
        commands.filter_map(|line| line.split(' ').next().filter(|name| !name.is_empty())).collect();
    assert!(commands.contains(&"requests") && commands.contains(&"demo"), "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        let page = format!("{}/tests/cmd/{command}.trycmd", env!("CARGO_MANIFEST_DIR"));
        assert!(std::path::Path::new(&page).exists(), "{page} is missing");
    }
}

#[test]
fn a_missing_config_is_said_so() {
    run(&["requests", "list", "--config", "/does/not/exist.toml"]).failed(2, "cannot read the config file");
}

#[test]
fn a_wrong_config_shows_file_line_caret_and_fix() {
    let shop = Shop::new();
    let config = shop.config_with("poll_seconds = 60", "poll_secs = 60");
    let said = run(&["check", "--config", &config]);
    said.failed(2, "poll_secs");
    assert!(said.err.contains(&format!("{config}:")), "{}", said.err);
    assert!(said.err.contains("^^^^"), "{}", said.err);
}

#[test]
fn colour_is_for_those_who_want_it() {
    let shop = Shop::new();
    let config = shop.config_with("poll_seconds = 60", "poll_secs = 60");
    let coloured = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = expunged();
        command.args(["check", "--config", &config]).args(arguments).env("CLICOLOR_FORCE", "1");
        command.envs(environment.iter().copied());
        text(&command.output().expect("it runs").stderr).contains('\u{1b}')
    };
    assert!(coloured(&[], &[]));
    assert!(!coloured(&[], &[("NO_COLOR", "1")]));
    assert!(!coloured(&["--no-color"], &[]));
}

#[test]
fn an_empty_ledger_lists_nothing() {
    let shop = Shop::begun();
    assert_eq!(shop.run(&["requests", "list", "-o", "json"]).json(), serde_json::json!([]));
    assert_eq!(shop.run(&["jobs", "list", "-o", "jsonl"]).out, "");
    let status = shop.run(&["mailbox", "status", "-o", "json"]).json();
    assert_eq!((&status["cursor"], &status["letters"]), (&Value::Null, &serde_json::json!({})));
    let export = shop.run(&["trail", "export"]);
    assert_eq!((export.code, export.out.as_str()), (Some(0), ""));
}

#[test]
fn what_does_not_exist_is_not_found() {
    let shop = Shop::begun();
    for verb in [&["show"][..], &["hold"], &["release"], &["withdraw"], &["note"], &["approve"]] {
        let mut arguments = vec!["requests", verb[0], "EXP-7K3Q-M2"];
        arguments.extend((verb[0] == "note").then_some("words"));
        shop.run(&arguments).failed(3, "there is no request EXP-7K3Q-M2");
    }
    shop.run(&["trail", "show", "exp7k3qm2"]).failed(3, "there is no request EXP-7K3Q-M2");
    shop.run(&["jobs", "retry", "00000000-0000-0000-0000-000000000000"]).failed(3, "has failed for good");
    shop.run(&["requests", "show", "nonsense"]).failed(2, "a reference looks like");
}

#[test]
fn a_wrong_word_on_the_command_line_says_what_is_expected() {
    let shop = Shop::begun();
    let day = [
        "requests",
        "refuse",
        "EXP-7K3Q-M2",
        "--ground",
        "A claim",
        "--article",
        "Art. 17(3)(b)",
        "--review-on",
        "soon",
    ];
    shop.run(&day).failed(2, "expected a day such as");
    shop.run(&["replay", "--since", "2999-01-01"]).failed(2, "no backup is of a time to come");
    // The file of a store's url is looked for beside its map, and the error says where that is.
    let map = std::fs::read_to_string(shop.path("shop.toml")).expect("the map");
    let map: Vec<&str> =
        map.lines().map(|l| if l.starts_with("url = ") { "url_file = \"shop.url\"" } else { l }).collect();
    std::fs::write(shop.path("shop.toml"), map.join("\n")).expect("the map");
    let at = shop.path("shop.url").display().to_string();
    shop.run(&["map", "check"]).failed(2, &at);
    shop.run(&["plan", "olga@customer.example"]).failed(2, &at);
}

#[test]
fn a_plan_counts_and_writes_nothing() {
    let shop = Shop::new();
    let before = shop.bytes();
    let plan = shop.run(&["plan", "Olga@customer.example", "-o", "json"]).json();
    assert_eq!((&plan["scope"], &plan["rows_total"]), (&"account".into(), &6.into()), "{plan}");
    assert_eq!(plan["digest"].as_str().map(str::len), Some(64));
    let row = |table: &str| {
        // The last step of a table says what becomes of its rows; the ones before it prepare that.
        let steps = plan["steps"].as_array().expect("steps");
        steps.iter().rfind(|step| step["table"] == table).unwrap_or_else(|| panic!("{table} in {plan}")).clone()
    };
    assert_eq!((&row("users")["rows"], &row("users")["act"]), (&2.into(), &"delete".into()));
    let kept = row("orders");
    assert_eq!((&kept["act"], &kept["ground"]), (&"mask".into(), &"Art. 17(3)(b) GDPR".into()));
    assert_eq!(kept["until"], "2034-03-01");

    let table = shop.run(&["plan", "bo@customer.example"]);
    assert_eq!(table.code, Some(0), "{}", table.err);
    assert!(table.out.starts_with("step") || table.out.starts_with(" step"), "{}", table.out);
    assert!(table.err.contains("nothing was written to a store"));
    assert!(table.out.contains("kept until at the latest"), "the day of the last row: {}", table.out);
    assert!(!table.out.contains("customer.example"));

    shop.run(&["plan", "nobody@customer.example"]).failed(3, "no account has this address");
    shop.run(&["plan", "bo@customer.example", "--scope", "end_user"]).failed(2, "name the person with --target");
    shop.run(&["plan", "olga@customer.example", "--scope", "user", "--target", "Bo"]).json_digest_differs(&plan);
    assert_eq!(shop.bytes(), before, "the store is as it was");
    assert!(!shop.has("ledger.db"), "a plan opens no database of ours");
}

impl Said {
    /// Another person is another plan.
    fn json_digest_differs(&self, other: &Value) {
        assert_eq!(self.code, Some(0), "{}", self.err);
        assert!(!self.out.contains(other["digest"].as_str().expect("a digest")));
    }
}

#[test]
fn a_check_says_what_is_right_and_what_to_do() {
    let shop = Shop::new();
    let said = shop.run(&["check", "-o", "json"]);
    let lines = said.json();
    let result = |lines: &Value, check: &str| {
        let found = lines.as_array().expect("lines").iter().find(|line| line["check"] == check);
        found.unwrap_or_else(|| panic!("{check} in {lines}"))["result"].as_str().expect("a word").to_owned()
    };
    assert_eq!((result(&lines, "config"), result(&lines, "data maps")), ("ok".into(), "ok".into()));
    assert_eq!(result(&lines, "key file"), "not_there_yet");

    let said = shop.run(&["check", "--connect", "-o", "json"]);
    assert_eq!(said.code, Some(5), "nobody answers at the mail server's port: {}", said.err);
    let lines: Value = serde_json::from_str(&said.out).expect("JSON on stdout");
    for check in ["store shop", "maps fit stores", "directory find", "directory target", "directory owner", "mailbox"] {
        assert_eq!(result(&lines, check), "ok", "{lines}");
    }
    assert_eq!((result(&lines, "database"), result(&lines, "mail server")), ("not_there_yet".into(), "failed".into()));
    assert!(!shop.has("ledger.db") && !shop.has("kek"), "a check makes nothing");
}

#[test]
fn a_directory_query_that_lacks_a_column_is_found_before_a_row_comes() {
    let shop = Shop::new();
    let config = shop.config_with(
        "SELECT account_id AS account, role, id AS person, email",
        "SELECT account_id AS account, id AS person, email",
    );
    let said = shop.run(&["check", "--connect", "--config", &config, "-o", "json"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    let lines: Value = serde_json::from_str(&said.out).expect("JSON on stdout");
    let line = lines.as_array().expect("lines").iter().find(|line| line["check"] == "directory find").expect("a line");
    assert_eq!(line["result"], "failed");
    let note = line["note"].as_str().expect("a note");
    assert!(note.contains("no column `role`") && note.contains("AS role"), "{note}");
    shop.run(&["run", "--config", &config]).failed(2, "no column `role`");
    shop.run(&["run", "--observe", "--config", &config]).failed(2, "no column `role`");
    assert!(!shop.has("ledger.db") && !shop.has("kek"), "a start that fails makes nothing");
}

#[test]
fn a_map_that_does_not_fit_is_wrong_usage() {
    let shop = Shop::new();
    shop.sql("ALTER TABLE users ADD COLUMN birthday TEXT");
    let said = shop.run(&["check", "--connect"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.out.contains("birthday"), "{}", said.out);
    shop.run(&["plan", "olga@customer.example"]).failed(2, "birthday");
}

#[test]
fn observing_says_what_it_would_do_and_keeps_nothing() {
    let shop = Shop::new();
    shop.letter("olga@customer.example", "Please close my account", "Please close my account and delete all my data.");
    shop.letter("who@elsewhere.example", "Please close my account", "Please close my account and delete all my data.");
    shop.letter("bo@customer.example", "Invoice", "Hello, could you send me the invoice of March once more? Thanks.");
    let (before, mail) = (shop.bytes(), shop.listen());
    let said = shop.run(&["run", "--observe", "-o", "json"]);
    let letters = said.json();
    assert_eq!(shop.bytes(), before, "observing erases nothing");
    assert!(mail.accept().is_err(), "nobody is written to");
    let of = |at: usize, name: &str| letters[at][name].as_str().unwrap_or_default().to_owned();
    assert_eq!((of(0, "intent"), of(0, "sender")), ("erasure_account".into(), "owner".into()), "{letters}");
    assert!(of(0, "would").contains("challenge the address on file"), "{letters}");
    assert_eq!(of(1, "sender"), "unknown");
    assert!(of(2, "would").contains("leave it"), "{letters}");
    assert!(!said.out.contains('@') && !said.err.contains('@'), "no addresses: {}", said.out);
    assert!(!shop.has("ledger.db") && !shop.has("kek"), "observing opens no database of ours");
    // What is revealed is recorded, and there is nothing yet to record it in.
    shop.run(&["run", "--observe", "--reveal"]).failed(4, "leave out --reveal");
    assert!(!shop.has("ledger.db") && !shop.has("kek"), "nor does it make anything");
}

#[test]
fn a_request_is_looked_at_decided_and_shown_from_here() {
    let (shop, at) = Shop::asked();
    let at = at.as_str();
    let listed = shop.run(&["requests", "list", "-o", "jsonl"]);
    let request: Value = serde_json::from_str(&listed.out).expect("one line");
    assert_eq!(request["reference"], at);

    let shown = shop.run(&["requests", "show", at, "-o", "json"]);
    assert_eq!(shown.json()["letters"][0]["kind"], "challenge");
    assert_eq!(shown.json()["deliveries"][0]["disposition"], "opened");
    assert!(!shown.out.contains("olga"), "masked by default");
    let revealed = shop.run(&["requests", "show", at, "--reveal", "-o", "json"]).json();
    assert_eq!(revealed["revealed"]["asker"], "olga@customer.example");

    let all = shop.run(&["jobs", "list", "-o", "json"]);
    let count = all.json().as_array().expect("a list").len();
    assert!(count > 1 && !all.err.contains("shown"), "JSON has all of them: {}", all.err);
    let cut = shop.run(&["jobs", "list", "--limit", "1", "-o", "json"]);
    assert_eq!(cut.json().as_array().expect("a list").len(), 1);
    for cut in [cut, shop.run(&["jobs", "list", "--limit", "1"])] {
        assert!(cut.err.contains(&format!("1 of {count} are shown; --limit {count} shows all")), "{}", cut.err);
    }
    let cut = shop.run(&["requests", "list", "--limit", "0"]);
    assert!(cut.err.contains("0 of 1 are shown; --limit 1 shows all"), "{}", cut.err);
    assert!(!shop.run(&["requests", "list", "--limit", "1"]).err.contains("shown"));

    let said = shop.run(&["requests", "hold", at]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.err);
    assert!(said.err.contains("awaiting_confirmation → on_hold"), "{}", said.err);
    shop.run(&["requests", "hold", at]).failed(4, "on_hold");
    assert_eq!(shop.run(&["requests", "release", at, "-o", "json"]).json()["state"], "awaiting_confirmation");
    shop.run(&["requests", "scope", at, "user"])
        .failed(4, "it waits for the asker to confirm it (awaiting_confirmation)");
    assert_eq!(shop.run(&["requests", "extend", at, "--reason", "Many stores"]).code, Some(0));
    shop.run(&["requests", "extend", at, "--reason", "Many stores"]).failed(4, "extended before");
    assert_eq!(shop.run(&["requests", "note", at, "Olga rang us"]).code, Some(0));

    shop.run(&["requests", "approve", at]).failed(4, "evidence");
    // Whoever records the evidence cannot approve it.
    let evidence = ["requests", "approve", at, "--proof", "called_back", "--evidence", "Rang Olga back"];
    assert_eq!(shop.run(&evidence).code, Some(0));
    shop.run(&["requests", "approve", at]).failed(4, "a second operator must");
    // Whoever is root is one person, whomever sudo names: its variable is theirs to write.
    for name in ["nobody", "mail", "no-such-user"] {
        shop.run_as(name, &["requests", "approve", at]).failed(4, "a second operator must");
    }
    // Evidence that somebody gives is recorded; it never approves what another recorded.
    assert!(shop.run_as("mail", &evidence).err.contains("evidence recorded"));
    assert_eq!(shop.run(&["requests", "show", at, "-o", "json"]).json()["state"], "awaiting_confirmation");
    if let Some(other) = shop.run_as_user("nobody", &["requests", "approve", at, "-o", "json"]) {
        assert_eq!(other.json()["state"], "scheduled", "{}", other.out);
    }

    let trail = shop.run(&["trail", "show", at, "-o", "json"]);
    assert_eq!(trail.json()["chain"], "holds");
    for event in ["revealed", "held", "released", "extended", "noted", "evidence_recorded"] {
        assert!(trail.out.contains(&format!("\"{event}\"")), "{event} in {}", trail.out);
    }
    assert!(!trail.out.contains("Olga"), "masked by default");
    // Leaves keep their exact integers; people and programs read an instant.
    let received = trail.json()["entries"][0]["facts"]["received"].as_str().expect("an instant").to_owned();
    let table = shop.run(&["trail", "show", at]).out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(table.contains(&format!("received {received}")), "{table}");
    assert!(table.contains("received 20") && table.contains("expires 20"), "{table}");
    assert!(shop.run(&["trail", "show", at, "--reveal"]).out.contains("Olga rang us"));
    let export = shop.run(&["trail", "export"]);
    assert!(export.out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert!(export.out.lines().count() > trail.json()["entries"].as_array().expect("entries").len());
    assert_eq!(shop.run(&["requests", "withdraw", at, "-o", "json"]).json()["state"], "withdrawn");
}

#[test]
fn what_waits_for_a_person_is_put_right_refused_and_tried_again_from_here() {
    let shop = Shop::new();
    let text = "Please delete my data, or rather send me a copy of it first.";
    shop.letter("olga@customer.example", "My data", text);
    shop.letter("oscar@other.example", "My data", text);
    let states = |shop: &Shop| -> Vec<String> {
        let listed = shop.run(&["requests", "list", "-o", "json"]).json();
        let states = listed.as_array().expect("a list").iter().map(|request| request["state"].to_string());
        states.map(|state| state.trim_matches('"').to_owned()).collect()
    };
    shop.daemon_until(|shop| states(shop) == ["needs_review", "needs_review"]);
    let listed = shop.run(&["requests", "list", "-o", "json"]).json();
    let [first, second] = [0, 1].map(|at| listed[at]["reference"].as_str().expect("a reference").to_owned());

    let said = shop.run(&["requests", "scope", &first, "account"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("needs_review → received"), "{}", said.err);
    let account = shop.run(&["requests", "show", &second, "--reveal", "-o", "json"]).json();
    let account = account["revealed"]["account"].as_str().expect("an account").to_owned();
    let said = shop.run(&["requests", "account", &second, &account, "--scope", "account", "-o", "json"]);
    assert_eq!(said.json()["state"], "received");
    shop.daemon_until(|shop| states(shop) == ["awaiting_confirmation", "awaiting_confirmation"]);
    let shown = |at: &str| shop.run(&["requests", "show", at, "-o", "json"]).json();
    assert_eq!((&shown(&first)["offered"][0], &shown(&second)["offered"][0]), (&"account".into(), &"account".into()));

    // The mail server is a closed port: the letters say so, and their jobs.
    let challenge = shown(&second)["letters"]
        .as_array()
        .expect("letters")
        .iter()
        .find(|letter| letter["kind"] == "challenge")
        .cloned();
    assert_eq!(challenge.expect("a challenge")["obstacle"], "connection_before_letter");
    let waiting = shop.run(&["jobs", "list", "--request", &second, "-o", "json"]).json();
    assert!(
        waiting.as_array().expect("jobs").iter().any(|job| job["reason"] == "connection_before_letter"),
        "{waiting}"
    );

    // Put off by the mail server: it can be told to try now, and days that people were promised cannot be shortened.
    let waits = |kind: &str| {
        let jobs = shown(&second)["jobs"].as_array().expect("jobs").clone();
        newest(jobs.into_iter().filter(|job| job["kind"] == kind && job["state"] == "waiting"))
    };
    let put_off = waits("send");
    assert_eq!(put_off["reason"], "connection_before_letter", "{put_off}");
    let put_off = put_off["id"].as_str().expect("an id").to_owned();
    shop.ledger("UPDATE jobs SET run_at = run_at + 3600000000 WHERE kind = 'send'");
    let said = shop.run(&["jobs", "retry", &put_off]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("is due now"), "{}", said.err);
    shop.run(&["jobs", "retry", &put_off]).failed(4, "due already");
    shop.run(&["jobs", "retry", waits("wake")["id"].as_str().expect("an id")]).failed(4, "was promised");

    // As after attempts that each ended the worker: a letter that is given up completes its job.
    shop.ledger("UPDATE jobs SET state = 'dead' WHERE kind = 'send' AND unique_key LIKE 'send:%'");
    let dead = shop.run(&["jobs", "list", "--state", "dead", "--request", &second, "-o", "json"]).json();
    let job = newest(dead.as_array().expect("jobs").iter().cloned());
    let job = job["id"].as_str().expect("a dead job");
    let said = shop.run(&["jobs", "retry", job]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("is tried again"), "{}", said.err);
    shop.run(&["jobs", "retry", job]).failed(4, "due already");
    assert!(shop.run(&["trail", "show", &second]).out.contains("job_retried"));

    let refuse = [
        "--ground",
        "A claim is open",
        "--article",
        "Art. 17(3)(e) GDPR",
        "--data",
        "contact",
        "--review-on",
        "2099-01-01",
    ];
    let said = shop.run(&[&["requests", "refuse", &second][..], &refuse].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("awaiting_confirmation → refused"), "{}", said.err);
    let shown = shop.run(&["requests", "show", &second, "--reveal"]);
    for words in ["A claim is open", "Art. 17(3)(e) GDPR", "2099-01-01"] {
        assert!(shown.out.contains(words), "{words} in {}", shown.out);
    }
    let refused = ["requests", "list", "--state", "refused"];
    assert!(shop.run(&refused).out.contains("2099-01-01"), "the list marks the day that was promised");
    let refused = shop.run(&[&refused[..], &["-o", "json"]].concat()).json();
    assert_eq!(refused[0]["look_again_on"], "2099-01-01", "{refused}");
    assert_eq!(shop.run(&["requests", "show", &first, "-o", "json"]).json()["look_again_on"], Value::Null);
    let masked = shop.run(&["requests", "show", &second]);
    assert!(!masked.out.contains("A claim is open"), "only with --reveal");
    assert!(masked.out.contains("looked at again on") && masked.out.contains("2099-01-01"), "{}", masked.out);
    assert!(shop.run(&["trail", "show", &second, "--reveal"]).out.contains("ground A claim is open"));
}

/// The newest of jobs: what an older letter says may be over, and an id begins with its time.
fn newest(jobs: impl Iterator<Item = Value>) -> Value {
    jobs.max_by_key(|job| job["id"].as_str().expect("an id").to_owned()).expect("a job")
}

/// Whoever has work hurried hears whether there is anything left to do.
#[test]
fn work_for_a_request_that_has_ended_is_not_hurried() {
    let (shop, at) = Shop::asked();
    let sends = |shop: &Shop| -> Vec<String> {
        let jobs = shop.run(&["jobs", "list", "--request", &at, "--state", "waiting", "-o", "json"]).json();
        let jobs = jobs.as_array().expect("jobs").clone();
        let sends = jobs.iter().filter(|job| job["kind"] == "send");
        sends.map(|job| job["id"].as_str().expect("an id").to_owned()).collect()
    };
    shop.ledger("UPDATE jobs SET run_at = run_at + 3600000000 WHERE kind = 'send'");
    let before = sends(&shop);
    assert!(!before.is_empty(), "the mail server is a closed port");
    assert_eq!(shop.run(&["requests", "withdraw", &at]).code, Some(0));
    let left: Vec<String> = sends(&shop).into_iter().filter(|job| before.contains(job)).collect();
    for job in left {
        shop.run(&["jobs", "retry", &job]).failed(4, "its request has ended or gone on since: it is sent no more");
    }
    let told = sends(&shop).into_iter().find(|job| !before.contains(job)).expect("the letter that says so");
    shop.run(&["jobs", "retry", &told]).failed(4, "due already");
}

#[test]
fn a_store_that_cannot_be_reached_is_not_a_wrong_config() {
    let shop = Shop::new();
    let map = std::fs::read_to_string(shop.path("shop.toml")).expect("the map");
    let gone = map.replace("/shop.db", "/no/such/folder/shop.db");
    std::fs::write(shop.path("shop.toml"), gone).expect("a map");
    let said = shop.run(&["check", "--connect", "-o", "json"]);
    assert_eq!(said.code, Some(5), "{}\n{}", said.out, said.err);
    let lines: Value = serde_json::from_str(&said.out).expect("JSON on stdout");
    let of = |check: &str| {
        let lines = lines.as_array().expect("lines");
        lines.iter().find(|line| line["check"] == check).unwrap_or_else(|| panic!("{check} in {lines:?}")).clone()
    };
    assert_eq!(of("store shop")["result"], "failed");
    let note = of("store shop")["note"].as_str().unwrap_or_default().to_owned();
    assert!(note.contains("its file cannot be opened"), "{note}");
    assert_eq!(of("directory")["result"], "not_tried");
    assert!(!said.out.contains("is no SQL store of the data maps"), "{}", said.out);
    let config = shop.config_with("store = \"shop\"", "store = \"shed\"");
    let said = shop.run(&["check", "--connect", "--config", &config, "-o", "json"]);
    assert_eq!(said.code, Some(2));
    assert!(said.out.contains("is no SQL store of the data maps"), "{}", said.out);
}

#[test]
fn what_an_operator_leaves_blank_or_mistypes_changes_nothing() {
    let shop = Shop::new();
    shop.run(&["requests", "list"]).failed(3, "there is no database yet");
    assert!(!shop.path("ledger.db").exists() && !shop.path("kek").exists(), "a look makes nothing");
    shop.letter("olga@customer.example", "My data", "Please delete my data, or rather send me a copy of it first.");
    shop.daemon_until(|shop| shop.run(&["requests", "list", "-o", "json"]).json()[0]["state"] == "needs_review");
    let listed = shop.run(&["requests", "list", "-o", "json"]).json();
    let at = listed[0]["reference"].as_str().expect("a reference");
    shop.run(&["requests", "refuse", at, "--ground", " ", "--article", "Art. 17(3)(e) GDPR"]).failed(2, "a ground");
    shop.run(&["requests", "refuse", at, "--ground", "A claim", "--article", ""]).failed(2, "an article");
    // Of the articles of the law, those by which one may refuse.
    let no_article = shop.run(&["requests", "refuse", at, "--ground", "A claim", "--article", "because"]);
    no_article.failed(2, "Art. 11(2) GDPR, Art. 12(5) GDPR, Art. 12(6) GDPR, Art. 17(3)(a) GDPR");
    shop.run(&["requests", "extend", at, "--reason", "  "]).failed(2, "(--reason) is missing");
    shop.run(&["requests", "note", at, ""]).failed(2, "a note");
    shop.run(&["requests", "note", at, &"x".repeat(10_001)]).failed(2, "10,000 characters");
    shop.run(&["requests", "account", at, "no-such-account"]).failed(3, "no account with this id");
    assert_eq!(shop.run(&["requests", "show", at, "-o", "json"]).json()["state"], "needs_review");
}

/// Whoever only looks writes nothing, not even to see whether it could: no lock of a writer stands in the way.
#[test]
fn a_look_needs_no_right_to_write() {
    let (shop, at) = Shop::asked();
    shop.while_written(|| {
        for look in [
            &["requests", "list"][..],
            &["requests", "show", &at],
            &["jobs", "list"],
            &["mailbox", "status"],
            &["trail", "show", &at],
            &["trail", "export"],
        ] {
            let said = shop.run(look);
            assert_eq!(said.code, Some(0), "{look:?}: {}", said.err);
        }
        let checked: Value = serde_json::from_str(&shop.run(&["check", "--connect", "-o", "json"]).out).expect("JSON");
        let lines = checked.as_array().expect("lines");
        let database = lines.iter().find(|line| line["check"] == "database").expect("a line");
        assert_eq!(database["result"], "ok", "{database}");
    });
}

#[test]
fn an_operator_acts_while_a_store_is_away() {
    let shop = Shop::new();
    let crm = shop.second_store();
    let text = "Please delete my data, or rather send me a copy of it first.";
    for from in ["olga@customer.example", "oscar@other.example"] {
        shop.letter(from, "My data", text);
    }
    shop.daemon_until(|shop| {
        let listed = shop.run(&["requests", "list", "-o", "json"]).json();
        listed.as_array().is_some_and(|all| all.len() == 2 && all.iter().all(|one| one["state"] == "needs_review"))
    });
    let listed = shop.run(&["requests", "list", "-o", "json"]).json();
    let [first, second] = [0, 1].map(|at| listed[at]["reference"].as_str().expect("a reference").to_owned());
    std::fs::rename(&crm, shop.path("away.db")).expect("the file moves");
    shop.run(&["plan", "olga@customer.example"]).failed(5, "the store crm");
    let done = |arguments: &[&str]| {
        let said = shop.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.err);
        said
    };
    done(&["requests", "note", &first, "Rang back"]);
    done(&["requests", "hold", &first, "--reason", "Counsel asks for time"]);
    done(&["requests", "release", &first, "--reason", "Counsel has answered"]);
    done(&["requests", "extend", &first, "--reason", "Many stores"]);
    // Which of the two is listed first is not said: they came at once.
    let revealed = done(&["requests", "show", &first, "--reveal"]).out;
    assert!(revealed.contains("olga@customer.example") || revealed.contains("oscar@other.example"), "{revealed}");
    let trail = done(&["trail", "show", &first, "--reveal"]).out;
    assert!(trail.contains("Rang back") && trail.contains("Counsel asks for time"), "{trail}");
    assert!(!done(&["trail", "show", &first]).out.contains("Counsel"), "sealed");
    // Nothing of theirs was sent and nothing failed: they answer that, and not that a store is away.
    shop.run(&["requests", "resend", &first]).failed(3, "letter of this request");
    shop.run(&["requests", "approve", &first]).failed(4, "evidence");
    shop.ledger("UPDATE jobs SET state = 'dead' WHERE kind = 'send'");
    let dead = shop.run(&["jobs", "list", "--state", "dead", "-o", "json"]).json();
    done(&["jobs", "retry", dead[0]["id"].as_str().expect("a dead job")]);
    done(&["requests", "refuse", &second, "--ground", "A claim is open", "--article", "17 (3)(e); § 35 BDSG"]);
    let shown = shop.run(&["requests", "show", &second, "--reveal"]);
    assert!(shown.out.contains("Art. 17(3)(e) GDPR; § 35 BDSG"), "{}", shown.out);
    // The directory stands in the other store, which is there.
    done(&["requests", "scope", &first, "account"]);
    done(&["requests", "withdraw", &first]);

    // A map that is no longer true of its store stands in the way of nobody either.
    std::fs::rename(shop.path("away.db"), &crm).expect("the file moves");
    shop.sql_on("crm.db", "ALTER TABLE contacts ADD COLUMN birthday TEXT");
    shop.run(&["plan", "olga@customer.example"]).failed(2, "birthday");
    done(&["requests", "note", &first, "Withdrawn by telephone"]);
    std::fs::rename(shop.path("shop.db"), shop.path("away.db")).expect("the file moves");
    done(&["requests", "note", &first, "The shop is away"]);
    shop.run(&["requests", "account", &first, "1"]).failed(5, "the store shop");
}

#[test]
fn the_example_is_the_file_and_shells_get_their_completions() {
    let example = include_str!("../config/expunged.toml");
    assert_eq!(run(&["config", "example"]).out.trim_end(), example.trim_end());
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completions", shell]).out.contains("requests"), "{shell}");
    }
}
