//! Looking a store over: what is found by an index, what values look like, and rights that are tried on every shape of
//! key without a row being touched.

use expunged::stores::{Attempt, Right, Survey};

use super::names;

pub async fn looks_over(survey: &dyn Survey) {
    let schema = survey.look().await.unwrap();
    assert!(schema.tables["items"].is_indexed(&names(&["order_id"])), "the primary key begins with it");
    assert!(!schema.tables["items"].is_indexed(&names(&["line_no"])), "and goes on with this");
    assert!(schema.tables["people"].is_indexed(&names(&["email"])), "a unique index");
    assert!(!schema.tables["people"].is_indexed(&names(&["phone"])));
    assert!(
        schema.tables["alike"].indexes.iter().all(|index| index[0] != "part"),
        "{:?}",
        schema.tables["alike"].indexes
    );

    let shapes = survey.shapes("people", 2).await.unwrap();
    assert_eq!((shapes["email"].seen, shapes["email"].addresses), (2, 2), "two rows and no more");
    assert_eq!((shapes["phone"].seen, shapes["id"].plain), (1, 2), "NULL is not seen");
    assert!(!survey.shapes("blobs", 5).await.unwrap().contains_key("id"), "bytes are not looked at");

    for (table, key) in [
        ("people", &["id"][..]),
        ("items", &["order_id", "line_no"]),
        ("sessions", &["id"]),
        ("blobs", &["id"]),
        ("odd\"name", &["the key"]),
        ("named", &["name"]),
    ] {
        let key = names(key);
        let columns: Vec<String> = schema.tables[table]
            .columns
            .iter()
            .map(|c| c.name.clone())
            .filter(|name| !key.contains(name))
            .take(1)
            .collect();
        for right in [Right::Select, Right::Update, Right::Delete, Right::Insert] {
            let refused = survey.attempt(Attempt { right, table, key: &key, columns: &columns }).await.unwrap();
            assert!(refused.is_none(), "{right:?} on {table}: {refused:?}");
        }
    }
    let sizes = survey.sizes().await.unwrap();
    assert!(sizes.keys().all(|table| schema.tables.contains_key(table)), "{sizes:?}");
}
