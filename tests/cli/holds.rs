//! Legal holds from the command line: a slip in a name places none, what is held is named and whom is masked.

use serde_json::Value;

use super::Said;
use super::shop::Shop;

const REFERENCE: [&str; 2] = ["--reference", "12 O 34/26"];

fn place(shop: &Shop, what: &[&str]) -> Said {
    shop.run(&[&["holds", "place"][..], what, &REFERENCE, &["-o", "json"]].concat())
}

fn list(shop: &Shop, more: &[&str]) -> Vec<Value> {
    shop.run(&[&["holds", "list", "-o", "json"][..], more].concat()).json().as_array().expect("a list").clone()
}

#[test]
fn nobody_is_held_by_a_slip_in_a_name() {
    let shop = Shop::begun();
    place(&shop, &["--account", "77"]).failed(3, "--unseen");
    place(&shop, &["--subject", "shop.users/77"]).failed(3, "there is no row with this key in shop.users");
    place(&shop, &["--subject", "shop.users/seven"]).failed(3, "--unseen");
    place(&shop, &["--subject", "shop.orders/1"]).failed(3, "`subject`");
    place(&shop, &["--subject", "shop.nothing/1"]).failed(3, "table of this name in the data maps");
    place(&shop, &["--table", "shop.nothing"]).failed(3, "table of this name in the data maps");
    place(&shop, &["--store", "shed"]).failed(3, "store of this name in the data maps");
    assert_eq!(list(&shop, &[]), [] as [Value; 0], "none of them was placed");

    assert_eq!(place(&shop, &["--account", "77", "--unseen"]).json()[0]["on"], "account", "not known yet, and wanted");
    assert_eq!(place(&shop, &["--subject", "shop.users/77", "--unseen"]).json()[0]["on"], "subject");
    place(&shop, &["--subject", "shop.orders/1", "--unseen"]).failed(3, "`subject`");
    // An account that no owner is left of still has its row.
    shop.sql("INSERT INTO accounts VALUES (9, 'Without')");
    assert_eq!(place(&shop, &["--account", "9"]).json()[0]["on"], "account");
    // While the store is away nobody can be asked: the hold comes first.
    std::fs::rename(shop.path("shop.db"), shop.path("away.db")).expect("the file moves");
    let said = place(&shop, &["--account", "1"]);
    assert_eq!(said.json()[0]["on"], "account");
    assert!(said.err.contains("could not be asked") && said.err.contains("the store shop"), "{}", said.err);
}

#[test]
fn a_hold_names_what_is_held_and_whom_only_to_who_asks() {
    let shop = Shop::begun();
    // A key counts as its column has it, so that the erasing meets the same text.
    assert_eq!(place(&shop, &["--subject", "shop.users/01"]).code, Some(3), "numbers are written as they stand");
    for what in [
        &["--account", "1"][..],
        &["--subject", "shop.users/2"],
        &["--table", "shop.orders"],
        &["--store", "shop"],
        &["--everything"],
    ] {
        let said = place(&shop, what);
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(said.err.contains("placed"), "{}", said.err);
    }
    let names = |lines: &[Value]| -> Vec<String> {
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        lines.iter().map(|l| ["on", "store", "table", "revealed"].map(|name| word(&l[name])).join(" ")).collect()
    };
    let masked = ["account - - -", "subject shop users -", "table shop orders -", "store shop - -", "everything - - -"];
    assert_eq!(names(&list(&shop, &[])), masked);
    assert!(shop.run(&["holds", "list"]).out.contains("shop.users/…"));
    let before = shop.run(&["trail", "export"]).out;
    let seen = names(&list(&shop, &["--reveal"]));
    assert_eq!(seen[..2], ["account - - 1", "subject shop users 2"]);
    let after = shop.run(&["trail", "export"]).out;
    assert!(after[before.len()..].contains("revealed") && after[before.len()..].contains("holds"), "{after}");
    assert_eq!(before.lines().count(), 5, "each placing is a leaf: {before}");

    // Lifted: whom it was on is forgotten, which table is not.
    for line in list(&shop, &[]) {
        let lifted = shop.run(&["holds", "release", line["id"].as_str().expect("an id")]);
        assert_eq!(lifted.code, Some(0), "{}", lifted.err);
    }
    let seen = names(&list(&shop, &["--reveal"]));
    assert_eq!(seen[..3], ["account - - -", "subject - - -", "table shop orders -"]);
}

#[test]
fn the_same_hold_is_placed_once_and_another_file_holds_by_itself() {
    let shop = Shop::begun();
    let first = place(&shop, &["--account", "1"]).json()[0]["id"].clone();
    let again = place(&shop, &["--account", "1"]);
    assert_eq!(again.json()[0]["id"], first);
    assert!(again.err.contains("stands already"), "{}", again.err);
    let other = shop.run(&["holds", "place", "--account", "1", "--reference", "7 U 8/26"]);
    assert!(other.err.contains("another hold stands on the same"), "{}", other.err);
    assert_eq!(list(&shop, &[]).len(), 2);
    let id = first.as_str().expect("an id");
    assert_eq!(shop.run(&["holds", "release", id]).code, Some(0));
    shop.run(&["holds", "release", id]).failed(4, "was lifted before");
    assert_ne!(place(&shop, &["--account", "1"]).json()[0]["id"], first, "what was lifted is placed anew");
}

#[test]
fn a_reference_holds_no_address_and_a_wrong_id_says_where_the_ids_are() {
    let shop = Shop::begun();
    for reference in ["EXP-7K3Q-M2 olga@customer.example", "<olga@customer.example>", "a@b"] {
        let said = shop.run(&["holds", "place", "--account", "1", "--reference", reference]);
        said.failed(2, "holds an e-mail address");
        assert!(!said.err.contains("olga"), "{}", said.err);
    }
    shop.run(&["holds", "place", "--account", "1", "--reference", &"9".repeat(201)]).failed(2, "200 characters");
    assert_eq!(list(&shop, &[]), [] as [Value; 0]);
    let nobody = "00000000-0000-0000-0000-000000000000";
    shop.run(&["holds", "release", nobody]).failed(3, "'expunged holds list' shows");
    shop.run(&["holds", "release", "12"]).failed(2, "'expunged holds list' shows");
    shop.run(&["jobs", "retry", nobody]).failed(3, "'expunged jobs list' shows");
    shop.run(&["jobs", "retry", "12"]).failed(2, "'expunged jobs list' shows");
}
