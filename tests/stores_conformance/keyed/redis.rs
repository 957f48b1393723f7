//! What only Redis has: members, types, logins that may do little, a primary and its replicas.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use expunged::domain::Retry;
use expunged::stores::keyed::{Holds, Member, Shape, Shapes};
use expunged::stores::{self, Key, RowStore, Select, StoreError, StoreKind, StoreLimits};
use secrecy::SecretString;

use super::{Dump, NAMES, World, conform, shapes};
use crate::stores_conformance::{ints, names};
use crate::support::leash::{Folder, Leash};
use crate::support::redis::{connect, fresh_redis, names as all_names, run};
use crate::support::{free_port, unique_word};

struct RedisDump(MultiplexedConnection);

#[async_trait::async_trait]
impl Dump for RedisDump {
    async fn names(&self) -> Vec<String> {
        all_names(&mut self.0.clone()).await
    }
}

async fn open(url: &str, shapes: Shapes) -> Result<Arc<dyn RowStore>, StoreError> {
    stores::open_keys(StoreKind::Redis, &SecretString::from(url), StoreLimits::default(), shapes).await
}

#[tokio::test]
async fn redis_conforms() {
    let url = fresh_redis().await;
    let mut connection = connect(&url).await.unwrap();
    for name in NAMES {
        run(&mut connection, &[&format!("SET {name} x")]).await;
    }
    let store = open(&url, shapes(Holds::Text)).await.unwrap();
    conform(World { store, dump: Box::new(RedisDump(connection)), versions: None }).await;
}

fn table(pattern: &str, holds: Holds, member: Option<(&str, Option<&str>)>) -> Shape {
    Shape {
        pattern: pattern.parse().unwrap(),
        holds,
        member: member.map(|(pattern, field)| Member {
            pattern: pattern.parse().unwrap(),
            field: field.map(str::to_owned),
            ignore: vec!["total".parse().unwrap()],
        }),
        values: vec!["value".to_owned()],
    }
}

/// A table of every kind of member, and a few of whole names.
fn members() -> Shapes {
    let tables = [
        ("carts", table("carts", Holds::Hash, Some(("{user}", None)))),
        ("seen", table("seen:{account}", Holds::Hash, Some(("{user}:*", None)))),
        ("online", table("online:{account}", Holds::Set, Some(("{user}", None)))),
        ("board", table("board", Holds::SortedSet, Some(("user:{user}", None)))),
        ("events", table("events:{account}", Holds::Stream, Some(("{user}", Some("user_id"))))),
        ("inbox", table("inbox:{user}", Holds::List, None)),
    ];
    Shapes { tables: tables.map(|(name, shape)| (name.to_owned(), shape)).into(), ..Shapes::default() }
}

const ROWS: [&str; 12] = [
    "HSET carts 1 mug 2 cup 12 jug total 3",
    "HSET seen:7 1:a x 1:b x 2:a x",
    "HSET seen:8 1:a x",
    "SADD online:7 1 2 12",
    "SADD online:8 1",
    "ZADD board 5 user:1 6 user:2",
    "XADD events:7 1-0 user_id 1 what in",
    "XADD events:7 2-0 user_id 2 what in",
    "XADD events:7 3-0 what tick",
    "XADD events:8 1-0 what out user_id 1",
    "RPUSH inbox:1 hello again",
    "RPUSH inbox:2 hello",
];

async fn found(store: &dyn RowStore, table: &str, place: &str, value: i64) -> Result<Vec<Key>, StoreError> {
    let (columns, values) = (names(&[place]), ints(&[value]));
    let select = Select { table, columns: &columns, values: &values, linked_to: None };
    let key = store.schema().await?.tables[table].primary_key.clone();
    store.keys(select, &key, None, 100).await
}

fn pairs(rows: &[(&str, &str)]) -> Vec<Key> {
    rows.iter().map(|(name, member)| Key(vec![(*name).into(), (*member).into()])).collect()
}

#[tokio::test]
async fn members_are_found_and_removed_one_by_one() {
    let url = fresh_redis().await;
    let mut connection = connect(&url).await.unwrap();
    run(&mut connection, &ROWS).await;
    let store = open(&url, members()).await.unwrap();
    let mut removed = BTreeMap::new();
    for (table, place, value, wanted) in [
        ("carts", "user", 1, pairs(&[("carts", "1")])),
        ("seen", "user", 1, pairs(&[("seen:7", "1:a"), ("seen:7", "1:b"), ("seen:8", "1:a")])),
        ("online", "user", 1, pairs(&[("online:7", "1"), ("online:8", "1")])),
        ("online", "account", 8, pairs(&[("online:8", "1")])),
        ("board", "user", 1, pairs(&[("board", "user:1")])),
        ("events", "user", 1, pairs(&[("events:7", "1-0"), ("events:8", "1-0")])),
        ("inbox", "user", 1, vec![Key::from("inbox:1")]),
        ("inbox", "user", 3, vec![]),
    ] {
        let rows = found(store.as_ref(), table, place, value).await.unwrap();
        assert_eq!(rows, wanted, "{table} by {place}");
        removed.insert(table, rows);
    }
    for (table, rows) in &removed {
        let key = store.schema().await.unwrap().tables[*table].primary_key.clone();
        let select = Select { table, columns: &key, values: rows, linked_to: None };
        assert_eq!(store.count(select).await.unwrap(), rows.len() as u64, "{table}");
        for left in [rows.len() as u64, 0] {
            assert_eq!(store.delete(select).await.unwrap(), left, "{table}");
        }
        assert_eq!(store.count(select).await.unwrap(), 0, "{table}");
    }
    for (command, left) in [
        ("HKEYS carts", vec!["2", "12", "total"]),
        ("HKEYS seen:7", vec!["2:a"]),
        ("ZRANGE board 0 -1", vec!["user:2"]),
        ("LRANGE inbox:2 0 -1", vec!["hello"]),
    ] {
        let mut words = command.split(' ');
        let answer: Vec<String> = ::redis::cmd(words.next().unwrap())
            .arg(words.collect::<Vec<_>>())
            .query_async(&mut connection)
            .await
            .unwrap();
        assert_eq!(answer, left, "{command}");
    }
    let entries: u32 = ::redis::cmd("XLEN").arg("events:7").query_async(&mut connection).await.unwrap();
    assert_eq!(entries, 2, "of user 2, and of nobody");
}

#[tokio::test]
async fn what_is_not_as_the_map_says_is_an_error() {
    let url = fresh_redis().await;
    let mut connection = connect(&url).await.unwrap();
    run(&mut connection, &["SET online:7 text", "SET inbox:1 text", "HSET seen:7 odd x", "SET who:knows x"]).await;
    let store = open(&url, members()).await.unwrap();
    assert_eq!(store.schema().await.unwrap().strays, 1, "a name that no pattern makes");
    for (table, place) in [("online", "user"), ("online", "account"), ("inbox", "user")] {
        let error = found(store.as_ref(), table, place, if place == "user" { 1 } else { 7 }).await.unwrap_err();
        assert!(matches!(error, StoreError::WrongType { .. }), "{table} by {place}: {error}");
        assert_eq!(error.retry(), Retry::Permanent);
    }
    let (key, rows) = (names(&["key"]), [Key::from("inbox:1")]);
    let refused =
        store.delete(Select { table: "inbox", columns: &key, values: &rows, linked_to: None }).await.unwrap_err();
    assert!(matches!(refused, StoreError::WrongType { .. }), "{refused}");
    let refused = found(store.as_ref(), "seen", "user", 1).await.unwrap_err();
    assert!(matches!(refused, StoreError::UnknownMember { .. }), "{refused}");
    assert_eq!(all_names(&mut connection).await, ["inbox:1", "online:7", "seen:7", "who:knows"]);
}

#[tokio::test]
async fn a_login_that_may_too_little_is_refused_before_anything_is_written() {
    let url = fresh_redis().await;
    let mut connection = connect(&url).await.unwrap();
    run(&mut connection, &ROWS).await;
    let before = all_names(&mut connection).await;
    let login = format!("little_{}", unique_word());
    let all = "+info +ping +scan +type +unlink +multi +discard +hscan +hexists +hdel +sscan +sismember +srem +zscan \
               +zscore +zrem +xrange +xdel +select +client ~carts ~seen:* ~online:* ~board ~events:* ~inbox:*";
    run(&mut connection, &[&format!("ACL SETUSER {login} on >secret {all}")]).await;
    let mut of_login = url::Url::parse(&url).unwrap();
    of_login.set_username(&login).unwrap();
    of_login.set_password(Some("secret")).unwrap();
    let store = open(of_login.as_str(), members()).await.unwrap();
    store.schema().await.expect("what the module says is enough");
    for (less, missing) in
        [("-unlink", "+unlink"), ("-zrem", "+zrem"), ("-type", "+type"), ("resetkeys ~carts", "+type")]
    {
        run(&mut connection, &[&format!("ACL SETUSER {login} {less}")]).await;
        let refused = store.schema().await.unwrap_err();
        assert!(matches!(&refused, StoreError::NoGrant { grant, .. } if grant == missing), "{less}: {refused}");
        run(&mut connection, &[&format!("ACL SETUSER {login} {all}")]).await;
        store.schema().await.expect("granted again");
    }
    run(&mut connection, &[&format!("ACL SETUSER {login} -@all")]).await;
    let refused = store.ping().await.unwrap_err();
    let said = std::error::Error::source(&refused).unwrap().to_string();
    assert!(said.contains("NOPERM") && refused.retry() == Retry::Permanent, "{said}");
    assert_eq!(all_names(&mut connection).await, before, "trying changes nothing");
    run(&mut connection, &[&format!("ACL DELUSER {login}")]).await;
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for() {
    let url = format!("redis://127.0.0.1:{}/0", free_port());
    let away = open(&url, members()).await.err().expect("nobody listens there");
    assert_eq!(away.retry(), Retry::Transient, "{away}");
    let none = open("http://127.0.0.1", members()).await.err().expect("that is another protocol");
    assert!(matches!(none, StoreError::BadUrl { .. }));
}

/// A server of one's own, started with these arguments.
async fn server(arguments: &[&str]) -> (Leash, String) {
    let (port, folder) = (free_port().to_string(), Folder::create());
    let data = folder.path().display().to_string();
    let plain = ["redis-server", "--port", &port, "--bind", "127.0.0.1", "--save", "", "--dir", &data];
    let mut leash = Leash::start(folder, "TERM", &[plain.as_slice(), arguments].concat());
    let url = format!("redis://127.0.0.1:{port}/0");
    leash.until(Duration::from_secs(20), async || connect(&url).await.is_ok()).await.unwrap();
    (leash, url)
}

#[tokio::test]
async fn a_part_and_a_copy_are_refused() {
    for (arguments, says) in [
        (["--cluster-enabled", "yes"].as_slice(), "a node of a cluster"),
        (&["--replicaof", "127.0.0.1", "1"], "a replica: name the primary"),
    ] {
        let (_leash, url) = server(arguments).await;
        let refused = open(&url, members()).await.unwrap().schema().await.unwrap_err();
        assert!(refused.to_string().contains(says) && refused.retry() == Retry::Permanent, "{refused}");
    }
}

#[tokio::test]
async fn a_connection_that_broke_is_made_anew() {
    let (leash, url) = server(&[]).await;
    let store = open(&url, members()).await.unwrap();
    run(&mut connect(&url).await.unwrap(), &["CLIENT KILL TYPE normal SKIPME yes"]).await;
    store.ping().await.expect("asked again on a new one");
    drop(leash);
    let away = store.ping().await.unwrap_err();
    assert_eq!(away.retry(), Retry::Transient, "{away}");
}

#[tokio::test]
async fn large_sets_go_in_batches() {
    let url = fresh_redis().await;
    let mut connection = connect(&url).await.unwrap();
    let mut pipeline = ::redis::Pipeline::new();
    for number in 0..2_500 {
        pipeline.cmd("SET").arg(format!("session/1/{number}")).arg("x").ignore();
        pipeline.cmd("SET").arg(format!("session/2/{number}")).arg("x").ignore();
    }
    pipeline.query_async::<()>(&mut connection).await.unwrap();
    let store = open(&url, shapes(Holds::Text)).await.unwrap();
    let rows = found(store.as_ref(), "sessions", "user", 1).await.unwrap();
    assert_eq!(rows.len(), 2_500);
    let key = names(&["key"]);
    assert_eq!(
        store.delete(Select { table: "sessions", columns: &key, values: &rows, linked_to: None }).await.unwrap(),
        2_500
    );
    assert_eq!(all_names(&mut connection).await.len(), 2_500);
}
