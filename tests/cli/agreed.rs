//! A plan on paper: written once, drawn, told by the exit code, agreed to for a request.

use super::shop::Shop;
use crate::support::world::PARCELS;

#[test]
fn a_plan_is_kept_on_paper_drawn_and_told_by_the_exit_code() {
    let shop = Shop::new();
    let file = shop.path("plan.json").display().to_string();
    let said = shop.run(&["plan", "olga@customer.example", "--out", &file]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("nothing was written to a store; kept in"), "{}", said.err);
    let paper = std::fs::read_to_string(&file).expect("the paper");
    assert!(paper.contains("\"rows_total\": 6") && !paper.contains("olga"), "{paper}");
    shop.run(&["plan", "olga@customer.example", "--out", &file]).failed(2, "is there already");

    let drawn = shop.run(&["plan", "olga@customer.example", "--mermaid"]);
    assert!(drawn.out.starts_with("flowchart TD\n") && drawn.out.contains("mask: 3"), "{}", drawn.out);
    let something = shop.run(&["plan", "olga@customer.example", "--detailed-exitcode"]);
    assert_eq!(something.code, Some(6), "{}", something.err);
    assert!(
        something.out.contains("users") && something.err.starts_with("6 rows"),
        "{}{}",
        something.out,
        something.err
    );
    // Each limit says what helps against it, and not what was tried already.
    let limited = shop.config_with("[log]", "[limits]\nrows_per_subject_max = 2\n\n[log]");
    shop.run(&["plan", "olga@customer.example", "--config", &limited]).failed(1, "expunged apply");
    let few = shop.run(&["plan", "olga@customer.example", "--rows-max", "1"]);
    few.failed(1, "more than the 1 rows of --rows-max belong to the target: give a larger number");
    assert!(!few.err.contains("apply"), "{}", few.err);
    shop.run(&["plan", "olga@customer.example", "--rows-max", "0"]).failed(2, "0 is not in 1..");
    shop.run(&["plan", "olga@customer.example", "--out", "/nonexistent/x"]).failed(2, "its folder is not there");
}

#[test]
fn a_plan_shows_what_is_held_and_who_else_is_asked() {
    let shop = Shop::new();
    std::fs::write(shop.path("parcels.toml"), PARCELS).expect("a map");
    let config = std::fs::read_to_string(shop.path("expunged.toml")).expect("the config");
    let both = config.replace("maps = [\"shop.toml\"]", "maps = [\"shop.toml\", \"parcels.toml\"]");
    std::fs::write(shop.path("expunged.toml"), both).expect("a config");
    let drawn = |arguments: &[&str]| shop.run(arguments).out;
    let (plan, map) = (["plan", "olga@customer.example", "--mermaid"], ["map", "draw"]);
    assert!(drawn(&plan).contains("Parcel #38; Co.</b><br>mail: contact"), "{}", drawn(&plan));
    assert!(drawn(&map).contains("<b>parcels</b> (mail)") && drawn(&map).contains("told: email"), "{}", drawn(&map));
    assert!(!drawn(&plan).contains("legal hold"), "nothing is held: {}", drawn(&plan));

    shop.daemon_until(|_| true);
    let placed = |what: &[&str]| {
        let said = shop.run(&[&["holds", "place", "--reference", "12 O 34/26", "-o", "json"][..], what].concat());
        said.json()[0]["id"].as_str().expect("an id").to_owned()
    };
    let held = |address: &str| shop.run(&["plan", address, "-o", "json"]).json()["legal_holds"].clone();
    // Somebody else, and another table than the plan has.
    placed(&["--account", "2"]);
    placed(&["--subject", "shop.users/3"]);
    assert_eq!(held("olga@customer.example"), serde_json::Value::Null);
    for (what, on, steps) in [
        (&["--account", "1"][..], "account", None),
        (&["--subject", "shop.users/2"], "subject", None),
        (&["--table", "shop.users"], "table", Some(&["users", "accounts"][..])),
        (&["--store", "shop"], "store", None),
        (&["--everything"], "everything", None),
    ] {
        let id = placed(what);
        let found = held("olga@customer.example");
        assert_eq!((&found[0]["on"], &found[0]["reference"]), (&on.into(), &"12 O 34/26".into()), "{found}");
        let plan = shop.run(&["plan", "olga@customer.example", "-o", "json"]).json();
        let waits = |step: &serde_json::Value| found[0]["steps"].as_array().expect("steps").contains(&step["step"]);
        for step in plan["steps"].as_array().expect("steps") {
            let table = step["table"].as_str().expect("a table");
            let expected = steps.is_none_or(|tables| tables.contains(&table) || step["act"] == "detach");
            assert_eq!(waits(step), expected, "{what:?}: {step} in {found}");
        }
        let table = shop.run(&["plan", "olga@customer.example"]).out;
        assert!(table.contains("steps that wait") && table.contains(&id), "{table}");
        assert!(drawn(&plan_of("olga@customer.example")).contains("waits for a legal hold"));
        assert_eq!(shop.run(&["holds", "release", &id]).code, Some(0));
        assert_eq!(held("olga@customer.example"), serde_json::Value::Null, "what was lifted holds nothing");
    }
    // Their own hold, and of the account only theirs.
    assert_eq!(held("oscar@other.example").as_array().map(Vec::len), Some(2));

    // Our own database is shut to who only plans: that is said, and JSON does not say that nothing is held.
    std::fs::write(shop.path("ledger.db"), "this is no database, but a text of some length").expect("it");
    let said = shop.run(&["plan", "olga@customer.example", "-o", "json"]);
    assert!(said.err.contains("legal holds are not shown"), "{}", said.err);
    assert!(said.json().as_object().expect("an object").contains_key("legal_holds"), "{}", said.out);
}

fn plan_of(address: &str) -> [&str; 3] {
    ["plan", address, "--mermaid"]
}

#[test]
fn a_paper_is_agreed_to_for_the_request_that_it_is_of() {
    let (shop, reference) = Shop::asked();
    let file = |name: &str, address: &str| {
        let file = shop.path(name).display().to_string();
        assert_eq!(shop.run(&["plan", address, "--out", &file]).code, Some(0));
        file
    };
    let (olga, oscar) = (file("olga.json", "olga@customer.example"), file("oscar.json", "oscar@other.example"));
    let said = shop.run(&["apply", &olga, "--request", &reference]);
    assert!(said.code == Some(0) && said.err.contains("6 rows are agreed to"), "{}", said.err);
    // The same again is no second agreement.
    let again = shop.run(&["apply", &olga, "--request", &reference]);
    assert!(again.code == Some(0) && again.err.contains("were agreed to before; nothing was written"), "{}", again.err);
    let again = shop.run(&["apply", &olga, "--request", &reference, "-o", "json"]).json();
    assert_eq!(again["outcome"], "noted_before");
    let agreements = || shop.run(&["trail", "show", &reference]).out.matches("plan_agreed").count();
    assert_eq!(agreements(), 1);

    let other = shop.run(&["apply", &oscar, "--request", &reference]);
    other.failed(4, "is not the one of this request");
    assert!(other.err.contains("It waits for the asker to confirm it (awaiting_confirmation)"), "{}", other.err);
    shop.run(&["apply", &olga, "--request", "EXP-7K3Q-M2"])
        .failed(3, "there is no request EXP-7K3Q-M2; 'expunged requests list");
    let paper = std::fs::read_to_string(&olga).expect("the paper");
    for (was, is) in [("\"rows_total\": 6", "\"rows_total\": 5"), ("\"rows\": 3", "\"rows\": 300")] {
        assert!(paper.contains(was), "{paper}");
        std::fs::write(shop.path("edited.json"), paper.replace(was, is)).expect("a paper");
        let edited = shop.path("edited.json").display().to_string();
        shop.run(&["apply", &edited, "--request", &reference]).failed(2, "was changed after 'expunged plan' wrote it");
    }
    let map = shop.path("shop.toml").display().to_string();
    shop.run(&["apply", &map, "--request", &reference]).failed(2, "not a plan");
    shop.run(&["apply", "/nowhere", "--request", &reference]).failed(3, "/nowhere");
    shop.sql(
        "INSERT INTO orders SELECT value + 100, 1, '2024-01-01', 'Olga' FROM
         (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 200) SELECT value FROM n)",
    );
    shop.run(&["apply", &olga, "--request", &reference]).failed(4, "3 rows then, 203 now");
    // More rows of the same plan are another agreement; a request that has ended takes none.
    let more = file("more.json", "olga@customer.example");
    assert!(shop.run(&["apply", &more, "--request", &reference]).err.contains("206 rows are agreed to"));
    assert_eq!(agreements(), 2);
    assert_eq!(shop.run(&["requests", "withdraw", &reference]).code, Some(0));
    let ended = shop.run(&["apply", &more, "--request", &reference]);
    ended.failed(4, &format!("{reference} does not take this plan"));
    assert!(ended.err.contains("It was withdrawn (withdrawn)"), "{}", ended.err);
}
