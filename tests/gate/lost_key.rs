//! What becomes of a request whose saved keys somebody destroyed by hand.

use expunged::domain::{RequestId, Scope, State};
use expunged::flow::operate::{self, Correction};
use expunged::params;

use super::{OWNERS, on_both, shop_is_untouched};
use crate::support::world::{TEAM, World};

/// Destroys the key that the saved keys of a request lie under.
pub(crate) async fn destroy_replay_key(world: &World, request: RequestId) {
    let sql = "UPDATE vault_keys SET wrapped = NULL, destroyed_at = $2
         WHERE purpose = 'replay' AND owner = (SELECT case_id FROM requests WHERE id = $1)";
    assert_eq!(world.try_sql(sql, params![request, world.house.clock.now()]).await.unwrap(), 1);
}

on_both! {
    /// The erasing stops, the team hears why and what helps, and the person is asked anew.
    async fn an_erasing_without_its_keys_goes_on_as_a_new_request(world) {
        world.live(async {
            let request = world.ask_and_confirm(OWNERS[0]).await;
            destroy_replay_key(world, request).await;
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::Erasing);
            let alarm = world.fresh(TEAM).pop().expect("the team is told").text;
            let alarm = alarm.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(alarm.contains("replay key of this case was destroyed") && alarm.contains("requests scope"), "{alarm}");
            shop_is_untouched(world).await;
            world.fresh(OWNERS[0]);
            let whole = Correction { scope: Some(Scope::Account), ..Correction::default() };
            let reference = world.reference(request).await;
            let anew = operate::correct(&world.house, &reference, &world.operator("alice"), whole).await.unwrap().request.id;
            world.settle().await;
            assert_eq!((world.state(request).await, world.state(anew).await), (State::Withdrawn, State::AwaitingConfirmation));
            let challenge = world.fresh(OWNERS[0]).pop().expect("the owner is asked anew, and told of no withdrawal");
            world.receive(&challenge.answer(OWNERS[0], &challenge.code())).await;
            world.days_pass(8).await;
            assert_eq!(world.state(anew).await, State::Completed);
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await, 0);
        }).await;
    }

    async fn an_erasing_that_has_its_keys_is_not_opened_anew(world) {
        world.live(async {
            let request = world.ask_and_confirm(OWNERS[0]).await;
            world.forge_beginning(request).await;
            world.try_sql("UPDATE requests SET state = 'erasing' WHERE id = $1", params![request]).await.unwrap();
            let whole = Correction { scope: Some(Scope::Account), ..Correction::default() };
            let reference = world.reference(request).await;
            operate::correct(&world.house, &reference, &world.operator("alice"), whole).await.unwrap_err();
            assert_eq!(world.state(request).await, State::Erasing);
        }).await;
    }
}
