//! What a proof rests on is asked again before anything is erased, and the owner hears of what others have erased.

use expunged::domain::State;
use expunged::domain::request::ReviewReason;
use expunged::trail::{ActorKind, Event};

use super::{GUEST, OWNER, USER, answered, in_review, opened, the_letter};
use crate::support::world::{Ground, World};

const TARGET: &str = "FROM users\nWHERE account_id = :account AND (lower(email) = lower(:identifier) OR \
                      lower(full_name) = lower(:identifier))";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_was_named_and_moved_to_another_account_is_not_erased_there() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let text = "Hello,\r\n\r\nplease delete the user profile of our colleague Una One. She left us.\r\n";
            let asked = opened(world, OWNER, "Delete a user profile", text).await;
            let challenge = the_letter(world, OWNER, "Please confirm");
            answered(world, &challenge, OWNER, "Yes, please go ahead.").await;
            assert_eq!(world.state(asked).await, State::Scheduled);
            world.ground.shop.run("UPDATE users SET account_id = 'a2' WHERE id = 'u5'").await;
            world.days_pass(8).await;
            in_review(world, asked, ReviewReason::FactsChanged).await;
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE id = 'u5'").await, 1);
        })
        .await;
}

/// A world whose directory tells when an address or password changed.
async fn that_tells_changes() -> World {
    let ground = Ground::sqlite().await.with_config(|config| {
        config
            .replace("email AS address FROM users WHERE email", "email AS address, changed_at FROM users WHERE email")
            .replace("email AS address FROM end_users", "email AS address, NULL AS changed_at FROM end_users")
    });
    ground.shop.run("ALTER TABLE users ADD COLUMN changed_at TEXT").await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    ground.write("shop.toml", &map.replace("role = \"none\",", "role = \"none\", changed_at = \"none\","));
    ground.build().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_address_that_changed_lately_is_for_a_person() {
    let world = &that_tells_changes().await;
    world
        .live(async {
            world.ground.shop.run("UPDATE users SET changed_at = '2027-01-01 00:00:00' WHERE id = 'u1'").await;
            world.ground.shop.run("UPDATE users SET changed_at = '2026-12-01 00:00:00' WHERE id = 'u2'").await;
            let (_, frozen) = world.receive(&world.closing(OWNER)).await;
            in_review(world, frozen.unwrap(), ReviewReason::ChangedLately).await;
            // Long ago is no reason; during the grace period is one.
            let other = world.ask_and_confirm("owner2@team.example").await;
            world.ground.shop.run("UPDATE users SET changed_at = '2027-01-05 00:00:00' WHERE id = 'u2'").await;
            world.days_pass(8).await;
            in_review(world, other, ReviewReason::ChangedLately).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_owner_hears_of_it_and_may_stop_it() {
    let ground = Ground::sqlite().await.with_config(|config| {
        assert!(config.contains(TARGET));
        let guests = "SELECT account_id AS account, 'end_user' AS role, id AS person, full_name AS label, \
                      email AS address FROM end_users WHERE account_id = :account AND full_name = :identifier";
        config.replace(TARGET, &format!("{TARGET} UNION ALL {guests}"))
    });
    let world = &ground.build().await;
    world
        .live(async {
            let text = "Hello,\r\n\r\nplease delete all personal data of our customer Gina One.\r\n";
            let asked = opened(world, USER, "Delete a customer", text).await;
            answered(world, &the_letter(world, USER, "Please confirm"), USER, "Yes, please go ahead.").await;
            assert_eq!(world.state(asked).await, State::Scheduled);
            let notice = the_letter(world, OWNER, "will be erased");
            assert!(notice.text.contains("Una One") && notice.text.contains("Gina One"), "{}", notice.text);
            answered(world, &notice, OWNER, "Yes, please go ahead.").await;
            assert_eq!(world.state(asked).await, State::Scheduled);
            answered(world, &notice, OWNER, "Stop").await;
            let stored = world.stored(asked).await;
            assert_eq!(stored.request.state, State::Withdrawn);
            let mut tx = world.house.db.read().await.unwrap();
            let leaves = expunged::db::trail::show(&mut tx, stored.request.case).await.unwrap();
            let stop = leaves.iter().find(|leaf| leaf.event == Event::Withdrawn).expect("the stop has its leaf");
            assert_eq!(stop.leaf.read().unwrap().actor.kind, ActorKind::Owner, "the trail knows who stopped it");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_guest_hears_who_decides() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let text = "Hello,\r\n\r\nplease delete all my personal data.\r\n";
            let asked = opened(world, GUEST, "My data", text).await;
            assert_eq!(world.state(asked).await, State::Forwarded);
            the_letter(world, OWNER, "end-users");
            the_letter(world, GUEST, "passed on");
        })
        .await;
}
