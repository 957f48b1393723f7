//! Who is no owner and asks for what is the whole company's is never offered their own as if it were all.

use std::time::Duration;

use expunged::db::deliveries::Disposition;
use expunged::domain::request::ReviewReason;
use expunged::domain::{Scope, State};
use expunged::flow::operate::{self, Correction};

use super::{OWNER, USER, meant, opens, write};
use crate::support::world::World;

const GUEST: &str = "guest1@guest.example";

/// Letters of users, and of an end-user: their own is not what they ask for, and the table lets them close no account.
const OF_ALL: &[(&str, &str)] = &[
    (USER, "please close the account of our company."),
    (USER, "please delete the whole account of Müller GmbH."),
    (USER, "cancel our company account and erase everything."),
    (USER, "please close our account."),
    (USER, "please erase our data."),
    (USER, "please delete all data of our company."),
    (USER, "our company's account is not needed any more. Please delete it."),
    (USER, "please delete all our accounts."),
    (USER, "bitte löschen Sie das Konto unserer Firma."),
    (USER, "bitte löschen Sie das gesamte Konto der Müller GmbH."),
    (USER, "bitte löschen Sie unser Firmenkonto mit allen Daten."),
    (USER, "merci de supprimer le compte de notre société."),
    (USER, "merci de supprimer notre compte et toutes nos données."),
    (USER, "por favor, eliminen la cuenta de nuestra empresa."),
    (USER, "verwijder alstublieft het account van ons bedrijf."),
    (GUEST, "please close the account of the company, with everything in it."),
    (GUEST, "please delete our account."),
    (USER, "our company is closing. Please delete the account."),
    (USER, "we are shutting down the business, delete everything you hold on us."),
    (USER, "my company is being dissolved. Please delete the account."),
    (USER, "our shop has closed down, please erase all data."),
    (USER, "unsere Firma schließt. Bitte löschen Sie das Konto."),
    (USER, "wir geben unser Geschäft auf. Bitte löschen Sie alles."),
    (USER, "notre société ferme. Merci de supprimer le compte."),
    (USER, "nuestra empresa cierra. Por favor, eliminen la cuenta."),
    (USER, "la nostra azienda chiude. Vi prego di cancellare l'account."),
    (USER, "ons bedrijf stopt. Verwijder alstublieft het account."),
];

async fn reviewed(world: &World, from: &str, (subject, text): (&str, &str)) {
    world.clock.advance(Duration::from_secs(3_700));
    // The same wish in other words joins the one that is open.
    let (disposition, case) = write(world, from, (subject, text)).await;
    assert!(matches!(disposition, Disposition::Opened | Disposition::Joined), "{text}: {disposition}");
    let request = world.stored(case.unwrap()).await.request;
    assert_eq!(request.state, State::NeedsReview, "{text}: {:?}", request.ask);
    assert_eq!(request.review, Some(ReviewReason::Policy), "{text}");
    assert!(!world.fresh(from).iter().any(|letter| letter.subject.contains("confirm")), "{text}");
}

#[tokio::test]
async fn who_asks_for_the_account_of_the_company_is_not_offered_their_own() {
    let world = meant::world().await;
    world
        .live(async {
            for (from, text) in OF_ALL {
                reviewed(&world, from, ("Erasure", &format!("Hello,\r\n\r\n{text}"))).await;
            }
            reviewed(&world, USER, ("Our company account", "Hello,\r\n\r\nplease close the account.")).await;
        })
        .await;
}

/// "My account" of a user is their own profile, and another wish than the account of the company.
#[tokio::test]
async fn a_users_own_account_is_their_profile() {
    for text in [
        "please delete my account.",
        "please delete my account, I have left the company.",
        "please delete my user account at Müller GmbH. Our company does not need me any more.",
        "please remove my user profile from our account.",
        "bitte löschen Sie mein Konto, ich habe die Firma verlassen.",
        "our company is closing. Please delete my account.",
        "your shop is closed on Sundays. Please delete the account.",
    ] {
        let world = World::sqlite().await;
        world
            .live(async {
                let own = opens(&world, USER, ("Erasure", &format!("Hello,\r\n\r\n{text}"))).await;
                let request = world.stored(own).await.request;
                assert_eq!(request.ask.expect(text).offered, [Scope::User], "{text}");
                world.clock.advance(Duration::from_secs(3_700));
                let all = opens(&world, USER, ("Erasure", "Hello,\r\n\r\nplease delete our account.")).await;
                assert_ne!(own, all);
            })
            .await;
    }
}

/// Where the account of the company is only the place, what is in it is asked for, and neither the account nor more of it.
#[tokio::test]
async fn what_is_in_the_account_of_the_company_is_asked_for_alone() {
    for (from, text, scope) in [
        (USER, "Löschen Sie bitte meine Telefonnummer aus dem Firmenkonto.", Scope::Data),
        (OWNER, "Löschen Sie bitte meine Telefonnummer im Konto unserer Firma.", Scope::Data),
        (USER, "Veuillez supprimer mon numéro de téléphone du compte de la société.", Scope::Data),
        (OWNER, "Por favor, borren mi número de teléfono de la cuenta de la empresa.", Scope::Data),
        (USER, "Borren mi perfil de la cuenta de la empresa.", Scope::User),
    ] {
        let world = World::sqlite().await;
        world
            .live(async {
                let case = opens(&world, from, ("Hello", text)).await;
                let request = world.stored(case).await.request;
                assert_eq!(request.ask.expect(text).offered, [scope], "{text}");
            })
            .await;
    }
}

/// For the owner the account of the company is the account; that of another company is nobody's whom they may speak for.
#[tokio::test]
async fn an_owner_closes_their_own_account_and_no_other() {
    for text in [
        "please close the account of our company.",
        "bitte löschen Sie unser Firmenkonto.",
        "please close our account.",
        "bitte löschen Sie das Konto unserer Firma.",
        "our company is closing. Please delete the account.",
        "we are shutting down the business, delete everything you hold on us.",
        "unsere Firma schließt. Bitte löschen Sie alle Daten.",
    ] {
        let world = meant::world().await;
        world
            .live(async {
                let case = opens(&world, OWNER, ("Erasure", &format!("Hello,\r\n\r\n{text}"))).await;
                let request = world.stored(case).await.request;
                assert_eq!(request.ask.expect(text).offered, [Scope::Account], "{text}");
            })
            .await;
    }
    let world = meant::world().await;
    world
        .live(async {
            for text in [
                "please close the account of Müller GmbH.",
                "please close the account with the account number a2.",
                "please delete the account a2 of the other company, customer number 4711.",
                "please close the account of owner2@team.example.",
            ] {
                world.clock.advance(Duration::from_secs(3_700));
                let case = opens(&world, OWNER, ("Erasure", &format!("Hello,\r\n\r\n{text}"))).await;
                let request = world.stored(case).await.request;
                assert_eq!(request.review, Some(ReviewReason::UnclearTarget), "{text}: {:?}", request.ask);
            }
        })
        .await;
}

/// Who has read the letter may say that the profile is meant; then the asker, and the owner after them, are asked for that.
#[tokio::test]
async fn an_operator_says_that_the_profile_is_meant() {
    let world = World::sqlite().await;
    world
        .live(async {
            let case = opens(&world, USER, ("Erasure", "Please close our account.")).await;
            assert_eq!(world.stored(case).await.request.review, Some(ReviewReason::Policy));
            let profile = Correction { scope: Some(Scope::User), ..Correction::default() };
            let operator = world.operator("operator");
            operate::correct(&world.house, &world.reference(case).await, &operator, profile).await.unwrap();
            world.settle().await;
            let ask = world.stored(case).await.request.ask.expect("the asker is challenged");
            assert_eq!((ask.offered, ask.approval), (vec![Scope::User], true));
        })
        .await;
}
