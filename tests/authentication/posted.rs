//! The forged letters, posted to a daemon: whatever they make it write goes to an address on file, or to the team.

use std::collections::BTreeSet;

use super::attacks::{NOW, Suite};
use crate::support::world::{START, TEAM, World};

#[tokio::test]
async fn forged_letters_make_us_write_to_nobody_but_the_address_on_file() {
    let suite = Suite::new();
    assert_eq!(NOW, START, "the letters arrive as the story begins");
    let world = World::sqlite().await.with_dns(&suite.dns);
    world
        .live(async {
            for (_, bytes) in suite.forged.iter().chain(&suite.forged_results) {
                world.deliver(bytes);
            }
            world.settle().await;
        })
        .await;
    let folders = std::fs::read_dir(world.ground.path("customers")).unwrap();
    let written: BTreeSet<String> = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    // The owner whose address was forged is asked, which is all that a forged letter can do.
    let on_file: BTreeSet<String> = ["owner1@team.example", TEAM].map(str::to_owned).into();
    assert!(written.is_subset(&on_file), "{written:?}");
    let erased = world.ground.shop.count("SELECT 4 - COUNT(*) FROM users WHERE role = 'owner'").await;
    assert_eq!(erased, 0);
    // Nobody is spared the challenge.
    let begun = "SELECT COUNT(*) AS number FROM requests WHERE state NOT IN \
        ('received', 'awaiting_confirmation', 'needs_review', 'not_found')";
    assert_eq!(world.number(begun, expunged::params![]).await, 0);
}

#[tokio::test]
async fn who_is_authenticated_is_challenged_all_the_same_and_the_trail_says_who() {
    let suite = Suite::new();
    let world = World::sqlite().await.with_dns(&suite.dns);
    let (_, honest) = &suite.honest[0];
    world
        .live(async {
            let (_, request) = world.receive(honest).await;
            let state = world.state(request.unwrap()).await;
            assert_eq!(state, expunged::domain::State::AwaitingConfirmation);
            assert_eq!(world.fresh("owner1@team.example").len(), 1);
        })
        .await;
    let said = "SELECT COUNT(*) AS number FROM trail WHERE CAST(leaf AS TEXT) LIKE '%\"sender\":\"pass\"%'";
    assert_eq!(world.number(said, expunged::params![]).await, 1);
}
