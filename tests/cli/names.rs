//! `expunged map init` for stores that have names and no schema.

use super::shop::Shop;
use crate::support::redis::{connect, fresh_redis, run as redis_run};
use crate::support::s3::Bucket;

/// What a test does at a server before the program runs, which has a runtime of its own.
fn live<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(story)
}

/// The names of one logical database, with people in them.
const NAMES: [&str; 12] = [
    "SET session:1:0f3a9c1d2e x",
    "SET session:2:aa11bb22cc x",
    "HSET user:1 theme dark",
    "HSET user:2 theme dark",
    "HSET user:3 theme dark",
    "SET reset:ada@home.example x",
    "SET alice:cart x",
    "SET bob:cart x",
    "SET 0190a000-0000-7000-8000-000000000001:seen x",
    "SADD online 1 2",
    "SET rate:192.0.2.7 9",
    "SET deploy:last 1",
];

#[test]
fn a_map_of_names_is_proposed_from_a_sample_and_shows_nobody() {
    let url = live(async {
        let url = fresh_redis().await;
        redis_run(&mut connect(&url).await.unwrap(), &NAMES).await;
        url
    });
    let shop = Shop::new();
    std::fs::write(shop.path("cache.url"), &url).unwrap();
    let file = shop.path("cache.toml").display().to_string();
    let init = ["map", "init", "cache", "--kind", "redis", "--url-file", "cache.url", "--file", file.as_str()];
    let said = shop.run(&init);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let map = std::fs::read_to_string(&file).unwrap();
    for person in ["ada", "home.example", "alice", "bob", "0190a000", "192.0.2.7", "0f3a9c1d2e"] {
        assert!(!map.contains(person) && !said.err.contains(person), "{person} in {map}");
    }
    for line in [
        "Proposed: \"user:{user}\" (0.30): 3 of 12 sampled names are made so, and {part}:cart could read such names as well",
        "type = \"hash\" # 0.99: 3 of 3 are",
        "belongs_to = { \"shop.users\" = \"user\" } # 0.85: {user} is called like shop.users, and numbers stand there",
        "{session}:*",
        "{reset}",
        "{part}:cart",
        "{uuid}:seen",
    ] {
        assert!(map.contains(line), "{line} in {map}");
    }
    assert!(!map.contains("\nerase = \"delete\""), "what happens is a person's to say: {map}");
    // What a person wrote stays, and what it speaks of is not proposed again.
    let asked = map.lines().find(|line| line.contains("\"user:{user}\" (0.30)")).unwrap();
    let written = map.replace("erase = \"?\"", "erase = \"delete\"").replace(asked, "pattern = \"user:{user}\"");
    std::fs::write(&file, &written).unwrap();
    let again = shop.run(&["map", "init", "cache", "--file", file.as_str(), "--print"]);
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert!(again.out.starts_with(written.trim_end()), "{}", again.out);
    assert_eq!(again.out.matches("\"user:{user}\"").count(), 1, "{}", again.out);
}

#[test]
fn a_map_of_objects_is_proposed_from_some_of_each_folder() {
    let bucket = live(async {
        let bucket = Bucket::versioned().await;
        for name in
            ["avatars/1.png", "avatars/2.png", "avatars/3.png", "exports/7/3.csv", "exports/7/4.csv", "exports/8/5.csv"]
        {
            bucket.put(name).await;
        }
        bucket
    });
    let shop = Shop::new();
    std::fs::write(shop.path("files.url"), bucket.url()).unwrap();
    let file = shop.path("files.toml").display().to_string();
    let said =
        shop.run(&["map", "init", "files", "--kind", "objects", "--url-file", "files.url", "--file", file.as_str()]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let map = std::fs::read_to_string(&file).unwrap();
    for line in ["pattern = \"avatars/{avatar}.png\" # 0.90", "pattern = \"exports/{export}/{number}.csv\" # 0.90"] {
        assert!(map.contains(line), "{line} in {map}");
    }
    assert!(!map.contains("\ntype"), "objects have none: {map}");
}
