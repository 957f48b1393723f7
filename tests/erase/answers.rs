//! What a map may say of rows beyond one owner and one rule: a type beside the key, rows of several people, answers by a
//! word, placeholders. Which rows are whose is tried by [`super::random`]; here is what stops, and what is told.

use expunged::domain::Scope;
use expunged::erase::{DataMap, EraseError};
use expunged::stores::{Key, StoreName};

use super::memory::MemoryLedger;
use super::world::{World, target};

const HEAD: &str = "[store]\nname = \"one\"\nkind = \"sqlite\"\nurl = \"sqlite:one.db\"\nbackup_days = 1
[tables.people]\nsubject = \"user\"\nkey = \"id\"\nerase = \"delete\"\ncategories = { id = \"none\", name = \"identity\" }
";
const PEOPLE: &str = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO people VALUES (0, 'nobody'), (1, 'Anna'), (2, 'Ben'), (3, 'Cy');";

/// People and one more table.
async fn world(map: &str, script: &str) -> World {
    World::new(&[("one.toml", &format!("{HEAD}{map}"))], &[format!("{PEOPLE}{script}")]).await
}

fn person(id: i64) -> expunged::erase::Target {
    let mut person = target(Scope::User, Scope::User, id);
    (person.store, person.table, person.key) = (StoreName::new("one").unwrap(), "people".to_owned(), Key::from(id));
    person
}

/// The rows of the other table, a column each joined.
async fn left(world: &World, table: &str) -> Vec<String> {
    let mut dump = world.dump().await;
    dump.remove(&format!("one.{table}")).unwrap()
}

const TAGS: &str = "[tables.tags]\nkey = \"id\"\nerase = \"delete\"
    belongs_to = { people = { columns = \"thing\", when = { type = \"Person\" } } }
    categories = { id = \"none\", thing = \"none\", type = \"none\", tag = \"behaviour\" }\n";
const TAGS_SQL: &str = "CREATE TABLE tags (id INTEGER PRIMARY KEY, thing INTEGER, type TEXT, tag TEXT);
    CREATE INDEX tags_thing ON tags (thing);
    INSERT INTO tags VALUES (1, 1, 'Person', 'a'), (2, 2, 'Person', 'b');";

#[tokio::test]
async fn a_type_that_nobody_spoke_of_stops_it_before_the_first_write() {
    for (word, known, stops) in
        [("'Product'", "", true), ("'Product'", "\"Product\"", false), ("NULL", "\"Product\"", true)]
    {
        let words = format!("words = {{ type = [\"Person\", {known}] }}");
        let map = if known.is_empty() { TAGS.to_owned() } else { format!("{TAGS}{words}") };
        let world = world(&map, &format!("{TAGS_SQL} INSERT INTO tags VALUES (3, 1, {word}, 'c');")).await;
        let preview = world.preview(&person(1)).await;
        if stops {
            let error = preview.unwrap_err();
            assert!(matches!(&error, EraseError::UnknownWord { column, rows: 1, .. } if column == "type"), "{error}");
            assert!(error.to_string().contains("one.tags.type") && !error.to_string().contains("Product"), "{error}");
        } else {
            assert_eq!(preview.unwrap().rows[0].rows, 1);
            assert!(world.erase(&person(1)).await.is_clean());
            assert_eq!(left(&world, "tags").await, ["2,2,'Person','b'", "3,1,'Product','c'"]);
        }
    }
}

#[tokio::test]
async fn a_shared_row_goes_with_the_last_of_them() {
    let map = "[tables.talks]\nkey = \"id\"\nerase = \"delete\"
        belongs_to = { people = { columns = [\"a\", \"b\"], shared = true } }
        mask = { a = \"detach\", b = \"detach\" }
        categories = { id = \"none\", a = \"none\", b = \"none\", text = \"communication\" }";
    let script = "CREATE TABLE talks (id INTEGER PRIMARY KEY, a INTEGER REFERENCES people (id), b INTEGER, text TEXT);
        INSERT INTO talks VALUES (1, 1, 2, 'hi'), (2, 1, NULL, 'me'), (3, 2, 3, 'no'), (4, 1, 1, 'I');";
    let world = world(map, script).await;
    let preview = world.preview(&person(1)).await.unwrap();
    let counts: Vec<_> = preview.rows.iter().map(|row| (&*row.act, row.rows)).collect();
    assert_eq!(counts, [("detach", 1), ("detach", 0), ("delete", 2), ("delete", 1)]);
    let outcome = world.erase(&person(1)).await;
    assert!(outcome.is_clean());
    assert_eq!((outcome.totals().erased, outcome.totals().detached), (3, 1));
    assert_eq!(left(&world, "talks").await, ["1,NULL,2,'hi'", "3,2,3,'no'"]);
    world.erase(&person(2)).await;
    assert_eq!(left(&world, "talks").await, ["3,NULL,3,'no'"]);
}

#[tokio::test]
async fn what_rows_hold_goes_with_the_last_of_them() {
    let map = "[tables.documents]\nkey = \"id\"\nerase = \"delete\"\nheld_by = { members = \"document\" }
        categories = { id = \"none\", text = \"communication\" }\nmask = { text = \"null\" }
        [tables.members]\nkey = [\"person\", \"document\"]\nerase = \"delete\"
        belongs_to = { people = \"person\", documents = \"document\" }
        categories = { person = \"none\", document = \"none\" }";
    let script = "CREATE TABLE documents (id INTEGER PRIMARY KEY, text TEXT);
        CREATE TABLE members (person INTEGER NOT NULL REFERENCES people (id), document INTEGER NOT NULL REFERENCES documents (id),
          PRIMARY KEY (person, document));
        INSERT INTO documents VALUES (1, 'ours'), (2, 'mine'), (3, 'nobody''s');
        INSERT INTO members VALUES (1, 1), (2, 1), (1, 2);";
    let world = world(map, script).await;
    assert!(world.erase(&person(1)).await.is_clean());
    assert_eq!(left(&world, "documents").await, ["1,'ours'", "3,'nobody''s'"]);
    world.erase(&person(2)).await;
    assert_eq!(left(&world, "documents").await, ["3,'nobody''s'"]);
}

#[tokio::test]
async fn each_row_has_its_answer() {
    let map = "[tables.papers]\nkey = \"id\"\nerase = \"delete\"\nbelongs_to = { people = \"person\" }
        mask = { person = \"detach\" }
        categories = { id = \"none\", person = \"none\", kind = \"none\", made = \"none\", text = \"communication\" }
        [[tables.papers.rows]]\nwhen = { kind = [\"invoice\", \"receipt\"] }\nerase = \"keep\"
        keep = { ground = \"HGB §257\", until = \"made + 10 years\" }
        [[tables.papers.rows]]\nwhen = { kind = \"review\" }\nerase = \"mask\"\nmask = { text = { constant = \"gone\" } }";
    let script = "CREATE TABLE papers (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people (id), kind TEXT, made TEXT, text TEXT);
        INSERT INTO papers VALUES (1, 1, 'invoice', '2025-01-01', 'i'), (2, 1, 'receipt', '2001-01-01', 'r'),
          (3, 1, 'review', NULL, 'v'), (4, 1, 'note', NULL, 'n'), (5, 1, NULL, NULL, 'x'), (6, 2, 'note', NULL, 'b');";
    let world = world(map, script).await;
    let outcome = world.erase(&person(1)).await;
    assert!(outcome.is_clean());
    assert_eq!((outcome.totals().erased, outcome.totals().masked, outcome.totals().kept), (4, 1, 1));
    let kept = ["1,NULL,'invoice','2025-01-01','i'", "3,NULL,'review',NULL,'gone'", "6,2,'note',NULL,'b'"];
    assert_eq!(left(&world, "papers").await, kept);
}

#[tokio::test]
async fn a_placeholder_is_there_and_is_nobody() {
    let map = "[tables.posts]\nkey = \"id\"\nerase = \"mask\"\nbelongs_to = { people = \"author\" }
        mask = { author = { reown = \"0\" }, text = \"null\" }
        categories = { id = \"none\", author = \"none\", text = \"communication\" }";
    let script =
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, author INTEGER NOT NULL REFERENCES people (id), text TEXT);
        INSERT INTO posts VALUES (1, 1, 'a'), (2, 2, 'b');";
    let world = world(map, script).await;
    let error = world.preview(&person(0)).await.unwrap_err();
    assert!(matches!(&error, EraseError::PlaceholderErased { at } if at.table == "people"), "{error}");
    assert!(world.erase(&person(1)).await.is_clean());
    assert_eq!(left(&world, "posts").await, ["1,0,NULL", "2,2,'b'"]);
    let plan = world.plan(&person(2)).await;
    world.run("one", "UPDATE posts SET author = 2; DELETE FROM people WHERE id = 0").await;
    let before = world.dump().await;
    let error = world.execute(&plan, &MemoryLedger::default()).await.unwrap_err();
    assert!(matches!(&error, EraseError::NoPlaceholder { column, .. } if column == "author"), "{error}");
    assert_eq!(world.dump().await, before, "nothing was written");
}

/// Replaces a piece of a map that is right, and answers the error.
fn error_of(map: &str, old: &str, new: &str) -> String {
    assert!(map.contains(old), "{old}");
    DataMap::parse(&[("one.toml", &format!("{HEAD}{}", map.replacen(old, new, 1)))]).expect_err(new).to_string()
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let when = "when = { type = \"Person\" }";
    let erase = "erase = \"delete\"\n";
    let answer = "\n[[tables.tags.rows]]\nwhen = { type = \"Person\" }\nerase = \"mask\"\n";
    for (old, new, says, fix) in [
        (when, "when = { type = [] }", "no word of column type", "list what"),
        (when, "wenn = { type = \"Person\" }", "expected a column", "config/stores"),
        (when, "when = { kind = \"Person\" }", "column kind has no category", "kind = "),
        (when, "shared = true", "a shared row does not let go of one.people", "thing = \"detach\""),
        (erase, "erase = \"delete\"\nmask = { type = \"null\" }\n", "column type tells what a row is", "leave it"),
        (erase, "erase = \"delete\"\nmask = { tag = { reown = \"0\" } }\n", "tag points to nothing", "\"null\""),
        (erase, "erase = \"delete\"\nmask = { tag = { reown = \"0\", constant = \"x\" } }\n", "which mask", "reown"),
        (
            erase,
            "erase = \"delete\"\nwords = { type = [\"Persona\"] }\n",
            "none of the words of column type",
            "words =",
        ),
        (
            erase,
            "erase = \"delete\"\nheld_by = { people = \"id\" }\n",
            "holds its rows and does not belong",
            "belongs_to",
        ),
        (
            erase,
            "erase = \"delete\"\nheld_by = { people = [\"id\", \"x\"] }\n",
            "does not hold the whole key",
            "1 columns",
        ),
    ] {
        let error = error_of(TAGS, old, new);
        assert!(error.contains(says) && error.contains(fix), "{new}: {error}");
    }
    let mask = |mask: &str| format!("erase = \"delete\"\nmask = {{ tag = {mask} }}\n");
    for (new, says, fix) in [
        ("{ redact = \"(\", with = \"\" }", "the pattern cannot be read", "single quotes"),
        ("{ redact = \"a\", with = \"aa\" }", "the pattern finds what it leaves", "neither nothing"),
        ("{ redact = \"a*\", with = \"\" }", "the pattern finds what it leaves", "neither nothing"),
        ("{ redact = \"a\" }", "which mask is meant", "with ="),
        ("{ truncate = \"day\" }", "\"day\" is no part of a date", "\"month\""),
        ("{ json = { \"mail\" = \"remove\" } }", "\"mail\" is no path", "$.contact.email"),
        ("{ json = { \"$.a[0]\" = \"remove\" } }", "one member of a list is removed", "[*]"),
        ("{ json = { \"$.a\" = \"shred\" } }", "\"shred\" is nothing to do", "\"remove\""),
        ("{ json = {} }", "no path is named", "$.path"),
        ("{ shred = true }", "which mask is meant", "\"tombstone\""),
        ("{ constant = \"a\", reown = \"b\" }", "which mask is meant", "{ reown ="),
        ("{ constant = \"a\", with = \"b\" }", "which mask is meant", "{ constant ="),
        ("{ json = { \"$.a\" = 1 } }", "which mask is meant", "\"$.path\""),
        ("7", "which mask is meant", "\"null\""),
    ] {
        let error = error_of(TAGS, erase, &mask(new));
        assert!(error.contains(says) && error.contains(fix) && error.starts_with("one.toml:1"), "{new}: {error}");
    }
    let masked = "erase = \"mask\"\nmask = { thing = \"detach\", tag = \"pseudonym\" }\n";
    let error = error_of(TAGS, erase, masked);
    assert!(error.contains("tag stays without a ground") && error.contains("a pseudonym alone does not do"), "{error}");
    for (rest, place, says) in [
        ("mask = { tag = \"null\" }\nkeep = {}", "one.toml:19:", "missing field"),
        ("", "one.toml:18:9", "nothing is masked"),
        ("mask = { thing = \"null\" }", "one.toml:16:", "holds another row's key"),
        ("mask = { id = \"null\" }", "one.toml:16:", "key column id"),
        ("mask = { tags = \"null\" }", "one.toml:16:", "tags has no category"),
    ] {
        let text = format!("{HEAD}{TAGS}{answer}{rest}");
        let error = DataMap::parse(&[("one.toml", &text)]).expect_err(rest).to_string();
        assert!(error.contains(says) && error.starts_with("one.toml:"), "{place} {rest}: {error}");
    }
}

/// The example of all of this is true of a store, and erases.
#[tokio::test]
async fn the_example_is_true_of_a_forum() {
    let map = include_str!("../../config/stores/forum.toml");
    let script = "CREATE TABLE members (id INTEGER PRIMARY KEY, email TEXT UNIQUE);
        CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES members (id), text TEXT NOT NULL);
        CREATE TABLE reactions (id INTEGER PRIMARY KEY, thing_id INTEGER, thing_type TEXT, sign TEXT);
        CREATE TABLE talks (id INTEGER PRIMARY KEY, first_id INTEGER, second_id INTEGER, text TEXT);
        CREATE TABLE documents (id INTEGER PRIMARY KEY, text TEXT);
        CREATE TABLE memberships (member_id INTEGER NOT NULL, document_id INTEGER NOT NULL, PRIMARY KEY (member_id, document_id));
        CREATE TABLE papers (id INTEGER PRIMARY KEY, member_id INTEGER, kind TEXT, made_at TEXT, text TEXT);
        CREATE TABLE bills (id INTEGER PRIMARY KEY, member_id INTEGER, made_at TEXT, note TEXT, born DATE, login TEXT, form TEXT);
        INSERT INTO members VALUES (0, 'nobody'), (1, 'anna@example.org'), (2, 'ben@example.org');
        INSERT INTO posts VALUES (1, 1, 'hi'), (2, 2, 'ho');
        INSERT INTO reactions VALUES (1, 1, 'Member', 'x'), (2, 1, 'Post', 'x'), (3, 1, 'Topic', 'x'), (4, 2, 'Post', 'x');
        INSERT INTO talks VALUES (1, 1, 2, 'us'), (2, 1, 1, 'me');
        INSERT INTO documents VALUES (1, 'ours'), (2, 'mine');
        INSERT INTO memberships VALUES (1, 1), (2, 1), (1, 2);
        INSERT INTO papers VALUES (1, 1, 'invoice', '2025-01-01', 'i'), (2, 1, 'review', NULL, 'r'), (3, 1, NULL, NULL, 'n');";
    let world = World::new(&[("forum.toml", map)], &[script.to_owned()]).await;
    assert_eq!(expunged::erase::check(&world.map, &world.stores.schemas().await.unwrap()), []);
    let mut anna = target(Scope::EndUser, Scope::EndUser, 1);
    (anna.store, anna.table) = (StoreName::new("forum").unwrap(), "members".to_owned());
    assert!(world.erase(&anna).await.is_clean());
    let dump = world.dump().await;
    for (table, rows) in [
        ("members", vec!["0,'nobody'", "2,'ben@example.org'"]),
        ("posts", vec!["1,0,'(erased)'", "2,2,'ho'"]),
        ("reactions", vec!["3,1,'Topic','x'", "4,2,'Post','x'"]),
        ("talks", vec!["1,NULL,2,'us'"]),
        ("documents", vec!["1,'ours'"]),
        ("memberships", vec!["2,1"]),
        ("papers", vec!["1,NULL,'invoice','2025-01-01','i'", "2,NULL,'review',NULL,'(erased)'"]),
    ] {
        assert_eq!(dump[&format!("forum.{table}")], rows, "{table}");
    }
}
