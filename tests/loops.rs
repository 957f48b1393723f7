//! Promise: two programs never write to each other without end. Two houses of ours are each other's customer and each
//! other's team, which is the worst that a config can do.

use expunged::params;

use crate::support::world::{Ground, SUPPORT, World, plain};

/// Where customers of the other house write to.
const OTHER: &str = "privacy@other.example";

/// Each reminds once, and says at the end that nobody confirmed.
const LATER: usize = 4;

/// A house with this support address. The one at `them` owns its account `a1` and is its team.
async fn house(own: &str, them: &str) -> World {
    let ground = Ground::sqlite().await;
    ground.shop.run(&format!("UPDATE users SET email = '{them}' WHERE id = 'u1'")).await;
    let ground = ground.with_config(|config| config.replace(SUPPORT, own).replace("team@shop.example", them));
    ground.build().await
}

/// What this house has sent to an address since the last look, as it lies in the mailbox.
fn taken(world: &World, address: &str) -> Vec<String> {
    let folder = world.ground.path("customers").join(address).join("new");
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut letters = Vec::new();
    for file in files.map(|file| file.unwrap().path()) {
        letters.push(std::fs::read_to_string(&file).unwrap());
        std::fs::remove_file(&file).unwrap();
    }
    letters
}

/// A letter without the marks by which a program says that it is one: a forwarder on the way may drop them.
fn unmarked(letter: &str) -> String {
    let (head, body) = letter.split_once("\r\n\r\n").expect("a letter has a head");
    let mut kept = String::new();
    let mut drops = false;
    for line in head.split("\r\n") {
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap_or_default().to_lowercase();
            drops = ["auto-submitted", "precedence"].contains(&name.as_str())
                || ["list-", "x-", "feedback-"].iter().any(|mark| name.starts_with(mark));
        }
        if !drops {
            kept += line;
            kept += "\r\n";
        }
    }
    format!("{kept}\r\n{body}")
}

/// Carries what each has written to the other one, and waits until both have nothing more to say of it. So many there were.
async fn carry(worlds: [&World; 2], on_the_way: &impl Fn(&str) -> String) -> usize {
    let [here, there] = worlds;
    let ways = [(taken(here, OTHER), there), (taken(there, SUPPORT), here)];
    let count = ways.iter().map(|(letters, _)| letters.len()).sum();
    for (letters, to) in ways {
        for letter in letters {
            to.receive(on_the_way(&letter).as_bytes()).await;
        }
    }
    here.settle().await;
    there.settle().await;
    count
}

async fn they_fall_silent(on_the_way: impl Fn(&str) -> String) {
    let (here, there) = (house(SUPPORT, OTHER).await, house(OTHER, SUPPORT).await);
    let worlds = [&here, &there];
    let states = "SELECT COUNT(*) AS number FROM requests WHERE state = $1";
    here.live(there.live(async {
        // Somebody writes to each of them in the name of the other one.
        for (world, from) in [(&here, OTHER), (&there, SUPPORT)] {
            let letter = plain(from, "Please delete my account", "Please delete my account.");
            assert!(world.receive(&letter).await.1.is_some(), "it is a request like any other");
        }
        assert_eq!(carry(worlds, &on_the_way).await, 2, "each has challenged the other one");
        assert_eq!(carry(worlds, &on_the_way).await, 0, "nothing is written about a letter of a program");
        for world in worlds {
            let open = world.number(states, params!["awaiting_confirmation"]).await;
            assert_eq!(open, 1, "no program's letter counts as an answer");
        }
        let mut later = 0;
        for _ in 0..8 {
            for world in worlds {
                world.days_pass(5).await;
            }
            later += carry(worlds, &on_the_way).await;
            assert_eq!(carry(worlds, &on_the_way).await, 0, "what is written as time passes is not answered either");
        }
        assert_eq!(later, LATER, "what either of them writes by itself");
        for world in worlds {
            assert_eq!(world.number(states, params!["expired"]).await, 1);
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM requests", params![]).await, 1);
        }
    }))
    .await;
}

#[tokio::test]
async fn two_houses_that_write_to_each_other_stop_at_once() {
    they_fall_silent(str::to_owned).await;
}

#[tokio::test]
async fn they_stop_also_where_a_forwarder_drops_the_marks_of_programs() {
    they_fall_silent(unmarked).await;
}
