//! The promise: a store that came back from a backup is noticed, and what had been erased since goes again; an importer can
//! ask beforehand whether somebody was erased.

use std::time::Duration;

use expunged::domain::{RequestId, State, Timestamp};
use expunged::flow::behind;
use expunged::flow::canary::{self, Replayed};
use expunged::params;
use expunged::stores::StoreName;

use crate::support::expunged;
use crate::support::redis::{connect, fresh_redis, run};
use crate::support::s3::Bucket;
use crate::support::world::{Ground, START, World, on_both};

const OWNER: &str = "owner1@team.example";

/// The rows of account 1 as they were before the erasing, the kept order included.
const RESTORED: &str = "INSERT INTO accounts VALUES ('a1', 'First Ltd');
    INSERT INTO users VALUES ('u1', 'a1', 'owner', 'owner1@team.example', 'Olga One', '+1 555 0101'),
      ('u5', 'a1', 'user', 'user1@team.example', 'Una One', NULL);
    INSERT INTO end_users VALUES ('e1', 'a1', 'guest1@guest.example', 'Gina One', NULL);
    UPDATE orders SET user_id = 'u1', ship_name = 'Olga One', ship_street = 'Elm Street 1' WHERE id = 'o1'";

/// Rows of account 1 that name somebody.
const PERSONAL: &str = "SELECT (SELECT COUNT(*) FROM users WHERE account_id = 'a1')
    + (SELECT COUNT(*) FROM end_users WHERE account_id = 'a1') + (SELECT COUNT(*) FROM accounts WHERE id = 'a1')
    + (SELECT COUNT(*) FROM orders WHERE id = 'o1' AND (user_id IS NOT NULL OR ship_name IS NOT NULL))";

/// A shop with a canary.
async fn with_canary(ground: Ground) -> Ground {
    ground
        .shop
        .run(
            "CREATE TABLE expunged_canary (id VARCHAR(16) NOT NULL PRIMARY KEY, epoch VARCHAR(32) NOT NULL);
              INSERT INTO expunged_canary VALUES ('expunged', '0')",
        )
        .await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    ground.write("shop.toml", &map.replace("backup_days = 35", "backup_days = 35\ncanary = \"expunged_canary\""));
    ground
}

async fn epoch(world: &World) -> i64 {
    world.ground.shop.count("SELECT CAST(epoch AS BIGINT) FROM expunged_canary").await
}

/// Closes account 1, then brings the shop back to what it was before.
async fn restored(world: &World) -> RequestId {
    // The daemon plans the look when it starts, which the house cannot tell from having nothing to do.
    for _ in 0..500 {
        if epoch(world).await > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.settle().await;
    let before = epoch(world).await;
    assert!(before >= START.as_micros(), "the canary was written: {before}");
    let request = world.ask_and_confirm(OWNER).await;
    world.days_pass(7).await;
    assert_eq!(world.state(request).await, State::Completed);
    assert_eq!(world.ground.shop.count(PERSONAL).await, 0);
    assert!(epoch(world).await > before, "and is written again and again");
    world.ground.shop.run(RESTORED).await;
    world.ground.shop.run(&format!("UPDATE expunged_canary SET epoch = '{before}'")).await;
    assert_eq!(world.ground.shop.count(PERSONAL).await, 5);
    request
}

async fn replay(world: &World, since: Timestamp, store: &str, only_look: bool) -> Replayed {
    let (store, ops) = (StoreName::new(store), world.operator("ops"));
    let replayed = canary::replay(&world.house, since, store.as_ref(), &ops, only_look).await.unwrap();
    world.settle().await;
    replayed
}

async fn an_operator_orders_it(world: World) {
    world
        .live(async {
            let request = restored(&world).await;
            world.days_pass(1).await;
            assert_eq!(world.state(request).await, State::Reopened, "the canary sang");
            assert_eq!(world.ground.shop.count(PERSONAL).await, 5, "and nobody said what to do");
            let found = Replayed { requests: vec![request], forgotten: 0 };
            assert_eq!(replay(&world, START, "shop", true).await, found);
            assert_eq!(world.state(request).await, State::Reopened);
            assert_eq!(replay(&world, START, "shop", false).await, found);
            assert_eq!(world.state(request).await, State::Completed);
            assert_eq!(world.ground.shop.count(PERSONAL).await, 0);
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users").await, 3, "nobody else was touched");
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM orders").await, 4, "what is kept is kept");
            // The canary is ours again: nothing more is found.
            let searches = "SELECT COUNT(*) AS number FROM jobs_done WHERE kind = 'sweep'";
            let so_far = world.number(searches, params![]).await;
            world.days_pass(1).await;
            assert_eq!(world.number(searches, params![]).await, so_far);
            world.days_pass(7).await;
            world.days_pass(60).await;
            let later = replay(&world, START, "shop", false).await;
            assert_eq!(later, Replayed { requests: Vec::new(), forgotten: 1 }, "keys have their term");
        })
        .await;
}

on_both! {
    async fn a_restored_store_is_noticed_and_a_replay_erases_again(ground) {
        an_operator_orders_it(with_canary(ground).await.build().await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_store_on_postgres_is_erased_from_by_itself_where_that_is_configured() {
    let by_itself = |config: String| config.replace("[limits]", "[schedule]\nreplay_by_itself = true\n\n[limits]");
    let ground = with_canary(Ground::with_shop_on_postgres(str::to_owned).await).await.with_config(by_itself);
    let world = ground.build().await;
    world
        .live(async {
            let request = restored(&world).await;
            world.days_pass(1).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert_eq!(world.ground.shop.count(PERSONAL).await, 0);
            let reopened = "SELECT COUNT(*) AS number FROM trail WHERE event = 'reopened'";
            assert_eq!(world.number(reopened, params![]).await, 1);
        })
        .await;
}

/// A place of names beside the shop, in which somebody keeps something of its users.
enum Elsewhere {
    Redis(String),
    Bucket(Bucket),
    Folder(tempfile::TempDir),
}

impl Elsewhere {
    /// Its map: pages of each user, and a canary.
    fn map(&self) -> String {
        let (kind, url, holds) = match self {
            Self::Redis(url) => ("redis", url.clone(), "type = \"string\""),
            Self::Bucket(bucket) => ("objects", bucket.url(), ""),
            Self::Folder(folder) => ("objects", format!("file://{}", folder.path().display()), ""),
        };
        format!(
            "[store]\nname = \"elsewhere\"\nkind = \"{kind}\"\nurl = \"{url}\"\nbackup_days = 7\ncanary = \"canary\"\n
             [keys.pages]\npattern = \"page/{{user}}/*\"\n{holds}\nbelongs_to = {{ \"shop.users\" = \"user\" }}
             category = \"behaviour\"\nerase = \"delete\"\n"
        )
    }

    async fn write(&self, name: &str, text: &str) {
        match self {
            Self::Redis(url) => run(&mut connect(url).await.unwrap(), &[&format!("SET {name} {text}")]).await,
            Self::Bucket(bucket) => bucket.write(name, text).await,
            Self::Folder(folder) => {
                let path = folder.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
        }
    }

    async fn read(&self, name: &str) -> Option<String> {
        match self {
            Self::Redis(url) => {
                redis::cmd("GET").arg(name).query_async(&mut connect(url).await.unwrap()).await.unwrap()
            }
            Self::Bucket(bucket) => bucket.read(name).await,
            Self::Folder(folder) => std::fs::read_to_string(folder.path().join(name)).ok(),
        }
    }

    /// How often the name is there.
    async fn versions(&self, name: &str) -> usize {
        match self {
            Self::Bucket(bucket) => bucket.names().await.iter().filter(|found| *found == name).count(),
            _ => usize::from(self.read(name).await.is_some()),
        }
    }

    async fn epoch(&self) -> i64 {
        self.read("canary").await.unwrap().parse().unwrap()
    }
}

/// A place of names has no tables in which an operator could make a row, and comes back from a backup like any other.
async fn restored_elsewhere(place: Elsewhere, kind: &str) {
    for (name, text) in [("canary", "0"), ("page/u1/a", "x"), ("page/u2/a", "x")] {
        place.write(name, text).await;
    }
    let with_both = |config: String| config.replace("[\"shop.toml\"]", "[\"shop.toml\", \"elsewhere.toml\"]");
    let ground = Ground::sqlite().await.with_config(with_both);
    ground.write("elsewhere.toml", &place.map());
    let world = ground.build().await;
    world
        .live(async {
            for _ in 0..500 {
                if place.epoch().await > 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            world.settle().await;
            let before = place.epoch().await;
            assert!(before >= START.as_micros(), "{kind}: the canary was written: {before}");
            let request = world.ask_and_confirm(OWNER).await;
            world.days_pass(7).await;
            assert_eq!(world.state(request).await, State::Completed, "{kind}");
            assert_eq!(place.read("page/u1/a").await, None, "{kind}");
            assert!(place.epoch().await > before, "{kind}: and is written again and again");
            assert_eq!(place.versions("canary").await, 1, "{kind}: one of them is kept");
            place.write("page/u1/a", "x").await;
            place.write("canary", &before.to_string()).await;
            world.days_pass(1).await;
            assert_eq!(world.state(request).await, State::Reopened, "{kind}: the canary sang");
            let found = Replayed { requests: vec![request], forgotten: 0 };
            assert_eq!(replay(&world, START, "elsewhere", false).await, found, "{kind}");
            assert_eq!(world.state(request).await, State::Completed, "{kind}");
            assert_eq!(place.read("page/u1/a").await, None, "{kind}");
            assert!(place.read("page/u2/a").await.is_some(), "{kind}: nobody else's");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_redis_is_noticed() {
    restored_elsewhere(Elsewhere::Redis(fresh_redis().await), "redis").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restored_objects_are_noticed() {
    restored_elsewhere(Elsewhere::Bucket(Bucket::versioned().await), "bucket").await;
    restored_elsewhere(Elsewhere::Folder(tempfile::tempdir().unwrap()), "folder").await;
}

#[tokio::test]
async fn a_canary_that_could_be_somebody_s_is_refused() {
    for (canary, says) in
        [("page/u1/canary", "is a name of pages"), ("*", "cannot be a canary"), ("a b", "cannot be a canary")]
    {
        let place = Elsewhere::Redis(fresh_redis().await);
        let map = place.map().replace("canary = \"canary\"", &format!("canary = \"{canary}\""));
        let ground = Ground::sqlite().await;
        let ground =
            ground.with_config(|config| config.replace("\"shop.toml\"]", "\"shop.toml\", \"elsewhere.toml\"]"));
        ground.write("elsewhere.toml", &map);
        let refused = ground.refused().await;
        assert!(refused.contains(says), "{canary}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_is_newer_than_ours_is_left_as_it_is_until_somebody_accepts_it() {
    let world = with_canary(Ground::sqlite().await).await.build().await;
    world
        .live(async {
            world.settle().await;
            let newer = i64::MAX / 2;
            world.ground.shop.run(&format!("UPDATE expunged_canary SET epoch = '{newer}'")).await;
            world.days_pass(1).await;
            assert_eq!(epoch(&world).await, newer);
            let open = "SELECT COUNT(*) AS number FROM ledger_doubts WHERE cause = 'canary' AND accepted_at IS NULL";
            assert_eq!(world.number(open, params![]).await, 1, "nothing is erased or sent while that is so");
            assert!(
                world.fresh("team@shop.example").iter().any(|alarm| alarm.text.contains("canary in the store shop"))
            );
            world.deliver(&world.closing(OWNER));
            world.days_pass(1).await;
            assert_eq!(world.fresh(OWNER).len(), 0);
            let accepted = behind::accept(&world.house, &world.operator("ops")).await.unwrap();
            assert_eq!(accepted.doubts.len(), 1);
            world.days_pass(1).await;
            assert!(epoch(&world).await < newer, "it is ours again");
            assert_eq!(world.number(open, params![]).await, 0);
            assert_eq!(world.fresh(OWNER).len(), 1, "and what waited goes on");
        })
        .await;
}

#[tokio::test]
async fn a_table_that_is_no_canary_stops_the_start() {
    let ground = Ground::sqlite().await;
    ground.shop.run("CREATE TABLE expunged_canary (id TEXT NOT NULL PRIMARY KEY, epoch TEXT)").await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    ground.write("shop.toml", &map.replace("backup_days = 35", "backup_days = 35\ncanary = \"expunged_canary\""));
    let refused = ground.refused().await;
    assert!(refused.contains("it is not the table of a canary"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_importer_can_ask_who_was_erased() {
    let world = Ground::sqlite().await.build().await;
    let file = world.ground.path("import.csv");
    std::fs::write(
        &file,
        "email;name\nOwner1@Team.example ;Olga\nowner2@team.example;Otto\n\"guest1@guest.example\"\n",
    )
    .unwrap();
    let check = async || {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_expunged"));
        command.args(["--output", "json", "--config"]).arg(world.ground.path("expunged.toml"));
        let said = command.args(["suppress", "check"]).arg(&file).output().await.unwrap();
        let (out, err) = (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
        assert!(!out.contains('@') && !err.contains('@'), "no value is shown: {out} {err}");
        (said.status.code(), serde_json::from_str::<serde_json::Value>(&out).unwrap())
    };
    world
        .live(async {
            assert_eq!(check().await, (Some(0), serde_json::json!([])), "nobody was erased yet");
            let request = world.ask_and_confirm(OWNER).await;
            world.days_pass(7).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert_eq!(check().await, (Some(4), serde_json::json!([{ "line": 2 }, { "line": 4 }])));
            for written in
                ["\u{feff}owner1@team.example\r\n", "Olga <owner1@team.example>", "mailto:owner1@team.example|x"]
            {
                std::fs::write(&file, written).unwrap();
                assert_eq!(check().await, (Some(4), serde_json::json!([{ "line": 1 }])), "{written}");
            }
        })
        .await;
    // Of what is no text nobody can say whom it names.
    let utf_16: Vec<u8> = "owner1@team.example\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&file, utf_16).unwrap();
    let mut command = expunged();
    command.arg("--config").arg(world.ground.path("expunged.toml")).args(["suppress", "check"]).arg(&file);
    let refused = command.output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("line 1 of"), "{refused:?}");
    // No identity stands in the ledger, and the list is forgotten by its term.
    world.clock.advance(std::time::Duration::from_secs(91 * 86_400));
    assert_eq!(expunged::flow::tidy::tidy(&world.house).await.unwrap().suppressions, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_moved_in_the_place_of_a_store_is_erased_from() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (live, backup) = (world.ground.path("shop.db"), world.ground.path("backup.db"));
            let request = world.ask_and_confirm(OWNER).await;
            std::fs::copy(&live, &backup).unwrap();
            // The live file loses the rows, so that an erasure of it finds nothing.
            world.ground.shop.run("DELETE FROM orders; DELETE FROM users WHERE id = 'u1'").await;
            std::fs::rename(&backup, &live).unwrap();
            world.days_pass(7).await;
            assert_eq!(world.state(request).await, State::Completed);
            let shop = &world.ground.shop;
            assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await, 0);
            assert_eq!(shop.count("SELECT COUNT(*) FROM users").await, 3, "nobody else's");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_file_is_moved_away_is_waited_for() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (live, elsewhere) = (world.ground.path("shop.db"), world.ground.path("elsewhere.db"));
            let request = world.ask_and_confirm(OWNER).await;
            std::fs::rename(&live, &elsewhere).unwrap();
            for days in [7, 1, 1, 1] {
                world.days_pass(days).await;
                assert!(matches!(world.state(request).await, State::Scheduled | State::Erasing));
            }
            assert!(!live.exists(), "no file is made in its place");
            std::fs::rename(&elsewhere, &live).unwrap();
            world.days_pass(1).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await, 0);
        })
        .await;
}
