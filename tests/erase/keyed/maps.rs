//! Maps of stores without tables that are wrong in themselves: what is said, where, and what to write instead.

use expunged::erase::DataMap;

use super::CACHE;
use crate::erase::world::MAPS;

/// Replaces a piece of cache.toml and answers the error as it is shown.
fn error_of(old: &str, new: &str) -> String {
    assert!(CACHE.1.contains(old), "{old}");
    let cache = CACHE.1.replacen(old, new, 1);
    DataMap::parse(&[MAPS[0], ("cache.toml", &cache)]).expect_err(new).to_string()
}

#[test]
fn errors_name_file_line_and_fix() {
    let mut wrong = Vec::new();
    for (old, new, place, says, fix) in [
        ("session:{user}:*", "session:{user", "cache.toml:14:14", "a { is not closed", "{name}"),
        ("session:{user}:*", "*:{user}", "cache.toml:14:14", "a * stands before a place", "put the place first"),
        ("session:{user}:*", "session:{user}:{user}", "cache.toml:14:14", "a place stands twice", "a name of its own"),
        ("session:{user}:*", "session:{key}:*", "cache.toml:13:1", "a place is called key", "another name"),
        ("session:{user}:*", "session:*", "cache.toml:16:", "user is no place of the template", "put {user}"),
        ("\"online:{account}\"", "\"online:{user}\"", "cache.toml:31:1", "user stands in the name and", "two names"),
        ("\"string\" ", "\"text\" ", "cache.toml:15:14", "\"text\" is no type of Redis", "zset"),
        ("type       = \"string\" ", "", "cache.toml:13:1", "its type is missing", "hash"),
        (
            "field      = \"{user}\"",
            "member = \"{user}\"",
            "cache.toml:21:1",
            "a hash has no member",
            "field is for a hash",
        ),
        ("{ user_id = \"{user}\" }", "{ a = \"{user}\", b = \"x\" }", "cache.toml:44:14", "by one field", "entry = {"),
        (
            "= \"events:{account}\"",
            "= \"online:{account}\"",
            "cache.toml:4:1",
            "events and online claim the same",
            "one table",
        ),
        ("\"rate:*\", ", "\"session:*\", ", "cache.toml:4:1", "session:* is ignored", "narrower"),
        ("\"rate:*\", ", "\"{}\", ", "cache.toml:4:1", "in ignore is no pattern", "rate:*"),
        (
            "\"accounts.users\" = \"user\"",
            "\"cache.carts\" = \"user\"",
            "cache.toml:16:",
            "no mapped table",
            "store.table",
        ),
        (
            "belongs_to = { \"accounts.users\" = \"user\" }",
            "",
            "cache.toml:13:1",
            "nothing leads to its rows",
            "ignore",
        ),
        (
            "\"behaviour\"            #",
            "[\"behaviour\", \"contact\"] #",
            "cache.toml:13:1",
            "value.behaviour has no mask",
            "one category only",
        ),
        ("\"behaviour\"            #", "\"Behaviour\" #", "cache.toml:17:14", "is no category", "lower-case"),
        ("erase      = \"delete\"", "erase = \"mask\"", "cache.toml:18:9", "goes as a whole", "ignore under [store]"),
        ("[keys.carts]", "[tables.carts]", "cache.toml:21:1", "unknown field `category`", "config/stores"),
        ("kind = \"redis\"", "kind = \"sqlite\"", "cache.toml:7:7", "has tables of its own", "use [tables.NAME]"),
    ] {
        let error = error_of(old, new);
        if !(error.starts_with(place) && error.contains(says) && error.contains(fix)) {
            wrong.push(format!("{new}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tables_are_of_databases_and_names_of_stores_without() {
    let accounts = MAPS[0].1.replacen("kind = \"sqlite\"", "kind = \"redis\"", 1).replace("sqlite:", "redis:");
    let error = DataMap::parse(&[("accounts.toml", &accounts)]).unwrap_err().to_string();
    assert!(error.contains("not mapped as its kind is") && error.contains("[keys.NAME]"), "{error}");
    let empty = "[store]\nname = \"empty\"\nkind = \"sqlite\"\nurl = \"x\"\nbackup_days = 1\n";
    assert!(DataMap::parse(&[("empty.toml", empty)]).is_ok(), "what it lacks is seen when the store is looked at");
}
