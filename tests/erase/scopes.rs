//! What each scope takes and what it leaves, counted by plain SQL and by a comparison of full dumps.

use expunged::domain::Scope;
use expunged::erase::{Outcome, PlanError, StepCounts};

use super::memory::MemoryLedger;
use super::world::{World, target};

/// The counts of one table, over its steps.
fn counts(outcome: &Outcome, table: &str) -> StepCounts {
    let mut sum = StepCounts::default();
    for step in outcome.steps.iter().filter(|step| step.table == table) {
        sum.erased += step.counts.erased;
        sum.masked += step.counts.masked;
        sum.detached += step.counts.detached;
        sum.kept += step.counts.kept;
    }
    sum
}

fn erased(rows: u64) -> StepCounts {
    StepCounts { erased: rows, ..StepCounts::default() }
}

/// Every row that differs between two dumps must be one of the target's: its first value passes the filter.
async fn only_touched(
    before: &std::collections::BTreeMap<String, Vec<String>>,
    world: &World,
    own: impl Fn(&str, &str) -> bool,
) {
    let after = world.dump().await;
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (table, rows) in before {
        for row in rows.iter().filter(|row| !after[table].contains(row)) {
            assert!(own(table, row), "{table}: a row of somebody else was touched: {row}");
        }
        assert!(after[table].len() <= rows.len(), "{table}: no row may be added");
    }
}

#[tokio::test]
async fn a_user_goes_and_everybody_else_stays() {
    let world = World::shop(3).await;
    let before = world.dump().await;
    let outcome = world.erase(&target(Scope::User, Scope::User, 12)).await;
    assert!(outcome.is_clean());
    assert_eq!(counts(&outcome, "users"), erased(1));
    assert_eq!(counts(&outcome, "contacts"), erased(1));
    assert_eq!(counts(&outcome, "tickets"), erased(1));
    assert_eq!(counts(&outcome, "notes"), erased(3));
    assert_eq!(counts(&outcome, "search_history"), erased(3));
    assert_eq!(counts(&outcome, "sessions"), erased(1));
    assert_eq!(counts(&outcome, "orders"), StepCounts { masked: 2, detached: 2, kept: 2, ..erased(0) });
    // Two of the four lines have an engraving.
    assert_eq!(counts(&outcome, "order_lines"), StepCounts { masked: 2, ..erased(0) });
    assert_eq!(outcome.steps.last().unwrap().table, "users", "the identifying row goes last");
    only_touched(&before, &world, |_, row| row.starts_with("12") || row.starts_with("'s-12")).await;
    let kept = "SELECT COUNT(*) FROM orders WHERE id IN (1201, 1202) AND user_id IS NULL AND ship_name IS NULL
                AND ship_street IS NULL AND total_cents = 990";
    assert_eq!(world.count("shop", kept).await, 2);
    assert_eq!(world.count("accounts", "SELECT COUNT(*) FROM accounts").await, 3);
}

#[tokio::test]
async fn the_letter_names_ground_and_latest_end() {
    let world = World::shop(1).await;
    let outcome = world.erase(&target(Scope::User, Scope::User, 12)).await;
    let categories = outcome.by_category();
    let of = |name: &str| categories.iter().find(|line| line.category == name).unwrap();
    assert_eq!((of("financial").kept[0].rows, of("financial").erased), (2, 0));
    assert!(of("financial").kept[0].ground.contains("HGB"));
    assert_eq!(of("financial").kept[0].until.unwrap().to_string(), "2032-03-04");
    assert_eq!((of("behaviour").erased, of("behaviour").kept.len()), (4, 0));
    assert_eq!((of("identity").masked, of("identity").erased), (4, 2));
}

#[tokio::test]
async fn an_owner_s_tickets_let_go_and_stay() {
    let world = World::shop(2).await;
    let before = world.dump().await;
    let outcome = world.erase(&target(Scope::User, Scope::User, 11)).await;
    assert!(outcome.is_clean());
    assert_eq!(counts(&outcome, "tickets"), StepCounts { detached: 3, ..erased(1) });
    assert_eq!(world.count("crm", "SELECT COUNT(*) FROM tickets WHERE assignee_ref = '11'").await, 0);
    assert_eq!(world.count("crm", "SELECT COUNT(*) FROM tickets WHERE body = 'help'").await, 7);
    let pointing = |table: &str, row: &str| table == "crm.tickets" && row.contains("'11'");
    only_touched(&before, &world, |table, row| {
        row.starts_with("11") || row.starts_with("'s-11") || pointing(table, row)
    })
    .await;
}

#[tokio::test]
async fn an_account_goes_with_everybody_in_it() {
    let world = World::shop(3).await;
    let before = world.dump().await;
    let outcome = world.erase(&target(Scope::Account, Scope::Account, 2)).await;
    assert!(outcome.is_clean());
    assert_eq!(outcome.steps.last().unwrap().table, "accounts");
    assert_eq!((counts(&outcome, "users"), counts(&outcome, "end_users")), (erased(2), erased(2)));
    assert_eq!(counts(&outcome, "notes"), erased(12));
    // Each let go of its user and of the account.
    assert_eq!(counts(&outcome, "orders"), StepCounts { masked: 8, detached: 16, kept: 8, ..erased(0) });
    only_touched(&before, &world, |_, row| row.starts_with('2') || row.starts_with("'s-2")).await;
    assert_eq!(world.count("accounts", "SELECT COUNT(*) FROM users").await, 4);
    assert_eq!(world.count("shop", "SELECT COUNT(*) FROM orders WHERE user_id BETWEEN 20 AND 29").await, 0);
}

#[tokio::test]
async fn an_end_user_goes_alone() {
    let world = World::shop(2).await;
    let before = world.dump().await;
    let outcome = world.erase(&target(Scope::EndUser, Scope::EndUser, 15)).await;
    assert!(outcome.is_clean());
    assert_eq!((counts(&outcome, "end_users"), counts(&outcome, "search_history")), (erased(1), erased(3)));
    only_touched(&before, &world, |_, row| row.starts_with("15") || row.starts_with("'s-15")).await;
}

#[tokio::test]
async fn named_data_go_and_the_person_stays() {
    let world = World::shop(2).await;
    let before = world.dump().await;
    let mut some = target(Scope::Data, Scope::User, 12);
    some.categories = vec!["contact".to_owned(), "phone".to_owned()];
    let outcome = world.erase(&some).await;
    assert!(outcome.is_clean());
    only_touched(&before, &world, |_, row| row.starts_with("12") || row.starts_with("'s-12")).await;
    let user = "SELECT COUNT(*) FROM users WHERE id = 12 AND full_name = 'Name 12' AND phone IS NULL
                AND email LIKE 'erased-%@erased.invalid' AND language_note = 'note'";
    assert_eq!(world.count("accounts", user).await, 1);
    assert_eq!(world.count("shop", "SELECT COUNT(*) FROM search_history WHERE user_id = 12").await, 3);
    let orders = "SELECT COUNT(*) FROM orders WHERE user_id = 12 AND ship_street IS NULL AND ship_name = 'Name 12'";
    assert_eq!(world.count("shop", orders).await, 2, "what is not named stays, and so does the link");
}

#[tokio::test]
async fn a_row_of_nothing_but_named_data_is_deleted() {
    let world = World::shop(1).await;
    let mut some = target(Scope::Data, Scope::EndUser, 15);
    some.categories = vec!["behaviour".to_owned(), "contact".to_owned()];
    let outcome = world.erase(&some).await;
    assert_eq!(counts(&outcome, "search_history"), erased(3));
    assert_eq!(counts(&outcome, "sessions"), erased(1));
    assert_eq!(
        world.count("accounts", "SELECT COUNT(*) FROM end_users WHERE id = 15 AND full_name = 'Name 15'").await,
        1
    );
    some.categories = vec!["special".to_owned()];
    assert!(matches!(expunged::erase::plan(&world.map, &some), Err(PlanError::NothingNamed { .. })));
    some.categories = vec!["shoe_size".to_owned()];
    assert!(matches!(expunged::erase::plan(&world.map, &some), Err(PlanError::UnknownCategory { .. })));
}

#[tokio::test]
async fn what_cannot_be_erased_alone_has_no_plan() {
    let world = World::shop(1).await;
    let mut some = target(Scope::Data, Scope::Account, 1);
    some.categories = vec!["identity".to_owned()];
    let refused = expunged::erase::plan(&world.map, &some);
    assert!(matches!(refused, Err(PlanError::NoMask { ref column, .. }) if column == "company"));
}

#[tokio::test]
async fn a_plan_is_for_one_target_and_one_map() {
    let world = World::shop(2).await;
    let digest = |id| expunged::erase::plan(&world.map, &target(Scope::User, Scope::User, id)).unwrap().digest;
    assert_eq!(digest(12), digest(12));
    assert_ne!(digest(12), digest(22));
    let preview = world.preview(&target(Scope::User, Scope::User, 12)).await.unwrap();
    let other = super::world::authority(digest(22));
    assert!(matches!(expunged::erase::Plan::new(preview, other), Err(PlanError::OtherPlan)));
    let wrong = target(Scope::Account, Scope::User, 12);
    assert!(matches!(expunged::erase::plan(&world.map, &wrong), Err(PlanError::WrongSubject { .. })));
}

#[tokio::test]
async fn a_preview_writes_nothing_and_counts_what_will_happen() {
    let world = World::shop(2).await;
    let before = world.dump().await;
    let preview = world.preview(&target(Scope::User, Scope::User, 12)).await.unwrap();
    assert_eq!(world.dump().await, before);
    assert_eq!(preview.rows_total(), 1 + 1 + 1 + 3 + 3 + 1 + 2 + 4);
    let json = serde_json::to_value(&preview).unwrap();
    assert_eq!(json["rows"].as_array().unwrap().len(), preview.rows.len());
    let ledger = MemoryLedger::default();
    let plan = world.plan(&target(Scope::User, Scope::User, 12)).await;
    let outcome = world.execute(&plan, &ledger).await.unwrap();
    for (row, step) in preview.rows.iter().zip(&outcome.steps) {
        let done = step.counts;
        let acted = done.erased.max(done.masked).max(done.detached).max(done.kept);
        match (&*row.act, row.table.as_str()) {
            ("open", _) => {}
            // Two of the four lines have no engraving that could be masked.
            ("mask", "order_lines") => assert_eq!((row.rows, acted), (4, 2)),
            _ => assert_eq!(row.rows, acted),
        }
    }
}
