//! The promise: whose rows they are is the map's to say: owners have a table of their own where it says so, and people whom no letter
//! and no directory knows go with those whom they belong to.

use expunged::domain::{Scope, State, SubjectKind};
use expunged::erase::map::{draw, register};
use expunged::erase::{self, EraseLimits, PlanError, Target};
use expunged::stores::Key;

use crate::support::world::{Ground, TEAM, World, plain};

const OWNER: &str = "owner1@team.example";

/// The owners apart from their staff; whoever applies with an account, and their papers.
const SPLIT: &str = "
    CREATE TABLE owners (id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts (id),
      email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL, phone TEXT);
    INSERT INTO owners SELECT 'w' || id, account_id, email, full_name, phone FROM users WHERE role = 'owner';
    DELETE FROM users WHERE role = 'owner';
    CREATE TABLE applicants (id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts (id),
      email TEXT NOT NULL UNIQUE);
    CREATE TABLE papers (id TEXT NOT NULL PRIMARY KEY, applicant_id TEXT NOT NULL REFERENCES applicants (id), told TEXT);
    CREATE INDEX papers_of ON papers (applicant_id);
    INSERT INTO applicants VALUES ('p1', 'a1', 'pia@home.example'), ('p2', 'a2', 'pat@home.example');
    INSERT INTO papers VALUES ('b1', 'p1', 'born in 1990'), ('b2', 'p2', 'born in 1991')";

const MAPPED: &str = r#"
[tables.owners]
subject    = "owner"
key        = "id"
identify   = { email = "email" }
belongs_to = { accounts = "account_id" }
categories = { id = "none", account_id = "none", email = "contact", full_name = "identity", phone = "phone" }
erase      = "delete"
mask       = { phone = "null" }

[tables.applicants]
subject    = "applicant"
key        = "id"
identify   = { email = "email" }
belongs_to = { accounts = "account_id" }
categories = { id = "none", account_id = "none", email = "contact" }
erase      = "delete"

[tables.papers]
key        = "id"
belongs_to = { applicants = "applicant_id" }
categories = { id = "none", applicant_id = "none", told = "career" }
erase      = "delete"
mask       = { told = "null" }
"#;

async fn split() -> World {
    let ground = Ground::sqlite().await;
    ground.shop.run(SPLIT).await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    ground.write("shop.toml", &format!("{map}{MAPPED}"));
    let people = "(SELECT id, account_id, role, full_name, email FROM users
                   UNION ALL SELECT id, account_id, 'owner', full_name, email FROM owners) AS people";
    ground.with_config(|config| config.replace("FROM users", &format!("FROM {people}"))).build().await
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_have_a_table_of_their_own_and_others_go_with_their_account() {
    let world = split().await;
    let shop = &world.ground.shop;
    world
        .live(async {
            let request = world.ask_and_confirm(OWNER).await;
            world.days_pass(7).await;
            assert_eq!(world.state(request).await, State::Completed);
            for (table, left) in [("owners", 3), ("applicants", 1), ("papers", 1), ("accounts", 3)] {
                assert_eq!(shop.count(&format!("SELECT COUNT(*) FROM {table}")).await, left, "{table}");
            }
            // Who applies again elsewhere is the same person under another key, like any other subject.
            shop.run("INSERT INTO applicants VALUES ('p9', 'a3', 'pia@home.example')").await;
            world.fresh(TEAM);
            world.days_pass(7).await;
            assert_eq!(world.state(request).await, State::Reopened);
            let told = world.fresh(TEAM).pop().unwrap().text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(told.contains("1 of the same person under another key"), "{told}");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_of_their_own_table_has_their_data_erased() {
    let world = split().await;
    let shop = &world.ground.shop;
    world
        .live(async {
            let asks =
                plain(OWNER, "My phone number", "Hello,\r\n\r\nplease delete my phone number, but keep my account.");
            let request = world.receive(&asks).await.1.unwrap();
            let question = world.fresh(OWNER).pop().unwrap();
            world.receive(&question.answer(OWNER, &question.code())).await;
            world.days_pass(7).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert_eq!(shop.count("SELECT COUNT(*) FROM owners WHERE id = 'wu1' AND phone IS NULL").await, 1);
            assert_eq!(shop.count("SELECT COUNT(*) FROM owners WHERE phone IS NULL").await, 1);
        })
        .await;
}

#[tokio::test]
async fn a_plan_begins_with_whom_a_letter_can_ask_for() {
    let world = split().await;
    let house = &world.house;
    let own = house.target(Scope::Data, &SubjectKind::Owner, "wu1", vec!["phone".to_owned()]).unwrap();
    assert_eq!((own.table.as_str(), &own.subject_kind), ("owners", &SubjectKind::Owner));
    let all = Target { scope: Scope::User, categories: Vec::new(), ..own };
    let skeleton = erase::plan(&house.map, &all).unwrap();
    let preview = erase::preview(&house.map, &house.stores, skeleton, EraseLimits::default(), house.clock.now()).await;
    assert_eq!(preview.unwrap().rows_total(), 1, "the owner alone");
    let account = Target { scope: Scope::Account, ..all.clone() };
    assert!(matches!(erase::plan(&house.map, &account), Err(PlanError::WrongSubject { .. })), "an owner is no account");
    let applicant = SubjectKind::Named("applicant".to_owned());
    for scope in [Scope::Account, Scope::User, Scope::EndUser] {
        let (table, key, subject_kind) = ("applicants".to_owned(), Key::from("p1"), applicant.clone());
        let target = Target { scope, table, key, subject_kind, ..all.clone() };
        let planned = erase::plan(&house.map, &target);
        assert!(matches!(planned, Err(PlanError::WrongSubject { .. })), "no letter asks for one: {scope}");
    }
    let drawn = draw::draw(&house.map);
    assert!(drawn.contains("<b>applicants</b><br>applicant"), "{drawn}");
    let career = register::register(&house.map).into_iter().find(|entry| entry.category == "career").unwrap();
    let of: Vec<&str> = career.subjects.iter().map(SubjectKind::as_str).collect();
    assert_eq!(of, ["account", "applicant"]);
    let none = World::sqlite().await;
    let own = none.house.target(Scope::User, &SubjectKind::Owner, "u1", Vec::new()).unwrap();
    assert_eq!((own.table.as_str(), &own.subject_kind), ("users", &SubjectKind::User), "an owner is a user elsewhere");
}
