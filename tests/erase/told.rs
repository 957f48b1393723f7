//! What an outcome lets a letter say: what is kept and why, who can still be told from a row, and whose rows they are.

use expunged::domain::Scope;
use expunged::erase::{Outcome, StepCounts};

use super::world::{World, target};

/// The map of the design: all that is personal in an order is masked, and the order itself is kept.
const DESIGN: &str = r#"
[store]
name = "shop"
kind = "sqlite"
url = "sqlite://shop.db"
backup_days = 35

[tables.users]
subject    = "user"
key        = "id"
categories = { id = "none", email = "contact", full_name = "identity", phone = "phone" }
erase      = "delete"
mask       = { phone = "null" }

[tables.orders]
key        = "id"
belongs_to = { users = ["user_id"] }
refers_to  = { users = ["packed_by"] }
categories = { id = "none", user_id = "none", packed_by = "none", placed_at = "none", ship_name = "identity", ship_street = "contact", total = "none" }
erase      = "mask"
mask       = { user_id = "detach", packed_by = "detach", ship_name = "null", ship_street = "null" }
keep       = { ground = "Art. 17(3)(b); HGB §257", until = "placed_at + 10 years" }
"#;

const TABLES: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL, full_name TEXT NOT NULL, phone TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), packed_by INTEGER REFERENCES users (id),
        placed_at TEXT NOT NULL, ship_name TEXT, ship_street TEXT, total INTEGER NOT NULL);
    INSERT INTO users VALUES (1, 'a@x', 'Ada', '1'), (2, 'b@x', 'Bob', '2');
    INSERT INTO orders VALUES (10, 1, 2, '2026-01-02', 'Ada', 'Elm', 5), (11, 2, 1, '2026-01-02', 'Bob', 'Oak', 6);";

async fn erase(map: &str, scope: Scope, categories: &[&str]) -> (World, Outcome) {
    let world = World::new(&[("shop.toml", map)], &[TABLES.to_owned()]).await;
    let mut ada = target(scope, Scope::User, 1);
    ada.store = expunged::stores::StoreName::new("shop").unwrap();
    ada.categories = categories.iter().map(|category| (*category).to_owned()).collect();
    let outcome = world.erase(&ada).await;
    assert!(outcome.is_clean());
    (world, outcome)
}

#[tokio::test]
async fn what_is_kept_is_told_also_where_nothing_personal_is_left() {
    let (_, outcome) = erase(DESIGN, Scope::User, &[]).await;
    let lines = outcome.by_category();
    let kept: Vec<_> = lines.iter().filter(|line| !line.kept.is_empty()).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].category.as_str(), kept[0].kept[0].rows), ("none", 1));
    assert_eq!(kept[0].kept[0].ground, "Art. 17(3)(b); HGB §257");
    assert_eq!(kept[0].kept[0].until.unwrap().to_string(), "2036-01-02");
}

#[tokio::test]
async fn what_lets_go_is_told_as_others_only_where_it_is() {
    let (world, outcome) = erase(DESIGN, Scope::User, &[]).await;
    // Bob's order named Ada as its packer: one record of somebody else. Ada's own order is no record of others.
    assert_eq!(outcome.by_category().iter().map(|line| line.detached).sum::<u64>(), 1);
    let own = outcome.steps.iter().find(|step| step.table == "orders" && step.counts.kept > 0).unwrap();
    assert_eq!(own.counts, StepCounts { masked: 1, kept: 1, ..StepCounts::default() });
    // A link to somebody who stays is not cut: Bob packed Ada's order.
    let packed = "SELECT COUNT(*) FROM orders WHERE id = 10 AND user_id IS NULL AND packed_by = 2";
    assert_eq!(world.count("shop", packed).await, 1);
    assert_eq!(
        world.count("shop", "SELECT COUNT(*) FROM orders WHERE id = 11 AND user_id = 2 AND packed_by IS NULL").await,
        1
    );
}

#[tokio::test]
async fn anonymised_is_said_only_of_rows_that_point_to_nobody() {
    let masked = |outcome: &Outcome| -> (u64, u64) {
        let lines = outcome.by_category();
        (lines.iter().map(|line| line.masked).sum(), lines.iter().map(|line| line.anonymised).sum())
    };
    // The packer is somebody, so that the order still points to a person.
    assert_eq!(masked(&erase(DESIGN, Scope::User, &[]).await.1), (2, 0));
    let alone =
        DESIGN.replace("refers_to  = { users = [\"packed_by\"] }\n", "").replace("packed_by = \"detach\", ", "");
    let alone = alone.replace("belongs_to = { users = [\"user_id\"] }", "belongs_to = { users = \"user_id\" }");
    let tables = TABLES.replace("packed_by INTEGER REFERENCES users (id)", "packed_by INTEGER");
    let world = World::new(&[("shop.toml", &alone)], &[tables]).await;
    let mut ada = target(Scope::User, Scope::User, 1);
    ada.store = expunged::stores::StoreName::new("shop").unwrap();
    assert_eq!(masked(&world.erase(&ada).await), (0, 2), "contact and identity of one order");
    // Of a tombstone, and of a name that stays, nobody may say so.
    let tombstone = alone.replace("ship_name = \"null\"", "ship_name = \"tombstone\"");
    let world = World::new(
        &[("shop.toml", &tombstone)],
        &[TABLES.replace("packed_by INTEGER REFERENCES users (id)", "packed_by INTEGER")],
    )
    .await;
    assert_eq!(masked(&world.erase(&ada).await), (2, 0));
}

#[tokio::test]
async fn a_phone_number_alone_makes_nobody_anonymous() {
    let (world, outcome) = erase(DESIGN, Scope::Data, &["phone"]).await;
    let phone: Vec<_> = outcome.by_category().into_iter().filter(|line| line.category == "phone").collect();
    assert_eq!((phone.len(), phone[0].masked, phone[0].anonymised), (1, 1, 0));
    assert_eq!(
        world.count("shop", "SELECT COUNT(*) FROM users WHERE id = 1 AND phone IS NULL AND email = 'a@x'").await,
        1
    );
}

#[tokio::test]
async fn who_has_no_phone_number_is_told_that_nothing_was_held() {
    let bare = World::new(&[("shop.toml", DESIGN)], &[TABLES.to_owned()]).await;
    bare.run("shop", "UPDATE users SET phone = NULL WHERE id = 1").await;
    let mut ada = target(Scope::Data, Scope::User, 1);
    ada.store = expunged::stores::StoreName::new("shop").unwrap();
    ada.categories = std::iter::once("phone".to_owned()).collect();
    let outcome = bare.erase(&ada).await;
    assert!(outcome.is_clean() && outcome.is_empty(), "{outcome:?}");
}

#[tokio::test]
async fn a_shared_row_lets_go_of_the_one_who_goes() {
    let world = World::shop(1).await;
    world.run("shop", "UPDATE orders SET end_user_id = 15 WHERE id = 1101").await;
    let outcome = world.erase(&target(Scope::User, Scope::User, 11)).await;
    assert!(outcome.is_clean());
    let shared = "SELECT COUNT(*) FROM orders WHERE id = 1101 AND user_id IS NULL AND end_user_id = 15";
    assert_eq!(world.count("shop", shared).await, 1);
}

#[tokio::test]
async fn only_stores_with_a_find_are_named() {
    let world = World::shop(1).await;
    world.run("crm", "DELETE FROM notes; DELETE FROM tickets; DELETE FROM contacts").await;
    let outcome = world.erase(&target(Scope::User, Scope::User, 12)).await;
    let stores: Vec<_> = outcome.stores().into_iter().map(ToString::to_string).collect();
    assert_eq!(stores, ["accounts", "shop"]);
}

/// An account of three people, who may have left something out.
const COMPANY: &str = r#"
[store]
name = "shop"
kind = "sqlite"
url = "sqlite://shop.db"
backup_days = 35

[tables.accounts]
subject    = "account"
key        = "id"
categories = { id = "none" }
erase      = "delete"

[tables.users]
key        = "id"
belongs_to = { accounts = ["account_id"] }
categories = { id = "none", account_id = "none", email = "contact", street = "contact", phone = "phone" }
erase      = "delete"

[tables.orders]
key        = "id"
belongs_to = { accounts = ["account_id"] }
categories = { id = "none", account_id = "none", placed_at = "none", ship_name = "identity", phone = "phone", iban = "bank", vat = "tax" }
erase      = "mask"
mask       = { account_id = "detach", ship_name = { constant = "gone" }, phone = "null" }
keep       = { ground = "HGB", until = "placed_at + 10 years" }
"#;

const PEOPLE: &str = "
    CREATE TABLE accounts (id INTEGER PRIMARY KEY);
    CREATE TABLE users (id INTEGER PRIMARY KEY, account_id INTEGER REFERENCES accounts (id), email TEXT, street TEXT, phone TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, account_id INTEGER REFERENCES accounts (id), placed_at TEXT NOT NULL, ship_name TEXT,
        phone TEXT, iban TEXT, vat TEXT);
    INSERT INTO accounts VALUES (1), (2);
    INSERT INTO users VALUES (11, 1, 'a@x', NULL, '1'), (12, 1, 'b@x', 'Elm', NULL), (13, 1, NULL, NULL, NULL), (21, 2, 'c@x', NULL, '2');
    INSERT INTO orders VALUES (111, 1, '2026-01-02', 'Ada', NULL, 'DE1', NULL), (112, 1, '2026-01-02', NULL, '3', NULL, NULL),
        (113, 1, '2026-01-02', 'gone', NULL, NULL, NULL);";

#[tokio::test]
async fn a_category_counts_the_rows_that_held_something_of_it() {
    let world = World::new(&[("shop.toml", COMPANY)], &[PEOPLE.to_owned()]).await;
    let mut company = target(Scope::Account, Scope::Account, 1);
    company.store = expunged::stores::StoreName::new("shop").unwrap();
    let outcome = world.erase(&company).await;
    assert!(outcome.is_clean());
    let lines = outcome.by_category();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            let kept: Vec<u64> = line.kept.iter().map(|kept| kept.rows).collect();
            (line.category.as_str(), line.erased, line.masked + line.anonymised, kept)
        })
        .collect();
    let expected = [
        // Two of three people have an address of either kind; one row with both would count once.
        ("bank", 0, 0, vec![1]),
        ("contact", 2, 0, vec![]),
        // The third order's name is the mask's own word already, and an empty one was never a name.
        ("identity", 0, 1, vec![]),
        ("none", 1, 0, vec![]),
        ("phone", 1, 1, vec![]),
        ("tax", 0, 0, vec![]),
    ];
    assert_eq!(told, expected);
    assert_eq!(outcome.kept.iter().map(|kept| kept.kept.rows).collect::<Vec<_>>(), [3], "each order is kept, and once");
    let rows: u64 = outcome.steps.iter().map(|step| step.counts.erased).sum();
    assert_eq!(rows, 4, "steps count rows");
}

#[tokio::test]
async fn a_row_that_is_kept_is_told_though_nothing_that_could_be_in_it_is() {
    let empty = PEOPLE.replace("'DE1'", "NULL");
    let world = World::new(&[("shop.toml", COMPANY)], &[empty]).await;
    let mut company = target(Scope::Account, Scope::Account, 1);
    company.store = expunged::stores::StoreName::new("shop").unwrap();
    let lines = world.erase(&company).await.by_category();
    let kept: Vec<_> =
        lines.iter().flat_map(|line| line.kept.iter().map(|kept| (line.category.as_str(), kept.rows))).collect();
    assert_eq!(kept, [("none", 3)]);
}
