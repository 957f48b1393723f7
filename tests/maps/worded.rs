//! Words that a map does not know are found on each kind of server, to the byte, also where the column's own collation takes two of
//! them for one.

use super::world::{KINDS, made};

#[tokio::test]
async fn words_are_told_apart_to_the_byte_on_every_server() {
    for kind in KINDS {
        let script = "CREATE TABLE notes (id INTEGER PRIMARY KEY, ent VARCHAR(20), n INTEGER);
            INSERT INTO notes VALUES (1, 'user', 1), (2, 'user', 1), (3, 'order', 2), (4, 'User', 2), (5, 'user ', 3), (6, NULL, 3)";
        let made = made(kind, script).await;
        made.survey.look().await.unwrap();
        let unknown = async |column, known: &[&str]| made.survey.unknown_words("notes", column, known, 100).await;
        assert_eq!(unknown("ent", &["user", "order", "User", "user "]).await.unwrap(), 1, "{kind}: the empty one");
        assert_eq!(unknown("ent", &["user", "order"]).await.unwrap(), 3, "{kind}");
        assert_eq!(unknown("n", &["1", "2"]).await.unwrap(), 2, "{kind}: a number is a word too");
        assert!(unknown("gone", &["1"]).await.is_err(), "{kind}");
        let bounded = made.survey.unknown_words("notes", "ent", &["?"], 2).await.unwrap();
        assert!((2..=4).contains(&bounded), "{kind}: of two words only: {bounded}");
    }
}
