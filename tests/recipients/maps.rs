//! The maps of recipients: what is refused, what the register says of them, and whom a plan concerns.

use expunged::domain::{Scope, SubjectKind};
use expunged::erase::map::register;
use expunged::erase::{DataMap, Target, plan, told};
use expunged::stores::{Key, KeyValue, StoreName};

const PARCELS: &str = include_str!("../../config/stores/parcels.toml");
const COURIER: &str = include_str!("../../config/stores/courier.toml");

fn shop() -> String {
    let map = include_str!("../support/world/shop.toml").replace("{kind}", "sqlite").replace("{url}", "sqlite:shop.db");
    map.replace("{ phone = \"null\" }", "{ phone = \"null\", full_name = \"tombstone\" }")
}

fn parsed(parcels: &str) -> Result<DataMap, String> {
    let files = [("shop.toml", shop()), ("parcels.toml", parcels.to_owned()), ("courier.toml", COURIER.to_owned())];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    DataMap::parse(&files).map_err(|error| error.to_string())
}

#[test]
fn the_examples_are_right_and_a_wrong_one_says_what_to_write() {
    let map = parsed(PARCELS).unwrap();
    assert_eq!(map.recipients().len(), 2);
    for (old, new, says) in [
        ("address    = \"privacy@parcel.example\"", "", "needs an address"),
        ("privacy@parcel.example", "privacy at parcel", "no address"),
        ("user     = [\"email\"]", "user     = [\"shoe\"]", "use one of: email, key"),
        ("user     = [\"email\"]", "user     = []", "told nothing"),
        ("user     = [\"email\"]", "guest    = [\"email\"]", "no table has subject = \"guest\""),
        ("user     = [\"email\"]", "Guest    = [\"email\"]", "no kind of data subject"),
        ("remind_days = 7", "remind_days = 14", "too late"),
        ("silent_days = 14", "silent_days = 60", "at most 31"),
        ("silent_days = 14", "patience = 14", "unknown field"),
        ("language   = \"fr\"", "url = \"https://x.example\"", "kind = \"http\""),
        ("[\"contact\", \"identity\"]", "[]", "no data"),
        ("name       = \"parcels\"", "name       = \"courier\"", "two files"),
        ("name       = \"parcels\"", "name       = \"shop\"", "two files"),
        ("label      = \"Parcel & Co.\"", "label      = \" \"", "says nothing"),
    ] {
        assert!(PARCELS.contains(old), "{old}");
        let error = parsed(&PARCELS.replacen(old, new, 1)).expect_err(new);
        assert!(error.contains(says) && error.contains(".toml:"), "{new}: {error}");
    }
}

#[test]
fn the_register_names_who_holds_data_for_us() {
    let entries = register::register(&parsed(PARCELS).unwrap());
    let of: Vec<_> = entries.iter().filter(|entry| entry.store == "parcels").collect();
    assert_eq!(of.iter().map(|entry| entry.category.as_str()).collect::<Vec<_>>(), ["contact", "identity"]);
    assert_eq!((of[0].processor.as_deref(), of[0].location.as_deref()), (Some("Parcel & Co. SAS"), Some("Lyon, FR")));
    assert_eq!((of[0].erasing.as_str(), of[0].subjects.as_slice()), ("asked to erase", [SubjectKind::User].as_slice()));
    let courier = entries.iter().find(|entry| entry.store == "courier").unwrap();
    assert_eq!(courier.processor.as_deref(), Some("Courier Ltd"), "the label, where nobody is named");
}

/// Whom a plan concerns, with the categories.
fn concerned(scope: Scope, subject: SubjectKind, table: &str, categories: &[&str]) -> Vec<(String, Vec<String>)> {
    let map = parsed(PARCELS).unwrap();
    let target = Target {
        scope,
        subject_kind: subject,
        store: StoreName::new("shop").unwrap(),
        table: table.to_owned(),
        key: Key(vec![KeyValue::Text("1".to_owned())]),
        categories: categories.iter().map(ToString::to_string).collect(),
    };
    let skeleton = plan(&map, &target).unwrap();
    let found = told::concerned(&map, &skeleton).map(|(name, _, categories)| (name.to_string(), categories));
    found.collect()
}

#[test]
fn asked_is_who_holds_something_of_what_is_erased() {
    let list = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let both = [("courier".to_owned(), list(&["contact"])), ("parcels".to_owned(), list(&["contact", "identity"]))];
    assert_eq!(concerned(Scope::Account, SubjectKind::Account, "accounts", &[]), both);
    assert_eq!(concerned(Scope::User, SubjectKind::User, "users", &[]), both);
    // The one who knows no end-users is not told of one.
    assert_eq!(concerned(Scope::EndUser, SubjectKind::EndUser, "end_users", &[]), both[..1]);
    assert_eq!(concerned(Scope::Data, SubjectKind::User, "users", &["phone"]), []);
    assert_eq!(
        concerned(Scope::Data, SubjectKind::User, "users", &["phone", "identity"]),
        [("parcels".to_owned(), list(&["identity"]))]
    );
}
