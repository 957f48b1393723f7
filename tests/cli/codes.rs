//! Like cases end with like codes, in whatever command they come up; the README says what each code means.

use expunged::cli::exit::CODES;

use super::Said;
use super::shop::Shop;

#[test]
fn the_readme_has_the_codes_of_the_program() {
    let readme = include_str!("../../README.md");
    let (_, after) = readme.split_once("### Exit codes").expect("the section");
    let rows: Vec<&str> = after.lines().filter(|line| line.starts_with("| ")).skip(1).take(CODES.len() + 1).collect();
    let known = CODES.map(|(exit, means)| format!("| {} | {means} |", exit as u8));
    assert_eq!(rows, known);
}

/// What is wrong, and the commands that meet it.
type Row<'a> = (&'a str, i32, &'a [&'a [&'a str]]);

fn each_ends(shop: &Shop, rows: &[Row<'_>]) {
    for (what, code, commands) in rows {
        for command in *commands {
            let said = shop.run(command);
            assert_eq!(said.code, Some(*code), "{what}: {command:?}: {}{}", said.out, said.err);
            assert!(!said.err.is_empty(), "{what}: {command:?} says why");
        }
    }
}

const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

#[test]
fn like_cases_end_alike_before_the_daemon_has_run() {
    let shop = Shop::new();
    each_ends(
        &shop,
        &[
            (
                "a config that is not there",
                2,
                &[
                    &["check", "--config", "/no/such.toml"],
                    &["run", "--config", "/no/such.toml"],
                    &["requests", "list", "--config", "/no/such.toml"],
                ],
            ),
            (
                "no database yet",
                3,
                &[&["requests", "list"], &["jobs", "list"], &["holds", "list"], &["trail", "export"]],
            ),
            (
                "a file that is not there",
                3,
                &[
                    &["classify", "/no/such.eml"],
                    &["explain", "/no/such.eml"],
                    &["classify", "--score", "/no/such.jsonl"],
                    &["explain", "--dns-file", "/no/such.toml", "-"],
                ],
            ),
            (
                "a word that is none",
                2,
                &[
                    &["jobs", "list", "--state", "nonsense"],
                    &["requests", "list", "--state", "nonsense"],
                    &["replay", "--since", "yesterday"],
                ],
            ),
        ],
    );
}

#[test]
fn folders_that_are_missing_end_alike_in_every_command() {
    let shop = Shop::new();
    for (good, bad) in
        [("url = \"sqlite:ledger.db\"", "url = \"sqlite:no/such/ledger.db\""), ("\"kek\"", "\"no/such/kek\"")]
    {
        let config = shop.config_with(good, bad);
        shop.run(&["run", "--config", &config]).failed(2, "no/such");
        let said = shop.run(&["check", "--config", &config]);
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.out.contains("no/such") && said.out.contains("make it"), "{}", said.out);
        // The folder of the ledger is the same answer to who only looks.
        let looks = [&["requests", "list"][..], &["run", "--observe"], &["plan", "olga@customer.example"], &["run"]];
        for command in looks.into_iter().filter(|_| good.starts_with("url")) {
            let said = shop.run(&[command, &["--config", &config]].concat());
            said.failed(2, "no/such of our own database is not there");
        }
        let _ = std::fs::remove_file(shop.path("ledger.db"));
    }
}

#[test]
fn a_mailbox_or_a_directory_that_is_not_there_stops_the_start() {
    let shop = Shop::new();
    let config = shop.config_with("path = \"support\"", "path = \"no/such\"");
    for command in [&["run", "--observe"][..], &["run"], &["check"], &["check", "--connect"]] {
        let said = shop.run(&[command, &["--config", &config]].concat());
        assert_eq!(said.code, Some(5), "a Maildir that is not there: {command:?}: {}{}", said.out, said.err);
        let named = format!("{}{}", said.out, said.err).contains("no/such is not there");
        assert!(named, "the folder is named: {command:?}: {}{}", said.out, said.err);
    }
    assert!(!shop.has("ledger.db") && !shop.has("kek"), "a start that fails makes nothing");
    let config = shop.config_with("store = \"shop\"", "store = \"shed\"");
    for command in [&["check"][..], &["run"], &["plan", "olga@customer.example"]] {
        let said = shop.run(&[command, &["--config", &config]].concat());
        assert_eq!(said.code, Some(2), "a directory in a store that no map has: {command:?}: {}{}", said.out, said.err);
        assert!(format!("{}{}", said.out, said.err).contains("is no SQL store of the data maps"), "{command:?}");
    }
}

#[test]
fn like_cases_end_alike_beside_the_daemon() {
    let (shop, at) = Shop::asked();
    each_ends(
        &shop,
        &[
            (
                "what does not exist",
                3,
                &[
                    &["requests", "show", "EXP-7K3Q-M2"],
                    &["requests", "hold", "EXP-7K3Q-M2"],
                    &["trail", "show", "EXP-7K3Q-M2"],
                    &["jobs", "list", "--request", "EXP-7K3Q-M2"],
                    &["jobs", "retry", NOBODY],
                    &["holds", "release", NOBODY],
                    &["holds", "place", "--store", "shed", "--reference", "1"],
                    &["replay", "--since", "2026-01-01", "--store", "shed"],
                    &["replay", "--since", "2026-01-01", "--store", "No Store"],
                    &["map", "diff", "shed"],
                    &["suppress", "check", "/no/such/file"],
                    &["plan", "nobody@customer.example"],
                    &["plan", "olga@customer.example", "--scope", "data", "--category", "nonsense"],
                    &["requests", "scope", &at, "data", "--category", "nonsense"],
                    &["apply", "/no/such/plan.json", "--request", &at],
                ],
            ),
            (
                "blank words",
                2,
                &[
                    &["requests", "note", &at, " "],
                    &["requests", "hold", &at, "--reason", ""],
                    &["requests", "refuse", &at, "--ground", "", "--article", "Art. 17"],
                    &["requests", "extend", &at, "--reason", "\t"],
                    &["requests", "account", &at, " "],
                    &["holds", "place", "--store", "shop", "--reference", " "],
                ],
            ),
            (
                "what is no id or no reference",
                2,
                &[&["requests", "show", "nonsense"], &["jobs", "retry", "nonsense"], &["holds", "release", "nonsense"]],
            ),
            (
                "a state that does not take it",
                4,
                &[
                    &["requests", "release", &at],
                    &["requests", "erase-again", &at],
                    &["requests", "leave", &at, "--reason", "Another"],
                    &["requests", "scope", &at, "user"],
                    &["requests", "approve", &at],
                ],
            ),
        ],
    );
}

#[test]
fn what_was_asked_for_and_must_not_be_is_told_by_the_code() {
    let shop = Shop::new();
    shop.run(&["map", "diff", "--accept"]);
    shop.sql("ALTER TABLE users ADD COLUMN birthday TEXT");
    each_ends(&shop, &[("what was asked for is there", 4, &[&["map", "diff", "--exit-code"]])]);
    assert_eq!(shop.run(&["map", "diff"]).code, Some(0), "who only looks is not stopped");
}

#[test]
fn a_file_that_is_no_database_is_told_alike() {
    let (shop, at) = Shop::asked();
    for (file, commands) in [
        (
            "shop.db",
            &[&["plan", "olga@customer.example"][..], &["map", "check"], &["run"], &["check", "--connect"]][..],
        ),
        ("ledger.db", &[&["requests", "list"], &["run"], &["requests", "hold", &at], &["check", "--connect"]]),
    ] {
        let path = shop.path(file);
        for beside in ["ledger.db-wal", "ledger.db-shm"] {
            let _ = std::fs::remove_file(shop.path(beside));
        }
        let whole = std::fs::read(&path).expect("a file");
        std::fs::write(&path, "this is no database, but a text of some length, as somebody may save one by a slip")
            .expect("it");
        for command in commands {
            let Said { code, out, err } = shop.run(command);
            assert_eq!(code, Some(5), "a file that is no database: {command:?}: {out}{err}");
            assert!(format!("{out}{err}").contains(&path.display().to_string()), "{command:?}: {out}{err}");
        }
        std::fs::write(&path, whole).expect("a file");
    }
}

#[test]
fn a_second_daemon_is_refused() {
    let shop = Shop::new();
    shop.daemon_until(|shop| {
        shop.run(&["run"]).failed(4, "another daemon works on");
        true
    });
}

/// Letters that came since the ledger has read another mailbox would be passed over.
#[test]
fn another_mailbox_is_begun_with_by_order_only() {
    let (shop, _) = Shop::asked();
    let config = std::fs::read_to_string(shop.path("expunged.toml")).expect("the config");
    let moved = config.replace("privacy@tiny.example", "erasure@tiny.example");
    assert_ne!(moved, config);
    let write = |config: &str| std::fs::write(shop.path("expunged.toml"), config).expect("a config");
    write(&moved);
    shop.run(&["run"]).failed(2, "the ledger has read the mailbox of privacy@tiny.example");
    write(&moved.replace("[mailbox]\n", "[mailbox]\nknown_as = \"privacy@tiny.example\"\n"));
    shop.daemon_of(&["run"], |_| true);
    write(&moved);
    shop.daemon_of(&["run", "--new-mailbox"], |shop| shop.run(&["check", "--connect"]).code.is_some());
}

/// A path that was mistyped or mounted elsewhere holds old letters of people who asked for nothing now.
#[test]
fn another_maildir_is_begun_with_by_order_only() {
    let (shop, _) = Shop::asked();
    let config = std::fs::read_to_string(shop.path("expunged.toml")).expect("the config");
    let write = |path: &str| {
        let moved = config.replace("path = \"support\"", &format!("path = \"{path}\""));
        assert_ne!(moved, config);
        std::fs::write(shop.path("expunged.toml"), moved).expect("a config");
    };
    for place in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(shop.path("archive").join(place)).expect("a Maildir");
    }
    let old = "From: bo@customer.example\r\nTo: privacy@tiny.example\r\nSubject: Please delete my account\r\n\
               Message-ID: <old@customer.example>\r\n\r\nPlease delete my account and all my data.\r\n";
    std::fs::write(shop.path("archive").join("new").join("1.1.host"), old).expect("an old letter");
    write("archive");
    let said = shop.run(&["run"]);
    said.failed(2, "start once with --new-mailbox");
    said.failed(2, "/support)");
    let status = |shop: &Shop| shop.run(&["mailbox", "status", "-o", "json"]).json();
    assert_eq!(status(&shop)["cursor"], serde_json::Value::Null, "nothing was read there");
    shop.daemon_of(&["run", "--new-mailbox"], |shop| !status(shop)["cursor"].is_null());
    let status = status(&shop);
    assert_eq!(status["cursor"]["uid_start"], 2, "what lay there before is nobody's wish now");
    assert!(status["folder"].as_str().is_some_and(|folder| folder.ends_with("/archive")), "{status}");
    assert!(status["before"][0]["folder"].as_str().is_some_and(|folder| folder.ends_with("/support")), "{status}");
    // Another way to write the first one is no other one.
    write("./archive/../support");
    shop.daemon_of(&["run"], |_| true);
}

#[test]
fn a_maildir_that_was_moved_goes_on_where_it_was() {
    let (shop, _) = Shop::asked();
    let status = |shop: &Shop| shop.run(&["mailbox", "status", "-o", "json"]).json();
    let before = status(&shop)["cursor"].clone();
    assert!(before["uid_last"].as_u64().is_some_and(|last| last > 0), "{before}");
    std::fs::rename(shop.path("support"), shop.path("moved")).expect("it is moved");
    let config = std::fs::read_to_string(shop.path("expunged.toml")).expect("the config");
    std::fs::write(shop.path("expunged.toml"), config.replace("path = \"support\"", "path = \"moved\""))
        .expect("a config");
    shop.run(&["run"]).failed(2, "start once with --new-mailbox");
    shop.daemon_of(&["run", "--new-mailbox"], |shop| !status(shop)["cursor"].is_null());
    let after = status(&shop);
    assert_eq!(
        (&after["cursor"]["uid_start"], &after["cursor"]["uid_last"]),
        (&before["uid_start"], &before["uid_last"])
    );
    assert_eq!(after["before"].as_array().map_or(0, Vec::len), 0, "it is the one that was read: {after}");
}

/// A start that goes wrong with the first letter would be found by nobody who looks at the start.
#[test]
fn a_query_of_the_directory_that_the_store_refuses_stops_the_start() {
    let shop = Shop::new();
    for (good, bad, words) in [
        ("FROM users\nWHERE lower(email)", "FROM people\nWHERE lower(email)", "no such table: people"),
        ("WHERE account_id = :account AND role", "WHERE acount = :account AND role", "no such column: acount"),
        // Understood, and refused only when it runs.
        ("lower(email) = lower(:address)", "email = json(:address)", "malformed JSON"),
        ("= lower(:address)", "= lower(:address) OR 1 = 1", "has it a WHERE with :address?"),
    ] {
        let config = shop.config_with(good, bad);
        let said = shop.run(&["run", "--config", &config]);
        said.failed(2, words);
        assert!(said.err.contains("of [directory]") && !said.err.contains("did not answer"), "{}", said.err);
        let checked = shop.run(&["check", "--connect", "--config", &config]);
        assert_eq!(checked.code, Some(2), "{}", checked.out);
        assert!(!shop.has("ledger.db"), "a start that fails makes nothing");
    }
}

#[test]
fn who_only_looks_leaves_the_mailbox_as_it_was() {
    let shop = Shop::new();
    shop.letter("olga@customer.example", "Please close my account", "Please close my account and delete all my data.");
    let names = |shop: &Shop| {
        let mut names: Vec<String> = Vec::new();
        for folder in ["support", "support/new", "support/cur", "support/tmp"] {
            let files = std::fs::read_dir(shop.path(folder)).expect("a folder");
            names.extend(files.map(|file| file.expect("a file").path().display().to_string()));
        }
        names.sort();
        names
    };
    let before = names(&shop);
    for look in [&["check", "--connect"][..], &["run", "--observe"], &["check"]] {
        shop.run(look);
        assert_eq!(names(&shop), before, "{look:?}");
    }
}

/// What the environment says is no part of a command line that lacks something else.
#[test]
fn a_usage_line_asks_for_nothing_that_has_a_default() {
    let shop = Shop::new();
    for command in
        [&["plan"][..], &["requests", "show"], &["apply"], &["replay"], &["holds", "place"], &["map", "init"]]
    {
        let said = shop.run(command);
        said.failed(2, "Usage: ");
        assert!(!said.err.contains("--config"), "{command:?}: {}", said.err);
    }
}
