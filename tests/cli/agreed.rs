//! A plan on paper: written once, drawn, told by the exit code, agreed to for a request.

use super::shop::Shop;

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
    shop.run(&["plan", "olga@customer.example", "--rows-max", "1"]).failed(1, "expunged apply");
}

#[test]
fn a_paper_is_agreed_to_for_the_request_that_it_is_of() {
    let shop = Shop::new();
    shop.letter("olga@customer.example", "Please close my account", "Please close my account and delete all my data.");
    shop.daemon_until(|shop| shop.run(&["requests", "list"]).out.contains("awaiting_confirmation"));
    let listed = shop.run(&["requests", "list", "-o", "json"]).json();
    let reference = listed[0]["reference"].as_str().expect("a reference").to_owned();
    let file = |name: &str, address: &str| {
        let file = shop.path(name).display().to_string();
        assert_eq!(shop.run(&["plan", address, "--out", &file]).code, Some(0));
        file
    };
    let (olga, oscar) = (file("olga.json", "olga@customer.example"), file("oscar.json", "oscar@other.example"));
    let said = shop.run(&["apply", &olga, "--request", &reference]);
    assert!(said.code == Some(0) && said.err.contains("6 rows are agreed to"), "{}", said.err);
    let leaves = shop.run(&["trail", "show", &reference]);
    assert!(leaves.out.contains("plan_agreed"), "{}", leaves.out);

    shop.run(&["apply", &oscar, "--request", &reference]).failed(4, "is not the one of this request");
    shop.run(&["apply", &olga, "--request", "EXP-7K3Q-M2"]).failed(3, "a request with this reference");
    let map = shop.path("shop.toml").display().to_string();
    shop.run(&["apply", &map, "--request", &reference]).failed(2, "not a plan");
    shop.run(&["apply", "/nowhere", "--request", &reference]).failed(2, "/nowhere");
    shop.sql(
        "INSERT INTO orders SELECT value + 100, 1, '2024-01-01', 'Olga' FROM
         (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 200) SELECT value FROM n)",
    );
    shop.run(&["apply", &olga, "--request", &reference]).failed(4, "3 rows then, 203 now");
}
