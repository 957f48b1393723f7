//! Every fact that a sent letter names is the right one: the days, the grounds, the articles and the data as the flow fills them in,
//! in a story whose clock is fixed. Days begin in Auckland here, where it is a day later than in UTC for most of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expunged::db::deliveries::Disposition;
use expunged::domain::{RequestId, State};
use expunged::flow::named;
use expunged::flow::operate::{self, Act, ExtensionGround, Refusal};
use jiff::civil::date;
use regex::{Captures, Regex};

use crate::support::world::{Ground, Letter, TEAM, World, plain};

const OWNERS: [&str; 4] = ["owner1@team.example", "owner2@team.example", "owner3@team.example", "owner4@team.example"];
const USER: &str = "user1@team.example";
const GUEST: &str = "guest1@guest.example";

/// What everybody was written, in the order of the story.
struct Story<'a> {
    world: &'a World,
    told: String,
    last: BTreeMap<&'static str, Letter>,
}

impl Story<'_> {
    /// Writes down who was written what since the last time.
    fn gather(&mut self, what: &str) {
        let _ = writeln!(self.told, "######## {what}\n");
        for to in OWNERS.into_iter().chain([USER, GUEST, TEAM]) {
            let text =
                |letter: &Letter| covered(&format!("To: {to}\nSubject: {}\n\n{}", letter.subject, letter.text.trim()));
            let fresh = self.world.fresh(to).into_iter();
            let mut fresh: Vec<_> = fresh.map(|letter| (text(&letter), letter)).collect();
            // Letters of one moment leave in any order, and a reference is chance.
            fresh.sort_by(|(one, _), (other, _)| one.cmp(other));
            for (text, letter) in fresh {
                let _ = writeln!(self.told, "{text}\n\n========\n");
                self.last.insert(to, letter);
            }
        }
    }

    async fn asks(&mut self, from: &'static str, text: &str) -> RequestId {
        let (disposition, request) = self.world.receive(&plain(from, "My request", text)).await;
        assert_eq!(disposition, Disposition::Opened, "{from}: {text}");
        self.gather(&format!("{from} asks"));
        request.expect("it has a request")
    }

    /// Answers the last letter; with its code where no other words are given.
    async fn answers(&mut self, from: &'static str, text: Option<&str>) {
        let letter = self.last.get(from).expect("they were written to");
        let answer = text.map_or_else(|| letter.code(), str::to_owned);
        let (disposition, _) = self.world.receive(&letter.answer(from, &answer)).await;
        assert_eq!(disposition, Disposition::Answer, "{from}: {answer}");
        self.gather(&format!("{from} answers {}", text.unwrap_or("with the code")));
    }

    /// Writes a letter of its own, which proves nothing.
    async fn stops(&mut self, from: &'static str) {
        self.world.receive(&plain(from, "Stop", "Hello,\r\n\r\nplease cancel my deletion request.")).await;
        self.gather(&format!("{from} asks to stop"));
    }

    async fn acts(&mut self, request: RequestId, act: Act) {
        let (reference, operator) = (self.world.reference(request).await, self.world.operator("alice"));
        operate::act(&self.world.house, &reference, &operator, act, None).await.unwrap();
        self.world.settle().await;
        self.gather(&format!("an operator: {act:?}"));
    }

    async fn extends(&mut self, request: RequestId) {
        let (reference, operator) = (self.world.reference(request).await, self.world.operator("alice"));
        let why = (ExtensionGround::Number, "we have many requests this month");
        operate::extend(&self.world.house, &reference, &operator, why).await.unwrap();
        self.world.settle().await;
        self.gather("an operator extends the period");
    }

    async fn refuses(&mut self, request: RequestId) {
        let (reference, operator) = (self.world.reference(request).await, self.world.operator("alice"));
        let refusal = Refusal {
            ground: "The invoices of last year are needed in court.".to_owned(),
            article: "Art. 17(3)(e) GDPR".to_owned(),
            data: vec!["contact".to_owned()],
            review_on: Some(date(2027, 6, 30)),
        };
        operate::refuse(&self.world.house, &reference, &operator, refusal).await.unwrap();
        self.world.settle().await;
        self.gather("an operator refuses");
    }

    async fn days(&mut self, days: u64) {
        self.world.days_pass(days).await;
        self.gather(&format!("{days} days later"));
    }

    async fn is(&self, request: RequestId, state: State) {
        assert_eq!(self.world.state(request).await, state, "{}", self.told);
    }
}

/// A letter with fixed words in the place of what is made by chance.
fn covered(text: &str) -> String {
    let text = Regex::new(r"EXP-[A-Z0-9]{4}-[A-Z0-9]{2}").unwrap().replace_all(text, "EXP-####-##").into_owned();
    let text = Regex::new(r"\b[a-z2-7]{26}\b").unwrap().replace_all(&text, "(the token)").into_owned();
    let code = |found: &Captures<'_>| {
        let is_code = found[0].bytes().any(|byte| byte.is_ascii_digit());
        if is_code { "(code)".to_owned() } else { found[0].to_owned() }
    };
    Regex::new(r"\b[A-Z0-9]{6}\b").unwrap().replace_all(&text, code).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_letter_of_a_story_names_the_right_facts() {
    let zone = "language = \"en\"\ntime_zone = \"Pacific/Auckland\"";
    let ground = Ground::sqlite().await.with_config(|config| config.replace("language = \"en\"", zone));
    let world = &ground.build().await;
    world.ground.shop.run("UPDATE users SET phone = '+1 555 0105' WHERE id = 'u5'").await;
    let mut story = Story { world, told: String::new(), last: BTreeMap::new() };
    let told = world
        .live(async {
            first_weeks(&mut story).await;
            last_weeks(&mut story).await;
            story.told
        })
        .await;
    insta::assert_snapshot!(told);
}

/// Who looks at a request is told whose words its categories are: those of the letter, or those of the maps for a general wish.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_letter_does_not_name_is_not_called_its_words() {
    let world = &World::sqlite().await;
    let mut story = Story { world, told: String::new(), last: BTreeMap::new() };
    world
        .live(async {
            let general = story.asks(OWNERS[2], "Hello,\r\n\r\nplease delete all my personal data.").await;
            let named = story.asks(OWNERS[1], "Hello,\r\n\r\nplease delete my phone number.").await;
            for (request, is_general) in [(general, true), (named, false)] {
                let request = world.stored(request).await.request;
                let mut tx = world.house.db.read().await.unwrap();
                let data = named::data(&world.house.kek, &mut tx, &request).await.unwrap();
                assert_eq!((data.categories.is_empty(), data.categories_set), (false, false), "{data:?}");
                assert_eq!(data.categories_general, is_general, "{data:?}");
            }
        })
        .await;
}

/// Refusals by owner and team, a pause, a period that nobody answers in, and data that go without the account.
async fn first_weeks(story: &mut Story<'_>) {
    let close = "Hello,\r\n\r\nplease delete my account and all data that belongs to it.";
    let profile = story.asks(USER, "Hello,\r\n\r\nplease delete my user profile.").await;
    story.answers(USER, Some("Yes, please go ahead.")).await;
    story.answers(OWNERS[0], Some("No")).await;
    story.is(profile, State::Refused).await;
    let refused = story.asks(OWNERS[1], close).await;
    story.refuses(refused).await;
    let silent = story.asks(OWNERS[2], close).await;
    let paused = story.asks(OWNERS[3], close).await;
    story.answers(OWNERS[3], Some("K4F7ZX")).await;
    story.acts(paused, Act::Hold).await;
    story.acts(paused, Act::Release).await;
    story.asks(GUEST, "Hello,\r\n\r\nplease delete all my personal data.").await;
    story.days(5).await;
    story.stops(OWNERS[3]).await;
    story.is(paused, State::OnHold).await;
    let phone = story.asks(USER, "Hello,\r\n\r\nplease delete my phone number.").await;
    story.answers(USER, Some("Yes, please go ahead.")).await;
    story.answers(OWNERS[0], Some("Yes, please go ahead.")).await;
    story.is(phone, State::Scheduled).await;
    story.days(8).await;
    story.is(phone, State::Completed).await;
    story.days(3).await;
    story.is(silent, State::Expired).await;
}

/// An account that goes under an extended period, with rows that stay and a backup.
async fn last_weeks(story: &mut Story<'_>) {
    let request =
        story.asks(OWNERS[0], "Hello,\r\n\r\nplease delete my account and all data that belongs to it.").await;
    story.extends(request).await;
    story.days(5).await;
    story.answers(OWNERS[0], None).await;
    story.is(request, State::Scheduled).await;
    story.days(8).await;
    story.is(request, State::Completed).await;
}
