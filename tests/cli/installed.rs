//! What somebody meets who installs it as a stranger: what does not fit yet is said where it is looked for, and not after a letter
//! came.

use super::Said;
use super::shop::Shop;

/// The note of a line of `check`.
fn note(said: &Said, check: &str) -> String {
    let lines: serde_json::Value = serde_json::from_str(&said.out).expect("JSON on stdout");
    let line = lines.as_array().expect("lines").iter().find(|line| line["check"] == check);
    line.unwrap_or_else(|| panic!("{check} in {lines}"))["note"].as_str().expect("a note").to_owned()
}

#[test]
fn a_category_without_a_word_in_letters_is_named() {
    let shop = Shop::new();
    let said = shop.run(&["check", "-o", "json"]);
    assert!(!said.out.contains("names of categories"), "{}", said.out);
    shop.rewrite("shop.toml", "company = \"identity\"", "company = \"house_colour\"");
    let said = shop.run(&["check", "-o", "json"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(note(&said, "names of categories").ends_with(": house_colour"), "{}", said.out);
}
