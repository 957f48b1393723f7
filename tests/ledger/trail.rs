//! A step whose leaf cannot be written is not taken; letters are told apart by what they are, not by what they call themselves.

use expunged::domain::State;
use expunged::flow::operate::{self, Act};
use expunged::params;

use crate::support::world::{SUPPORT, World, on_both};

on_both! {
    async fn where_the_trail_cannot_be_written_nothing_moves(ground) {
        let world = ground.build().await;
        let request = world.live(async { world.ask("owner1@team.example").await.0 }).await;
        for sql in refusing(&world) {
            world.try_sql(sql, params![]).await.unwrap();
        }
        let rows = async || {
            let sql = "SELECT (SELECT COUNT(*) FROM letters) + (SELECT COUNT(*) FROM jobs) + (SELECT COUNT(*) FROM trail)
                 + (SELECT COUNT(*) FROM holds) AS number";
            world.number(sql, params![]).await
        };
        let (before, reference) = (rows().await, world.reference(request).await);
        let held = operate::act(&world.house, &reference, &world.operator("ops"), Act::Hold, None).await;
        assert!(held.is_err(), "the hold is refused with its leaf");
        assert_eq!((world.state(request).await, rows().await), (State::AwaitingConfirmation, before), "and nothing of it stays");
        let allow = world.house.db.dialect().pick("DROP TRIGGER no_leaves", "DROP TRIGGER no_leaves ON trail");
        world.try_sql(allow, params![]).await.unwrap();
        operate::act(&world.house, &reference, &world.operator("ops"), Act::Hold, None).await.unwrap();
        assert_eq!(world.state(request).await, State::OnHold);
    }

    async fn letters_of_one_message_id_or_none_are_all_judged(ground) {
        let world = ground.build().await;
        world.live(async {
            for (owner, id) in [(1, "Message-ID: <same@team.example>\r\n"), (2, "Message-ID: <same@team.example>\r\n"), (3, ""), (4, "")] {
                let letter = format!(
                    "From: <owner{owner}@team.example>\r\nTo: <{SUPPORT}>\r\nSubject: Please close my account\r\n{id}\r\n\
                     Hello,\r\n\r\nplease delete my account and all data that belongs to it.\r\n"
                );
                world.deliver(letter.as_bytes());
            }
            world.settle().await;
        }).await;
        let opened = "SELECT COUNT(DISTINCT request_id) AS number FROM deliveries WHERE disposition = 'opened'";
        assert_eq!(world.number(opened, params![]).await, 4);
        for owner in 1..=4 {
            assert_eq!(world.fresh(&format!("owner{owner}@team.example")).len(), 1, "owner {owner} is asked");
        }
    }
}

/// Statements that have the ledger refuse every leaf.
fn refusing(world: &World) -> &'static [&'static str] {
    const SQLITE: &[&str] =
        &["CREATE TRIGGER no_leaves BEFORE INSERT ON trail BEGIN SELECT RAISE(ABORT, 'no leaf today'); END"];
    const POSTGRES: &[&str] = &[
        "CREATE FUNCTION no_leaves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no leaf today'; END $$",
        "CREATE TRIGGER no_leaves BEFORE INSERT ON trail FOR EACH ROW EXECUTE FUNCTION no_leaves()",
    ];
    match world.house.db.dialect() {
        expunged::db::Dialect::Sqlite => SQLITE,
        expunged::db::Dialect::Postgres => POSTGRES,
    }
}
