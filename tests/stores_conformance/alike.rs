//! Values that a cast to a column's type, or its collation, would take for one another.

use expunged::stores::{Assignment, Key, KeyValue, NewValue, Select, StoreError};

use super::{World, ints, names, null};

/// Rows that a cast to the column's type, or its collation, would take for one another.
pub async fn finds_nobody_else_s_rows(world: &World) {
    let by_id = names(&["id"]);
    for (column, value, wanted) in [
        ("short", Key::from(123_456), &[][..]),
        ("short", Key::from(12_345), &[1]),
        ("small", Key::from(2_147_483_648), &[]),
        ("small", Key::from(7), &[1]),
        ("round", Key::from("12345678901234567891"), &[1]),
        ("round", Key::from("12345678901234567892"), &[]),
        ("fixed", Key::from("ab"), &[1]),
        ("fixed", Key::from("abc"), &[]),
        ("fixed", Key::from("ab "), &[]),
        ("loose", Key::from("muller"), &[1]),
        ("loose", Key::from("M\u{fc}ller"), &[3]),
        ("loose", Key::from("muller "), &[5]),
        ("loose", Key::from("m\u{142}ller"), &[]),
        ("loose", Key::from("?"), &[4]),
    ] {
        let (columns, values) = (names(&[column]), [value]);
        let select = Select { table: "alike", columns: &columns, values: &values, linked_to: None };
        let found = world.store.keys(select, &by_id, None, 10).await.unwrap();
        assert_eq!(found, ints(wanted), "{column} of {:?}", values[0].single().map(KeyValue::to_text));
        assert_eq!(world.store.count(select).await.unwrap(), wanted.len() as u64, "{column}");
    }
}

/// What was deleted came back as somebody else's key that the collation takes for the same.
pub async fn touches_nobody_else_s_rows(world: &World) {
    let columns = names(&["name"]);
    let gone = [Key::from("muller")];
    let select = Select { table: "named", columns: &columns, values: &gone, linked_to: None };
    assert_eq!(world.store.count(select).await.unwrap(), 0);
    assert_eq!(world.store.mask(select, &[null("note")]).await.unwrap(), 0);
    assert_eq!(world.store.delete(select).await.unwrap(), 0);
    assert_eq!(world.dump.count("SELECT COUNT(*) FROM named WHERE note = 'hers'").await, 1);
    let hers = [Key::from("MULLER")];
    let select = Select { values: &hers, ..select };
    let capitals = [Assignment { column: "note".to_owned(), value: NewValue::Constant("HERS".to_owned()) }];
    assert_eq!(world.store.residue(select, &capitals).await.unwrap(), 1, "another spelling is another value");
    let long = [Assignment { column: "tag".to_owned(), value: NewValue::Constant("erased for ever".to_owned()) }];
    let written = world.store.mask(select, &long).await;
    assert!(written.is_err() || world.store.residue(select, &long).await.unwrap() == 0, "never cut in silence");
}

/// Here the store itself says that the row is hers, in another spelling.
pub async fn follows_a_foreign_key(world: &World) {
    let (columns, hers) = (names(&["who"]), [Key::from("MULLER")]);
    let select = Select { table: "follows", columns: &columns, values: &hers, linked_to: None };
    let found = world.store.keys(select, &names(&["id"]), None, 10).await.unwrap();
    assert_eq!(found, if world.follows { ints(&[1]) } else { ints(&[]) });
}

pub async fn writes_a_uuid_in_every_way(world: &World) {
    let by_ref = names(&["loose"]);
    let uuid = [Key(vec![KeyValue::Uuid("0190A000-0000-7000-8000-00000000000A".parse().unwrap())])];
    let select = Select { table: "alike", columns: &by_ref, values: &uuid, linked_to: None };
    assert_eq!(world.store.keys(select, &names(&["id"]), None, 10).await.unwrap(), ints(&[6, 7]));
}

pub async fn knows_a_key_by_its_text(world: &World) {
    let (store, id) = (&world.store, names(&["id"]));
    let canonical = |table: &str, text: &str| store.canonical(table, &id, &Key::from(text));
    assert_eq!(canonical("people", "12").unwrap(), Key::from(12));
    assert_eq!(canonical("blobs", "00FF01").unwrap(), Key(vec![KeyValue::Bytes(vec![0, 0xff, 1])]));
    for (table, text) in [("people", "twelve"), ("people", "012"), ("blobs", "anna")] {
        assert!(matches!(canonical(table, text), Err(StoreError::KeyShape { .. })), "{table} {text}");
    }
}

pub async fn sees_what_refuses_a_constant(world: &World) {
    let schema = world.store.schema().await.unwrap();
    let alike = &schema.tables["alike"];
    assert!(alike.is_in_unique("part"), "{alike:?}");
    assert!(!alike.is_unique(&names(&["small", "part"])) && !alike.is_unique(&names(&["small"])), "{alike:?}");
    assert_eq!(alike.checks_on("small").count(), 1);
    assert_eq!(alike.checks_on("short").count(), 0);
}
