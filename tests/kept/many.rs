//! What grows with people when an account is erased, and what does not: neither the statements that put them on the suppression list, nor
//! what is written of them for legal holds, grows but by pages.

use expunged::domain::State;
use expunged::flow::legal::{self, HeldTarget, table};
use expunged::params;

use super::{OWNER, WHOLE, keeping, orders, stands};
use crate::support::world::{Ground, World};

const PEOPLE: u64 = 300;
const PAGE: u64 = 50;

/// A shop whose first account has many users, which are read in small pages.
async fn crowded(ground: Ground) -> World {
    let ground = ground.with_config(|config| config.replace("[limits]\n", "[limits]\nrows_per_chunk = 50\n"));
    let people: Vec<String> =
        (0..PEOPLE).map(|n| format!("('p{n}', 'a1', 'user', 'person{n}@team.example', 'Person {n}', NULL)")).collect();
    ground.shop.run(&format!("INSERT INTO users VALUES {}", people.join(", "))).await;
    keeping(ground, WHOLE).await
}

async fn erased(world: &World) {
    let request = world.ask_and_confirm(OWNER).await;
    world.days_pass(7).await;
    assert_eq!(world.state(request).await, State::Completed);
}

/// PostgreSQL counts statements by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_identities_is_one_statement() {
    let world = crowded(Ground::postgres().await).await;
    world
        .live(async {
            for sql in [
                "CREATE TABLE counted (rows BIGINT NOT NULL)",
                "CREATE FUNCTION count_statement() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN INSERT INTO counted SELECT COUNT(*) FROM added; RETURN NULL; END $$",
                "CREATE TRIGGER count_statements AFTER INSERT ON suppressions REFERENCING NEW TABLE AS added
                   FOR EACH STATEMENT EXECUTE FUNCTION count_statement()",
            ] {
                world.try_sql(sql, params![]).await.unwrap();
            }
            erased(&world).await;
            let listed = world.number("SELECT COUNT(*) AS number FROM suppressions", params![]).await;
            assert!(listed >= PEOPLE as i64, "{listed} are on the list");
            let statements = world.number("SELECT COUNT(*) AS number FROM counted", params![]).await;
            // A set of each column that identifies somebody, and the last page of each is not full.
            let most = listed / PAGE as i64 + 4;
            assert!((1..=most).contains(&statements), "{statements} statements for {listed} identities");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_kept_rows_were_of_is_written_in_pages_and_held_by_each_of_them() {
    let world = crowded(Ground::sqlite().await).await;
    world
        .live(async {
            erased(&world).await;
            let largest = async |kind: &str| {
                let sql = "SELECT MAX(LENGTH(bytes)) AS number FROM sealed WHERE kind = $1";
                world.number(sql, params![kind]).await
            };
            let pages = "SELECT COUNT(*) AS number FROM sealed WHERE kind = 'kept_people'";
            let pages = world.number(pages, params![]).await as u64;
            assert!((PEOPLE / PAGE..=PEOPLE / PAGE + 3).contains(&pages), "{pages} pages");
            assert!(largest("kept_people").await as u64 <= PAGE * 32 + 64, "a page has {PAGE} people at most");
            assert!(largest("kept").await < 2_048, "what is kept names none of them");
            let operator = world.operator("ops");
            let held = HeldTarget::Subject(table("shop.users").unwrap(), format!("p{}", PEOPLE - 1));
            let hold = legal::place(&world.house, &held, "12 O 34/26", &operator).await.unwrap().hold;
            world.days_pass(300).await;
            stands(&world, 2, "erasing").await;
            legal::release(&world.house, hold.id, &operator).await.unwrap();
            world.settle().await;
            assert_eq!(orders(&world, "id IN ('o1', 'o9')").await, 0);
        })
        .await;
}
