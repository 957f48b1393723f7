//! The letters that arrive in the demo, and how their writers answer.

use super::shop::{Person, Shop};
use crate::intake::Intent;

/// What the writer does when one of our letters reaches them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Types the first code of the letter.
    Code,
    /// Types the code of the whole account where two are offered.
    AccountCode,
    /// Answers "yes" in their language above the quoted letter.
    Yes,
    /// Says that it was not them.
    NotMe,
    /// Their mail program answers that they are away.
    Away,
    /// Confirms, then takes it back when told the date.
    ChangesMind,
    /// Never answers.
    Silent,
}

/// What must have become of a letter when the demo ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A request of a letter that was understood so, which ended in this state.
    Request(Intent, &'static str),
    /// A letter that opened none, with this disposition, left unread and in place.
    Letter(&'static str),
}

/// One letter of the demo.
#[derive(Clone, Debug)]
pub struct Story {
    /// A short name for the table.
    pub title: &'static str,
    /// The visible sender.
    pub from: Person,
    /// The subject.
    pub subject: &'static str,
    /// The text.
    pub text: String,
    /// Headers beside the usual ones.
    pub headers: &'static [&'static str],
    /// Who answers our letters, and how.
    pub habit: Habit,
    /// What must have become of it.
    pub expected: Expected,
}

/// The stories in the order in which their letters arrive.
#[expect(clippy::too_many_lines, reason = "a list of letters, one after the other")]
pub fn stories(shop: &Shop) -> anyhow::Result<Vec<Story>> {
    let plain = |title, from: Person, subject, text: String, habit, expected| Story {
        title,
        from,
        subject,
        text,
        headers: &[],
        habit,
        expected,
    };
    let colleague = shop.user(5, 1)?;
    let guest = shop.end_user(9, 2)?;
    let stranger = Person {
        id: 0,
        account: 0,
        name: "Nobody Known".to_owned(),
        email: "nobody.known@elsewhere.example".to_owned(),
    };
    Ok(vec![
        plain(
            "owner closes the account",
            shop.user(1, 0)?,
            "Please close my account",
            "Hello,\n\nplease delete my account and all data that belongs to it.\n\nThank you".to_owned(),
            Habit::Code,
            Expected::Request(Intent::ErasureAccount, "completed"),
        ),
        plain(
            "owner deletes a user by name",
            shop.user(5, 0)?,
            "Delete a user profile",
            format!("Hello,\n\nplease delete the user profile of our colleague {}. She left us.\n\nBest regards", colleague.name),
            Habit::Yes,
            Expected::Request(Intent::ErasureProfile, "completed"),
        ),
        plain(
            "user deletes an end-user",
            shop.user(9, 1)?,
            "Erasure of a customer's data",
            format!("Hello,\n\nour customer {} <{}> asks us to erase their personal data. Please delete this customer's data.\n\nRegards", guest.name, guest.email),
            Habit::Yes,
            Expected::Request(Intent::ErasureEndUser, "completed"),
        ),
        plain(
            "named data only",
            shop.user(13, 0)?,
            "Delete my phone number",
            "Hi,\n\nplease delete my phone number from your records, but keep my account as it is.\n\nThanks".to_owned(),
            Habit::Yes,
            Expected::Request(Intent::ErasureSpecificData, "completed"),
        ),
        plain(
            "general: delete my data",
            shop.user(17, 0)?,
            "Delete my data",
            "Hello,\n\nplease delete all my personal data under Article 17 GDPR.\n\nRegards".to_owned(),
            Habit::AccountCode,
            Expected::Request(Intent::ErasureGeneric, "completed"),
        ),
        plain(
            "German owner",
            shop.user(2, 0)?,
            "Kündigung und Löschung meines Kontos",
            "Guten Tag,\n\nbitte löschen Sie mein Konto und alle dazugehörigen Daten.\n\nMit freundlichen Grüßen".to_owned(),
            Habit::Code,
            Expected::Request(Intent::ErasureAccount, "completed"),
        ),
        plain(
            "French user, own profile",
            shop.user(3, 1)?,
            "Suppression de mon profil",
            "Bonjour,\n\nje vous prie de supprimer mon profil utilisateur ainsi que les données associées.\n\nCordialement".to_owned(),
            Habit::Yes,
            Expected::Request(Intent::ErasureProfile, "completed"),
        ),
        plain(
            "Spanish owner changes their mind",
            shop.user(4, 0)?,
            "Eliminar mi cuenta",
            "Hola:\n\nsolicito que eliminen mi cuenta y todos mis datos.\n\nUn saludo".to_owned(),
            Habit::ChangesMind,
            Expected::Request(Intent::ErasureAccount, "withdrawn"),
        ),
        plain(
            "spoofed owner",
            shop.user(21, 0)?,
            "delete my account",
            "Delete my account now, all of it.".to_owned(),
            Habit::NotMe,
            Expected::Request(Intent::ErasureAccount, "withdrawn"),
        ),
        plain(
            "out of office",
            shop.user(25, 0)?,
            "Please delete my account",
            "Hello,\n\nplease delete my account with everything in it.\n\nRegards".to_owned(),
            Habit::Away,
            Expected::Request(Intent::ErasureAccount, "expired"),
        ),
        plain(
            "end-user asks for themself",
            shop.end_user(29, 0)?,
            "Delete my personal data",
            "Hello,\n\nI want you to delete all my personal data.\n\nBye".to_owned(),
            Habit::Silent,
            Expected::Request(Intent::ErasureGeneric, "forwarded"),
        ),
        plain(
            "unknown address",
            stranger,
            "Delete my account",
            "Please delete my account and my data.".to_owned(),
            Habit::Silent,
            Expected::Request(Intent::ErasureAccount, "not_found"),
        ),
        Story {
            title: "newsletter",
            from: Person { id: 0, account: 0, name: "Weekly".to_owned(), email: "news@weekly.example".to_owned() },
            subject: "Ten things to delete this spring",
            text: "This week: how to delete old photos.\n\nUnsubscribe at the link below.".to_owned(),
            headers: &["List-Id: <weekly.example>", "List-Unsubscribe: <https://weekly.example/u>", "Precedence: bulk"],
            habit: Habit::Silent,
            expected: Expected::Letter("newsletter"),
        },
        plain(
            "ordinary question",
            shop.user(33, 1)?,
            "Invoice for March",
            "Hello,\n\ncould you send me the invoice for March once more?\n\nThanks".to_owned(),
            Habit::Silent,
            Expected::Letter("ordinary"),
        ),
    ])
}
