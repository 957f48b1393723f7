//! A letter that our own database would not know of, were it put back from a backup, is not handed over.

use expunged::domain::State;
use expunged::params;

use crate::support::world::{Ground, World};

const OWNER: &str = "owner1@team.example";

async fn letters(world: &World, state: &str) -> i64 {
    let sql = "SELECT COUNT(*) AS number FROM letters WHERE kind = 'challenge' AND state = $1 AND sends = $2";
    world.number(sql, params![state, i64::from(state == "sent")]).await
}

/// The disk of the watermark is away; however long that is, no attempt counts, and the letter goes out when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_letter_goes_out_before_the_watermark_was_raised() {
    let ground = Ground::sqlite().await;
    let (there, elsewhere) = (ground.path("marks"), ground.path("elsewhere"));
    std::fs::create_dir(&there).unwrap();
    let ground =
        ground.with_config(|config| config.replace("[keys]\n", "[keys]\nwatermark_file = \"marks/watermark\"\n"));
    let world = ground.build().await;
    world
        .live(async {
            world.settle().await;
            std::fs::rename(&there, &elsewhere).unwrap();
            let (_, id) = world.receive(&world.closing(OWNER)).await;
            world.hours_pass(30).await;
            assert_eq!(world.fresh(OWNER).len(), 0, "nobody is told what would be told twice");
            assert_eq!(letters(&world, "queued").await, 1, "it was no delivery");
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead'", params![]).await, 0);
            std::fs::rename(&elsewhere, &there).unwrap();
            world.hours_pass(1).await;
            assert_eq!(world.state(id.expect("it is judged")).await, State::AwaitingConfirmation);
            assert_eq!((world.fresh(OWNER).len(), letters(&world, "sent").await), (1, 1));
        })
        .await;
}
