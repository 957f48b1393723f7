//! Limits as people write them, and what only sounds like one.

use crate::intake::lexicon::for_tests;
use crate::intake::{AnswerIntent, Intake, Limits, read};

fn letter(text: &str) -> Intake {
    let head = "From: <anna@example.org>\r\nSubject: Hello\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    read(format!("{head}{text}\r\n").as_bytes(), for_tests(), &Limits::default())
}

/// The letters that are limited or not other than they should be.
fn wrong(limited: bool, texts: &[&str]) -> Vec<String> {
    let read = texts.iter().map(|text| (text, letter(text)));
    let wrong = read.filter(|(_, letter)| letter.limited != limited || !letter.verdict.intent.is_erasure());
    wrong.map(|(text, letter)| format!("{text}: {}", letter.verdict.intent)).collect()
}

#[test]
fn a_part_that_is_excepted_is_a_limit() {
    let wrong = wrong(
        true,
        &[
            "Please delete my account but keep the orders.",
            "Please delete my account, but keep my invoices.",
            "Delete my account and keep my invoices please.",
            "Please close my account. Keep the invoices.",
            "Please delete all my data except my orders.",
            "Please delete everything about me, except for the invoices of 2025.",
            "Delete my account with the exception of the order history.",
            "Please delete my account. Please do not delete my invoices.",
            "I would like you to delete my account. I want to keep my invoices.",
            "Can you delete my account but keep my invoices?",
            "Please erase all my data apart from my name.",
            "Please delete my account. The invoices must stay.",
            "Please delete my search history except the last week.",
            "Lösche bitte mein Konto und alles außer meinen Bestellungen.",
            "Bitte löschen Sie alle meine Daten außer den Rechnungen.",
            "Bitte löschen Sie mein Konto, aber behalten Sie meine Rechnungen.",
            "Bitte löschen Sie mein Konto. Meine Rechnungen möchte ich behalten.",
            "Bitte löschen Sie mein Konto bis auf die Bestellungen.",
            "Löschen Sie mein Konto, aber nicht meine Rechnungen.",
            "Ich bitte um Löschung meiner Daten mit Ausnahme der Rechnungen.",
            "Bitte löschen Sie mein Konto. Die Bestellungen sollen erhalten bleiben.",
            "Merci de supprimer mon compte mais gardez mes factures.",
            "Veuillez supprimer toutes mes données, sauf mes commandes.",
            "Supprimez mon compte, à l'exception de mes factures.",
            "Je demande la suppression de mon compte. Je souhaite conserver mes factures.",
            "Merci de supprimer mon compte, mais pas mes commandes.",
            "Por favor eliminen mi cuenta pero conserven mis facturas.",
            "Por favor, borren todos mis datos excepto los pedidos.",
            "Eliminen mi cuenta, salvo mis facturas.",
            "Quiero eliminar mi cuenta. Quiero conservar mis facturas.",
            "Por favor, borren todos mis datos menos mis pedidos.",
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_only_sounds_like_a_limit_is_none() {
    let wrong = wrong(
        false,
        &[
            "Please delete my account, but please confirm.",
            "Please delete my account but let me know when it is done.",
            "Please delete everything about me, but keep in mind that I have moved.",
            "Please delete my account and keep me posted.",
            "Please delete my account without exception.",
            "I do not want you to keep my data. Please delete my account.",
            "You have no right to keep my data. Please delete my account.",
            "There is no reason for you to keep the data any longer. Please delete my account.",
            "Please delete my account. If you must keep any data, tell me why.",
            "Please delete all my data except what you must keep by law.",
            "Please delete all my data. Except for data that you are legally required to retain, nothing may stay.",
            "Please delete my account and leave me alone.",
            "Apart from that, thank you for everything. Please delete my account.",
            "Please delete my phone number, but keep my account.",
            "Please delete my phone number. Everything else can stay.",
            "Bitte löschen Sie mein Konto, aber bestätigen Sie mir das bitte.",
            "Außerdem bitte ich um eine Bestätigung. Bitte löschen Sie mein Konto.",
            "Bitte löschen Sie alle meine Daten außer denen, die Sie gesetzlich aufbewahren müssen.",
            "Sie dürfen meine Daten nicht behalten. Bitte löschen Sie mein Konto.",
            "Bitte löschen Sie meine Telefonnummer, der Rest kann bleiben.",
            "Merci de supprimer mon compte, mais merci de me le confirmer.",
            "Sauf erreur de ma part, je n'ai pas eu de réponse. Merci de supprimer mon compte.",
            "Je ne veux pas que vous gardiez mes données. Merci de supprimer mon compte.",
            "Merci de supprimer toutes mes données sauf celles que la loi vous impose de conserver.",
            "Por favor eliminen mi cuenta, pero confírmenmelo.",
            "No quiero que conserven mis datos. Por favor eliminen mi cuenta.",
            "Eliminen al menos mis datos personales, por favor.",
            "Borren mi número de teléfono pero mantengan mi cuenta.",
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a letter means by a time, a condition or a kind stands with the sentences of each language; here what is easily
/// taken for one.
#[test]
fn what_is_only_to_be_told_or_is_past_is_no_limit() {
    let wrong = wrong(
        false,
        &[
            "Please delete my account and send me a confirmation when you have deleted everything.",
            "Please delete my account, as I requested on 3 May 2024.",
            "I have been a customer since 2015. Please delete my account.",
            "Please delete my account as soon as possible.",
            "Please delete my account by the end of the month.",
            "Please delete my phone number, not my account.",
            "Bitte löschen Sie mein Konto und bestätigen Sie mir, wenn die Löschung erfolgt ist.",
            "Bitte löschen Sie mein Konto innerhalb von 30 Tagen.",
            "Ich wäre dankbar, wenn Sie mein Konto löschen.",
            "Merci de supprimer mon compte et de m'informer quand la suppression est faite.",
            "Merci de supprimer mon compte avant le 31 décembre.",
            "Eliminen mi cuenta y confírmenlo cuando mi cuenta esté eliminada.",
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_yes_with_a_limit_is_no_yes() {
    for text in [
        "Yes, but keep my invoices.",
        "Yes, delete everything except my orders.",
        "Yes please delete my account but keep my account data. 7K3QM2",
        "Yes. Keep the invoices.",
        "Ja, aber behalten Sie meine Rechnungen.",
        "Ja, löschen Sie alles außer meinen Bestellungen. 7K3QM2",
        "Oui, mais gardez mes factures.",
        "Oui, supprimez tout sauf mes commandes.",
        "Sí, pero conserven mis facturas.",
        "Sí, borren todo excepto los pedidos. 7K3QM2",
        "Yes, once my last order has arrived.",
        "Yes, delete it after you have refunded me. 7K3QM2",
        "Yes, but not before 31 December.",
        "Ja, aber erst nach dem 31. Dezember.",
        "Ja, sobald meine Bestellung da ist. 7K3QM2",
        "Oui, mais pas avant le 31 décembre.",
        "Oui, une fois que ma commande est arrivée.",
        "Sí, pero no antes del 31 de diciembre.",
    ] {
        let letter = letter(text);
        assert_eq!((letter.answer.intent, letter.limited), (AnswerIntent::Unclear, true), "{text}");
    }
    for text in
        ["Yes.", "Yes, please delete my account.", "7K3QM2", "Ja, bitte löschen Sie mein Konto.", "Oui, je confirme"]
    {
        assert!(!letter(text).limited, "{text}");
    }
}
