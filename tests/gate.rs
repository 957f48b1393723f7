//! The gate of DESIGN §3 stands in the database too: whoever has its password and writes plain SQL cannot have anything
//! erased, because the database refuses what has no authority, and a worker refuses an authority that it did not write.

mod forged;
mod holds;
mod operators;
mod plain_sql;
mod replaced;

use crate::support::world::World;

/// The same test on both databases.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($world:ident) $body:block)+) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn test($world: &World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sqlite() {
                test(&World::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres() {
                test(&World::postgres().await).await;
            }
        }
    )+};
}

pub(crate) use on_both;

/// Owners of the shop, each of an account of their own.
const OWNERS: [&str; 4] = ["owner1@team.example", "owner2@team.example", "owner3@team.example", "owner4@team.example"];

/// Nothing of anybody was erased: the shop is as it was made.
async fn shop_is_untouched(world: &World) {
    let shop = &world.ground.shop;
    assert_eq!(shop.count("SELECT COUNT(*) FROM accounts").await, 4);
    assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE email LIKE '%@team.example' AND full_name <> ''").await, 5);
    assert_eq!(shop.count("SELECT COUNT(*) FROM end_users").await, 1);
    assert_eq!(shop.count("SELECT COUNT(ship_name) FROM orders WHERE user_id IS NOT NULL").await, 4);
}

/// A refusal names a rule, never a person.
fn names_nobody(text: &str) {
    for word in ["@", "team.example", "Olga", "Otto", "owner1", "555"] {
        assert!(!text.contains(word), "{text}");
    }
}
