//! Promise: who holds data for us is asked to erase them too, and nothing is called done before they have answered or a person has
//! closed it; what they say, and what they do not, stands in the letter to the person (Art. 19 GDPR).
//!
//! One suite for both kinds of recipient: a partner who answers in its own way, and the same stories.

pub(crate) mod by_http;
mod by_mail;
mod forged;
mod held;
mod maps;
mod meanwhile;
pub(crate) mod partner;
mod unplanned;
mod unsearchable;

use expunged::domain::{RequestId, State};
use expunged::flow::recipients;
use expunged::params;

use crate::support::world::{Ground, Letter, TEAM, World};

const OWNER: &str = "owner1@team.example";

/// Somebody who holds data, outside of the house.
trait Partner {
    /// The text of its map.
    fn map(&self) -> String;

    /// So often it was asked about somebody, however often it was told.
    fn orders(&self, world: &World) -> usize;

    /// All that it was told, as text.
    fn told(&self, world: &World) -> String;

    /// It says that it is done, and the house hears it.
    async fn says_done(&self, world: &World);

    /// It says that it will not do it, and the house hears it.
    async fn refuses(&self, world: &World);
}

/// A world with this partner in its maps.
async fn world_with(map: &str) -> World {
    world_on(Ground::sqlite().await, &[("partner.toml", map)]).await
}

/// A world with these maps beside the shop's.
async fn world_on(ground: Ground, maps: &[(&str, &str)]) -> World {
    ground_with(ground, maps).build().await
}

fn ground_with(ground: Ground, maps: &[(&str, &str)]) -> Ground {
    maps.iter().for_each(|(name, map)| ground.write(name, map));
    let names: String = maps.iter().map(|(name, _)| format!(", \"{name}\"")).collect();
    ground.with_config(|config| config.replace("[\"shop.toml\"]", &format!("[\"shop.toml\"{names}]")))
}

/// The owner's account is erased in our stores.
async fn erased(world: &World) -> RequestId {
    let request = world.ask_and_confirm(OWNER).await;
    world.days_pass(8).await;
    assert_eq!(world.ground.shop.count("SELECT count(*) FROM accounts WHERE id = 'a1'").await, 0);
    request
}

/// The confirmation, once it was sent.
fn confirmation(world: &World) -> Option<Letter> {
    let mut letters = world.fresh(OWNER);
    letters.retain(|letter| letter.text.contains("This is what became of the data"));
    assert!(letters.len() < 2, "one confirmation");
    letters.pop()
}

/// Alarms to the team that a person must look at a recipient.
fn alarms(world: &World) -> usize {
    world.fresh(TEAM).iter().filter(|letter| letter.subject.contains("a recipient needs you")).count()
}

/// The text without the breaks of its lines.
fn flat(letter: &Letter) -> String {
    letter.text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn it_waits_until_the_partner_is_done(partner: &impl Partner) {
    let world = world_with(&partner.map()).await;
    world
        .live(async {
            let request = erased(&world).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients);
            assert!(confirmation(&world).is_none(), "nothing is called done");
            assert_eq!(partner.orders(&world), 1);
            let told = partner.told(&world);
            assert!(told.contains("owner1@team.example") && told.contains("user1@team.example"), "{told}");
            assert!(
                !told.contains("owner2") && !told.contains("Olga"),
                "nobody else's, and no more than the map says: {told}"
            );
            partner.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Completed);
            let letter = flat(&confirmation(&world).expect("the confirmation"));
            assert!(
                letter.contains("they have confirmed that they have erased the data too: - Parcel & Co."),
                "{letter}"
            );
            assert!(!letter.contains("have not confirmed"), "{letter}");
            assert_eq!(partner.orders(&world), 1, "asked once");
            assert_eq!(alarms(&world), 0);
            let left = "SELECT COUNT(*) AS number FROM jobs WHERE request_id = $1 AND kind = 'ask'";
            assert_eq!(world.number(left, params![request]).await, 0, "nobody is asked any more");
            // The stores are searched again as after any erasure.
            let sweeps = "SELECT COUNT(*) AS number FROM jobs WHERE request_id = $1 AND kind = 'sweep'";
            assert_eq!(world.number(sweeps, params![request]).await, 1);
        })
        .await;
}

async fn a_refusal_goes_to_a_person(partner: &impl Partner) {
    let world = world_with(&partner.map()).await;
    world
        .live(async {
            let request = erased(&world).await;
            partner.refuses(&world).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients);
            assert_eq!(alarms(&world), 1);
            world.days_pass(3).await;
            assert_eq!(alarms(&world), 0, "told once");
            assert!(confirmation(&world).is_none());
            closes(&world, request, "they refuse to: - Parcel & Co.").await;
        })
        .await;
}

async fn done_after_a_refusal_counts(partner: &impl Partner) {
    let world = world_with(&partner.map()).await;
    world
        .live(async {
            let request = erased(&world).await;
            partner.refuses(&world).await;
            assert_eq!((world.state(request).await, alarms(&world)), (State::WaitingOnRecipients, 1));
            let orders = partner.orders(&world);
            world.days_pass(9).await;
            assert_eq!((partner.orders(&world), alarms(&world)), (orders, 0), "who refused is chased no more");
            partner.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Completed);
            let letter = flat(&confirmation(&world).expect("the confirmation"));
            assert!(letter.contains("erased the data too: - Parcel & Co."), "{letter}");
            assert!(!letter.contains("refuse"), "{letter}");
        })
        .await;
}

async fn silence_is_escalated_and_a_person_closes_it(partner: &impl Partner) {
    let world = world_with(&partner.map()).await;
    world
        .live(async {
            let request = erased(&world).await;
            world.days_pass(8).await;
            assert_eq!((alarms(&world), partner.orders(&world)), (0, 1));
            world.days_pass(7).await;
            assert_eq!(alarms(&world), 1, "their silence is told");
            assert_eq!(world.state(request).await, State::WaitingOnRecipients);
            world.days_pass(2).await;
            assert_eq!(alarms(&world), 0, "and told once");
            closes(&world, request, "they have not confirmed it: - Parcel & Co.").await;
        })
        .await;
}

/// A person closes it, and the letter says what is so.
async fn closes(world: &World, request: RequestId, says: &str) {
    let (reference, operator) = (world.reference(request).await, world.operator("grace"));
    let nobody = recipients::close(&world.house, &reference, &operator, "nobody", "gone").await;
    assert!(nobody.is_err(), "no such recipient");
    let blank = recipients::close(&world.house, &reference, &operator, "parcels", "  ").await;
    assert!(blank.is_err(), "a reason is needed");
    recipients::close(&world.house, &reference, &operator, "parcels", "they went out of business").await.unwrap();
    world.settle().await;
    assert_eq!(world.state(request).await, State::Completed);
    let letter = flat(&confirmation(world).expect("the confirmation"));
    assert!(letter.contains(says), "{letter}");
    assert!(!letter.contains("they have confirmed"), "{letter}");
    let again = recipients::close(&world.house, &reference, &operator, "parcels", "once more").await;
    assert!(again.is_err(), "nothing is waited for");
    // Who closed it stands in the trail; why, under seal.
    let case = world.stored(request).await.request.case;
    let closed = "SELECT COUNT(*) AS number FROM trail WHERE case_id = $1 AND event = 'recipient_answered'
                  AND leaf LIKE '%\"operator\"%' AND leaf LIKE '%\"closed\"%' AND leaf NOT LIKE '%business%'
                  AND private_blob IS NOT NULL";
    assert_eq!(world.number(closed, params![case]).await, 1);
}
