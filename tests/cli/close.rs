//! `requests close` says of a recipient who cannot be closed why, and what can be done instead.

use expunged::domain::State;

use super::Said;
use crate::support::expunged;
use crate::support::world::{Ground, PARCELS};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_cannot_be_closed_is_told_apart() {
    let ground = Ground::sqlite().await;
    ground.write("parcels.toml", PARCELS);
    ground.write("courier.toml", &PARCELS.replace("parcel", "courier"));
    let maps = "[\"shop.toml\", \"parcels.toml\", \"courier.toml\"]";
    let world = ground.with_config(|config| config.replace("[\"shop.toml\"]", maps)).build().await;
    let (waiting, open) = world
        .live(async {
            let request = world.ask_and_confirm("owner1@team.example").await;
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients);
            let (open, _) = world.ask("owner2@team.example").await;
            (world.reference(request).await.to_string(), world.reference(open).await.to_string())
        })
        .await;
    let close = |at: &str, name: &str, because: &str| -> Said {
        let mut command = expunged();
        command.env("EXPUNGED_CONFIG", world.ground.path("expunged.toml"));
        let arguments = ["requests", "close", at, "--recipient", name, "--because", because];
        command.args(arguments).output().expect("it runs").into()
    };
    close(&waiting, "nobody", "Gone")
        .failed(3, "asked no recipient of the name \"nobody\"; it waits for: couriers, parcels");
    close(&open, "parcels", "Gone").failed(4, "it waits for the asker to confirm it (awaiting_confirmation)");
    close(&waiting, "parcels", " ").failed(2, "a reason is missing");
    let closed = close(&waiting, "parcels", "Out of business");
    assert!(closed.code == Some(0) && closed.err.contains("recipient closed"), "{}", closed.err);
    close(&waiting, "parcels", "Once more")
        .failed(4, "does not wait for parcels any more (closed): there is nothing to close");
    close(&waiting, "nobody", "Gone").failed(3, "it waits for: couriers\n");
    assert_eq!(close(&waiting, "couriers", "Out of business").code, Some(0));
    close(&waiting, "nobody", "Gone")
        .failed(4, "waits for no recipient any more: our own stores are searched once more");
}
