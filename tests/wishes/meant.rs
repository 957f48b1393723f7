//! Whoever is named is meant: the one person whom everything that the letter names comes down to, or nobody.

use std::time::Duration;

use expunged::domain::request::ReviewReason;
use expunged::domain::{Scope, State};
use expunged::flow::operate::{self, Correction};

use super::{OWNER, USER, opens};
use crate::support::world::{Ground, Letter, World};

const PEOPLE: &str = "INSERT INTO users VALUES
  ('u6', 'a1', 'user', 'user6@team.example', 'Una Miller', '+1 555 0106'),
  ('u7', 'a1', 'user', 'user7@team.example', 'Anna Garrido', NULL);
INSERT INTO end_users VALUES ('e2', 'a1', 'john.smith@old.example', 'John Smith', NULL),
  ('e3', 'a1', 'jane@guest.example', 'Jane Twin', NULL), ('e4', 'a1', 'june@guest.example', 'Jane Twin', NULL)";

/// The shop with more people, a directory that knows end-users too, and a turn every hour.
pub(super) async fn world() -> World {
    let ground = Ground::sqlite().await.with_config(|config| {
        let target = "FROM users\nWHERE account_id = :account AND (lower(email) = lower(:identifier) OR lower(full_name) = lower(:identifier))";
        assert!(config.contains(target));
        let both = format!(
            "{target}\nUNION ALL SELECT account_id, 'end_user', id, full_name, email {}",
            target.replace("FROM users", "FROM end_users"),
        );
        config.replace(target, &both) + "\n[challenge]\nper_address_hours = 1\n"
    });
    ground.shop.run(PEOPLE).await;
    ground.build().await
}

/// A letter: who writes, the text below a greeting, and what must become of it.
type Case = (&'static str, &'static str, Expect);

/// What must become of a letter.
enum Expect {
    /// The asker is asked about this, and the letter calls whom it is about so; nothing for the asker.
    Asked(&'static [Scope], &'static str),
    /// A person must look.
    Review(ReviewReason),
    /// Whatever becomes of it, this is not offered.
    Never(Scope),
}

use Expect::{Asked, Never, Review};

/// For "nobody, or several": a person must look.
const UNCLEAR: Expect = Review(ReviewReason::UnclearTarget);

const CASES: &[Case] = &[
    // An address that is not on file is not passed over for another John Smith.
    (
        OWNER,
        "our customer John Smith <john.smith@new.example> asks for erasure. Please delete this customer's data.",
        UNCLEAR,
    ),
    (
        OWNER,
        "our customer John Smith <john.smith@old.example> asks for erasure. Please delete this customer's data.",
        Asked(&[Scope::EndUser], "John Smith <john.smith@old.example>"),
    ),
    (OWNER, "please delete the data of our customer Jane Twin.", UNCLEAR),
    (
        OWNER,
        "please delete the user profile of our colleague Una Miller <user6@team.example>.",
        Asked(&[Scope::User], "Una Miller <user6@team.example>"),
    ),
    (
        OWNER,
        "please delete the user profile of our employee Una (user6@team.example).",
        Asked(&[Scope::User], "Una Miller <user6@team.example>"),
    ),
    // A name that leads to somebody else than the address does, or nowhere, is a second person or a doubt.
    (OWNER, "please delete the user profile of our colleague Una Miller <user7@team.example>.", UNCLEAR),
    (OWNER, "please delete our employee user6@team.example and our employee Anna Garrido.", UNCLEAR),
    (OWNER, "please delete our employee user6@team.example and our employee Katja Keller.", UNCLEAR),
    (OWNER, "please delete our employee user6@team.example and our employee Bob.", UNCLEAR),
    // The second of two is never dropped.
    (OWNER, "please delete the user Una Miller. Also delete Anna Garrido.", UNCLEAR),
    (OWNER, "please delete the user Una Miller. Also delete Katja Keller.", UNCLEAR),
    (OWNER, "please delete the user Una Miller and also Anna Garrido.", UNCLEAR),
    (OWNER, "please delete the user Una Miller, and Anna.", UNCLEAR),
    (OWNER, "please delete the data of Una Miller and Anna Garrido.", UNCLEAR),
    (OWNER, "please delete the user Una Miller\r\nand Anna Garrido.", UNCLEAR),
    (OWNER, "please delete the user Una Miller\r\n- Anna Garrido", UNCLEAR),
    (
        OWNER,
        "please delete our customer John Smith and the phone number of Una Miller.",
        Review(ReviewReason::UnclearLetter),
    ),
    (OWNER, "bitte löschen Sie unsere Mitarbeiterin Una Miller und auch Anna Garrido.", UNCLEAR),
    (OWNER, "bitte löschen Sie unsere Mitarbeiterin Una Miller sowie Anna Garrido.", UNCLEAR),
    (OWNER, "merci de supprimer notre employé Una Miller ainsi que Anna Garrido.", UNCLEAR),
    (OWNER, "por favor, eliminen a la usuaria Una Miller y a Anna Garrido.", UNCLEAR),
    (OWNER, "please delete our customer John Smith.", Asked(&[Scope::EndUser], "John Smith <john.smith@old.example>")),
    (OWNER, "please delete our customer Rosa Eriksen.", UNCLEAR),
    (
        OWNER,
        "please delete the phone number of our user Una Miller.",
        Asked(&[Scope::Data, Scope::User], "Una Miller <user6@team.example>"),
    ),
    (OWNER, "please delete the account user6@team.example.", Asked(&[Scope::User], "Una Miller <user6@team.example>")),
    (OWNER, "please delete the account nobody@team.example.", UNCLEAR),
    // Two people at once, or somebody of another customer.
    (OWNER, "please delete the accounts user6@team.example and user7@team.example.", UNCLEAR),
    (OWNER, "please delete the account owner2@team.example.", UNCLEAR),
    (USER, "please delete my colleague's account: user6@team.example", Review(ReviewReason::Policy)),
    // Who names themself is meant.
    ("user6@team.example", "My name is Una Miller. Please delete my user profile.", Asked(&[Scope::User], "")),
    (OWNER, "My name is Olga One. Please delete my account.", Asked(&[Scope::Account], "")),
    (OWNER, "Please delete Una Miller's account.", Asked(&[Scope::User], "Una Miller <user6@team.example>")),
    // Who writes from elsewhere and names several addresses that are known, and not as their own, is not asked at the first of
    // them only.
    ("new@elsewhere.example", "please delete the accounts owner3@team.example and owner4@team.example.", UNCLEAR),
    // Who is only mentioned beside the writer's own is not meant instead of it.
    (OWNER, "please delete my account, but leave user6@team.example alone.", UNCLEAR),
    (OWNER, "please delete my account but not user6@team.example.", Review(ReviewReason::Limited)),
    (OWNER, "please delete my account. It is not that of Una Miller.", Asked(&[Scope::Account], "account")),
    (OWNER, "please delete my account. You can reach me at user7@team.example.", UNCLEAR),
    (OWNER, "please delete my account. I work with user1@team.example.", UNCLEAR),
    (OWNER, "please erase my data. user6@team.example can answer questions.", UNCLEAR),
    (OWNER, "please forget me. user7@team.example knows why.", UNCLEAR),
    (OWNER, "I do not need my account. Please delete it. john.smith@old.example agrees.", UNCLEAR),
    (OWNER, "please delete my account. Also delete my colleague user6@team.example.", UNCLEAR),
    (OWNER, "please delete my data and the data of our customer John Smith.", UNCLEAR),
    (OWNER, "please delete the user profile of Anna Garrido. And delete my phone number.", UNCLEAR),
    (OWNER, "please remove my photos. user6@team.example took them.", UNCLEAR),
];

/// Letters that join somebody or something to the first one: never an offer for the first one only.
const JOINED: &[Case] = &[
    (OWNER, "please delete the profile of Una Miller and the one of Anna Garrido.", UNCLEAR),
    (OWNER, "please delete our user Una Miller. Anna Garrido should go too.", UNCLEAR),
    (OWNER, "please delete our user Una Miller and user number 21.", UNCLEAR),
    (OWNER, "please delete our user Una Miller and my phone number.", UNCLEAR),
    (OWNER, "please delete our user Una Miller and the others on the list.", UNCLEAR),
    (OWNER, "please delete our user Una Miller (not user7@team.example, the other one).", UNCLEAR),
    (OWNER, "please delete my account and Anna Garrido's as well.", UNCLEAR),
    (OWNER, "please delete my account. My wife's should go as well.", UNCLEAR),
    (OWNER, "please delete our customer John Smith and his wife.", UNCLEAR),
    (OWNER, "please delete our user Una Miller.\r\n\r\nThanks\r\nOlga\r\n\r\nP.S. Bela as well, please.", UNCLEAR),
    (OWNER, "bitte löschen Sie unsere Nutzerin Una Miller. Für Anna Garrido gilt dasselbe.", UNCLEAR),
    (OWNER, "merci de supprimer le profil d'Una Miller et celui d'Anna Garrido.", UNCLEAR),
    (OWNER, "por favor, eliminen el perfil de Una Miller y el de Anna Garrido.", UNCLEAR),
    (OWNER, "verwijder alstublieft mijn account en dat van mijn vrouw.", UNCLEAR),
    (USER, "please delete my user profile and Anna Garrido's.", UNCLEAR),
    (OWNER, "please delete our user Una Miller. Next: Anna Garrido.", UNCLEAR),
    (OWNER, "please delete our user Una Miller. Same story with Anna Garrido.", UNCLEAR),
    (OWNER, "please delete the following users:\r\nUna Miller\r\nAnna Garrido", Review(ReviewReason::UnclearLetter)),
    (OWNER, "please delete the following user:\r\nUna Miller\r\nAnna Garrido", UNCLEAR),
    (OWNER, "PLEASE DELETE OUR USER UNA MILLER AND ANNA GARRIDO.", UNCLEAR),
    (OWNER, "please delete our user una miller and anna garrido", UNCLEAR),
    (OWNER, "please delete my account and anna garrido", UNCLEAR),
    (USER, "please delete our user anna garrido", UNCLEAR),
    (USER, "please delete my user profile and anna garrido too", UNCLEAR),
];

/// What people say beside a wish for one.
const SINGLE: &[Case] = &[
    (
        OWNER,
        "please delete our user Una Miller and all her data. She left in March.",
        Asked(&[Scope::User], "Una Miller <user6@team.example>"),
    ),
    (
        OWNER,
        "bitte löschen Sie unsere Nutzerin Anna Garrido und bestätigen Sie die Löschung.",
        Asked(&[Scope::User], "Anna Garrido <user7@team.example>"),
    ),
    (
        OWNER,
        "please delete our customer John Smith, who moved to Canada with his family.",
        Asked(&[Scope::EndUser], "John Smith <john.smith@old.example>"),
    ),
    (
        OWNER,
        "please delete my account. My colleague Anna is in Cc. You may call me on +49 30 1234567.",
        Asked(&[Scope::Account], "account"),
    ),
    (
        OWNER,
        "as agreed with user7@team.example on the phone, please delete our account.",
        Asked(&[Scope::Account], "account"),
    ),
    (
        OWNER,
        "delete the user Una Miller and all her data from our account.",
        Asked(&[Scope::User], "Una Miller <user6@team.example>"),
    ),
    (
        OWNER,
        "please delete the user Una Miller and her data in my account.",
        Asked(&[Scope::User], "Una Miller <user6@team.example>"),
    ),
    (
        OWNER,
        "bitte löschen Sie unsere Nutzerin Una Miller und alle ihre Daten aus unserem Konto.",
        Asked(&[Scope::User], "Una Miller <user6@team.example>"),
    ),
    (
        OWNER,
        "merci de supprimer notre utilisatrice Una Miller et toutes ses données de notre compte.",
        Asked(&[Scope::User], "Una Miller <user6@team.example>"),
    ),
    (
        OWNER,
        "por favor, eliminen a nuestra usuaria Una Miller con todos sus datos personales de mi cuenta.",
        Asked(&[Scope::User], ""),
    ),
    (
        OWNER,
        "vi prego di cancellare l'utente Anna Garrido e tutti i suoi dati dal nostro account.",
        Asked(&[Scope::User], "Anna Garrido <user7@team.example>"),
    ),
    (
        OWNER,
        "verwijder alstublieft onze gebruiker Una Miller en al haar gegevens uit onze account.",
        Asked(&[Scope::User], "Una Miller <user6@team.example>"),
    ),
];

/// Each letter does what it must. The clock goes on in between, so that the asker may be asked again.
async fn hold(world: &World, cases: &[Case]) {
    for (from, text, expect) in cases {
        world.clock.advance(Duration::from_secs(3_700));
        let case = opens(world, from, ("Erasure", &format!("Hello,\r\n\r\n{text}"))).await;
        let request = world.stored(case).await.request;
        match expect {
            Review(reason) => {
                assert_eq!((request.state, request.review), (State::NeedsReview, Some(*reason)), "{text}");
            }
            Asked(scope, label) => {
                assert_eq!(request.state, State::AwaitingConfirmation, "{text}: {:?}", request.review);
                assert_eq!(request.ask.unwrap().offered, *scope, "{text}");
                let asks = |letter: &Letter| ["confirm", "bestätigen"].iter().any(|word| letter.subject.contains(word));
                let challenge = world.fresh(from).into_iter().find(asks);
                // In another language it is called otherwise.
                let Some(challenge) = challenge.map(|letter| letter.text.replace("\r\n", " ")) else {
                    assert!(label.is_empty(), "{text}: the asker is challenged");
                    continue;
                };
                assert!(challenge.contains(label), "{label}: {challenge}");
                assert!(!label.is_empty() || !challenge.contains('<'), "{challenge}");
            }
            Never(scope) => {
                let offered = request.ask.map(|ask| ask.offered).unwrap_or_default();
                assert!(!offered.contains(scope), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn the_person_who_is_named_is_meant_and_nobody_else() {
    let world = world().await;
    world.live(hold(&world, CASES)).await;
}

#[tokio::test]
async fn whoever_is_joined_to_the_first_one_is_not_dropped() {
    let world = world().await;
    world.live(hold(&world, JOINED)).await;
}

/// The same wish in other words would join: each letter has a world of its own.
#[tokio::test]
async fn one_wish_is_offered_whatever_is_said_beside_it() {
    for case in SINGLE {
        let world = world().await;
        world.live(hold(&world, std::slice::from_ref(case))).await;
    }
}

/// Who has read the letter knows whom it means, however many it names.
#[tokio::test]
async fn an_operator_says_who_of_those_joined_is_meant() {
    let world = world().await;
    world
        .live(async {
            let text = "Please delete the profile of Una Miller and the one of Anna Garrido.";
            let case = opens(&world, OWNER, ("Erasure", text)).await;
            assert_eq!(world.stored(case).await.request.review, Some(ReviewReason::UnclearTarget));
            let target = Some("Una Miller".to_owned());
            let target = Correction { scope: Some(Scope::User), target, ..Correction::default() };
            let operator = world.operator("operator");
            operate::correct(&world.house, &world.reference(case).await, &operator, target).await.unwrap();
            world.settle().await;
            let request = world.stored(case).await.request;
            assert_eq!(request.ask.expect("the owner is asked").offered, [Scope::User]);
        })
        .await;
}

/// An account that is somebody else's by the words is never offered as the owner's own.
#[tokio::test]
async fn the_account_of_somebody_else_is_not_the_owners() {
    let world = world().await;
    let texts = [
        "Delete my employee Bob's account please.",
        "Our employee Bob has left us. Please delete his account.",
        "Please delete the account of Bob.",
        "Please delete my assistant's account.",
        "Please close my wife's account.",
        "Please delete the account of my former business partner.",
        "Bitte löschen Sie das Konto von Herrn Krause.",
        "Bitte löschen Sie das Konto meiner Frau.",
        "Veuillez supprimer le compte de M. Dupont, il est parti.",
        "Mon assistante est partie. Merci de supprimer son compte.",
        "Mi asistente se ha ido. Por favor, eliminen su cuenta.",
    ];
    let cases = texts.map(|text| (OWNER, text, UNCLEAR));
    world.live(hold(&world, &cases)).await;
}

/// The same wish in other words would join: each letter has a world of its own.
#[tokio::test]
async fn the_owners_own_account_is_offered() {
    for text in [
        "Please delete my account.",
        "Please close our account.",
        "Hiermit bitte ich um die Kündigung meines Kontos.",
        "Bitte löschen Sie mein Konto bei Ihnen.",
        "Merci de supprimer mon compte de votre site.",
        "Quiero eliminar mi cuenta de su base.",
        "Dear Customer Service, please delete my user account.",
    ] {
        let world = World::sqlite().await;
        world.live(hold(&world, &[(OWNER, text, Asked(&[Scope::Account], ""))])).await;
    }
}

#[tokio::test]
async fn a_general_wish_of_an_owner_is_asked_by_two_codes() {
    let world = World::sqlite().await;
    world
        .live(async {
            let case = opens(&world, OWNER, ("My data", "Hello,\r\n\r\nplease delete my data.")).await;
            assert_eq!(world.stored(case).await.request.ask.unwrap().offered, [Scope::Data, Scope::Account]);
            let asked = world.fresh(OWNER).pop().expect("a challenge");
            let codes: std::collections::BTreeSet<_> =
                asked.text.lines().filter_map(|line| line.split_once("Code: ")).collect();
            assert_eq!(
                codes.iter().map(|(_, code)| code).collect::<std::collections::BTreeSet<_>>().len(),
                2,
                "{}",
                asked.text
            );
        })
        .await;
}

/// "The profile of" somebody whom nobody found is never the account of the owner who wrote.
#[tokio::test]
async fn an_owner_who_means_a_profile_is_never_offered_the_account() {
    let world = world().await;
    let texts = ["Please delete the user profile of Anna Garrido.", "Please delete the user profile."];
    world.live(hold(&world, &texts.map(|text| (OWNER, text, Never(Scope::Account))))).await;
}
