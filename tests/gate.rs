//! The gate of DESIGN §3 stands in the database too: whoever has its password and writes plain SQL cannot have anything
//! erased, because the database refuses what has no authority, and a worker refuses an authority that it did not write.

mod completed;
mod ended;
mod forged;
mod holds;
pub(crate) mod lost_key;
mod operators;
mod our_mx;
mod plain_sql;
mod replaced;

use crate::support::world::World;

/// The same test on both databases.
macro_rules! on_both {
    ($($tests:tt)*) => {
        $crate::support::on_both_of! {
            &$crate::support::world::World, $crate::gate::on_sqlite, $crate::gate::on_postgres;
            $($tests)*
        }
    };
}

pub(crate) use on_both;

pub async fn on_sqlite(test: impl AsyncFnOnce(&World)) {
    test(&World::sqlite().await).await;
}

pub async fn on_postgres(test: impl AsyncFnOnce(&World)) {
    test(&World::postgres().await).await;
}

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
