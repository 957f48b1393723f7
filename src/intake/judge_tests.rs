//! Sentences of our own, written without looking at any corpus: what is opened, what is not, and with what scope.

use super::*;
use crate::intake::intent::Disposition;
use crate::intake::lexicon::for_tests;

fn verdict_of(text: &str) -> Verdict {
    judge(&Texts::of(None, text, for_tests()))
}

/// What is asked for, where it needs no person to say so.
fn intent_of(text: &str) -> Intent {
    let verdict = verdict_of(text);
    assert!(!verdict.is_unclear(), "{text}: {verdict:?}");
    verdict.intent
}

#[test]
fn closes_an_account() {
    for text in [
        "Hi team, kindly terminate my account and wipe all info you keep on me.",
        "Can my account be deleted please?",
        "Would it be possible to delete my account?",
        "My account - delete it, please.",
        "Close my account permanently.",
        "Please delete the account registered to bob@example.net",
        "Bitte löscht meinen Account.",
        "Bitte loeschen Sie mein Konto und alle dazugehoerigen Daten",
        "Mein Konto bitte auflösen und alles löschen, danke.",
        "Je souhaite supprimer mon compte.",
        "Bonjour, veuillez clôturer mon compte et supprimer mes données.",
        "Quiero eliminar mi cuenta.",
        "Solicito la baja de mi cuenta y la eliminación de mis datos.",
        "Den de baja mi cuenta, por favor.",
        "I no longer wish to have an account here. Please delete.",
    ] {
        assert_eq!(intent_of(text), Intent::ErasureAccount, "{text}");
    }
}

#[test]
fn removes_a_profile() {
    for text in [
        "Our employee Jane Miller has left. Please delete her user profile.",
        "Please remove the user jane.miller@example.com from our workspace and erase her data.",
        "Ich möchte mein Profil löschen lassen.",
        "Unser Mitarbeiter Max Huber ist ausgeschieden, bitte löschen Sie sein Benutzerprofil.",
        "Veuillez supprimer l'utilisateur Paul Durand, il ne travaille plus chez nous.",
        "Por favor eliminen al usuario Pedro Gómez, ya no trabaja con nosotros.",
    ] {
        assert_eq!(intent_of(text), Intent::ErasureProfile, "{text}");
    }
}

#[test]
fn erases_an_end_user() {
    for text in [
        "One of our clients, john@client.example, asked us to delete his data. Please erase it in your system.",
        "Eine Kundin von uns, eva@kunde.example, verlangt die Löschung ihrer Daten.",
        "Une de nos clientes demande la suppression de ses données : marie@client.example",
        "Una clienta nuestra, ana@cliente.example, ha pedido que se borren sus datos.",
    ] {
        assert_eq!(intent_of(text), Intent::ErasureEndUser, "{text}");
    }
}

#[test]
fn erases_named_data() {
    for text in [
        "Please delete my phone number and my date of birth. Keep the account.",
        "Bitte löschen Sie meine Telefonnummer, der Rest kann bleiben.",
        "Könnten Sie bitte meine Kreditkartendaten entfernen?",
        "Supprimez mon numéro de téléphone s'il vous plaît, mais gardez mon compte.",
        "Borren mi número de teléfono pero mantengan mi cuenta.",
    ] {
        assert_eq!(intent_of(text), Intent::ErasureSpecificData, "{text}");
    }
}

#[test]
fn erases_my_data() {
    for text in [
        "could u plz get my data off your servers",
        "I don't want you to store my data any more.",
        "Under the GDPR I have the right to have my data deleted. I would like to make use of that right.",
        "Please remove all my personal details from your database.",
        "Hallo, ich will, dass ihr alle meine Daten löscht.",
        "Hiermit fordere ich Sie auf, alle zu meiner Person gespeicherten Daten zu löschen.",
        "Ich nutze Ihren Dienst nicht mehr, bitte entfernen Sie mich aus Ihrem System.",
        "Merci de bien vouloir effacer toutes mes données personnelles.",
        "Je vous demande la suppression de toutes les informations que vous avez sur moi.",
        "Por favor, borren todos mis datos personales.",
        "Ejerzo mi derecho de supresión conforme al artículo 17 del RGPD.",
    ] {
        assert_eq!(intent_of(text), Intent::ErasureGeneric, "{text}");
    }
}

#[test]
fn questions_reports_and_other_wishes_erase_nothing() {
    for text in [
        "How long do you keep deleted accounts?",
        "Is it possible to delete a project without deleting my account?",
        "I deleted my account by accident. Can you bring it back?",
        "Somebody deleted my data, why?",
        "When I delete a contact, does it also disappear on the phone?",
        "Please remove the VAT from my invoice.",
        "Please delete order 4711, I ordered twice.",
        "Your app deleted all my photos!!! I want them back.",
        "I want to change my e-mail address.",
        "Wie kann ich einen Artikel aus dem Warenkorb löschen?",
        "Was passiert mit meinen Daten, wenn ich kündige?",
        "Mein Konto wurde gelöscht, warum?",
        "Bitte löschen Sie mein Konto nicht, ich brauche es noch.",
        "Ihre App hat alle meine Bilder gelöscht. Bitte stellen Sie sie wieder her.",
        "Comment puis-je supprimer un article de mon panier ?",
        "Pourquoi mon compte a-t-il été supprimé ?",
        "J'ai supprimé mon compte par erreur, pouvez-vous le rétablir ?",
        "¿Cómo puedo borrar un mensaje?",
        "Mi cuenta ha sido eliminada sin motivo, ¿por qué?",
        "He borrado mi cuenta por error, ¿pueden recuperarla?",
        "Combien de temps gardez-vous les données ?",
        "Can you remove the block on my account?",
        "My account was closed yesterday and I cannot log in.",
        "Please close my ticket.",
        "Please cancel my order.",
        "Bitte entfernen Sie die Mahngebühr von meinem Konto.",
        "Please remove the charge from my account.",
        "Merci de retirer cet article de ma commande.",
        "Por favor quiten el cargo de mi cuenta.",
    ] {
        let verdict = verdict_of(text);
        assert!(!verdict.opens() && !verdict.is_unclear(), "{text}: {verdict:?}");
    }
}

#[test]
fn takes_a_request_back() {
    for text in [
        "Please stop the deletion of my account.",
        "I asked you to delete my account last week. Please cancel my request, I want to stay.",
        "Ich möchte meinen Löschantrag zurückziehen.",
        "Bitte stoppen Sie die Löschung meines Kontos.",
        "Ich habe es mir anders überlegt, bitte löschen Sie mein Konto nicht.",
        "Je souhaite annuler ma demande de suppression.",
        "Quiero cancelar mi solicitud de eliminación.",
    ] {
        assert_eq!(intent_of(text), Intent::Withdraw, "{text}");
    }
}

#[test]
fn a_consent_or_a_contract_that_is_taken_back_is_no_request_taken_back() {
    for text in [
        "I withdraw my consent and request the deletion of all my personal data under Art. 17 GDPR.",
        "Please cancel my account and confirm the deletion of my data.",
        "Ich widerrufe meine Einwilligung und verlange Löschung meiner Daten nach Art. 17 DSGVO.",
        "Je retire mon consentement et demande la suppression de mes données.",
        "Retiro mi consentimiento y solicito la eliminación de mis datos.",
        "Quiero cancelar mi cuenta y la eliminación de todos mis datos.",
    ] {
        assert!(intent_of(text).is_erasure(), "{text}");
    }
    let torn =
        judge(&Texts::of(None, "I have changed my mind about your service. Please delete my account.", for_tests()));
    assert_eq!((torn.disposition, torn.intent), (Disposition::Review, Intent::ErasureAccount));
    assert_eq!(torn.also, [Intent::Withdraw]);
    assert_eq!(intent_of("Please cancel my order 4711."), Intent::CancelContract);
}

#[test]
fn half_a_word_of_a_neighbouring_language_asks_for_nothing() {
    // "Ta bort" and "konto" are Norwegian too; that the account is only the place is said in Swedish.
    assert_eq!(intent_of("Kan ni ta bort spärren från mitt konto?"), Intent::Ordinary);
    assert_eq!(intent_of("Eliminar perfil, por favor."), Intent::ErasureProfile);
}

#[test]
fn an_account_that_shall_stay_is_not_closed() {
    let kept = "Graag mijn abonnement stopzetten, maar mijn account wil ik houden.";
    assert!(!intent_of(kept).is_erasure(), "{kept}");
}

#[test]
fn a_language_that_was_not_measured_goes_to_a_person() {
    let text =
        "[groups]\nerase_verb = [\"удал*\"]\naccount_mine = [\"(мой|наш) аккаунт\"]\nrequest = [\"пожалуйста\"]\n";
    let lexicon = Lexicon::compile([(Tongue::Fr, text)].into_iter()).unwrap();
    let verdict = judge(&Texts::of(None, "Пожалуйста, удалите мой аккаунт.", &lexicon));
    assert_eq!((verdict.disposition, verdict.intent), (Disposition::Review, Intent::ErasureAccount));
    assert_eq!(verdict.reasons[0].rule, "fr.unmeasured");
    assert_eq!(judge(&Texts::of(None, "Пожалуйста, не знаю. Мой аккаунт!", &lexicon)).intent, Intent::Ordinary);
}

#[test]
fn a_neighbour_does_not_judge_words_that_the_language_of_the_text_knows() {
    let slovak =
        "[groups]\nclose_verb = [\"zruš*\"]\naccount = [\"účet\"]\ndone = [\"bol … zrušený\"]\nown = [\"môj\"]\n";
    let czech = "[groups]\nclose_verb = [\"zruš*\"]\naccount = [\"účet\"]\nrequest = [\"prosím\"]\n";
    let judged = |text: &str, files: &[(Tongue, &str)]| {
        let lexicon = Lexicon::compile(files.iter().copied()).unwrap();
        judge(&Texts::of(None, text, &lexicon)).disposition
    };
    let text = "Môj účet bol zrušený, prosím obnovte ho.";
    assert_eq!(judged(text, &[(Tongue::Cs, czech)]), Disposition::Review);
    assert_eq!(judged(text, &[(Tongue::Cs, czech), (Tongue::Sk, slovak)]), Disposition::Ignore);
    assert_eq!(judged("Zrušte účet prosím.", &[(Tongue::Cs, czech), (Tongue::Sk, slovak)]), Disposition::Review);
}

/// Several people, or somebody called by no more than an address: never ignored, and never opened for a part of them.
#[test]
fn several_people_and_bare_addresses_go_to_a_person() {
    for text in [
        "Please delete the users Jonas Dahl and Katja Eriksen.",
        "Please delete the following users:\n- Jonas Dahl\n- Katja Eriksen",
        "Please remove these employees from our account: Jonas Dahl, Katja Eriksen.",
        "Please delete both users.",
        "Please delete all users except Jonas Dahl.",
        "Please delete my colleagues Jonas Dahl and Katja Eriksen.",
        "Please delete the user Jonas Dahl. Also delete the employees Katja Eriksen and Rosa Eriksen.",
        "Bitte löschen Sie die Benutzer Jonas Dahl und Katja Eriksen.",
        "Bitte löschen Sie unsere Kunden Jonas Dahl und Katja Eriksen.",
        "Bitte die Benutzer Jonas Dahl und Katja Eriksen löschen.",
        "Veuillez supprimer les utilisateurs Jonas Dahl et Katja Eriksen.",
        "Merci de supprimer nos clients Jonas Dahl et Katja Eriksen.",
        "Por favor, eliminen a los usuarios Jonas Dahl y Katja Eriksen.",
        "Por favor, eliminen a nuestros clientes Jonas Dahl y Katja Eriksen.",
        "Please delete rosa@example.org",
        "Please delete rosa@example.org and jonas@example.org.",
        "Bitte löschen Sie rosa@example.org.",
        "Bitte rosa@example.org löschen.",
        "Merci de supprimer rosa@example.org.",
        "Por favor, eliminen a rosa@example.org.",
    ] {
        let verdict = verdict_of(text);
        assert!(verdict.is_unclear(), "{text}: {verdict:?}");
    }
    for text in ["Please delete the comma and the dash.", "Please remove rosa@example.org from the mailing list."] {
        let verdict = verdict_of(text);
        assert!(!verdict.opens() && !verdict.is_unclear(), "{text}: {verdict:?}");
    }
}

#[test]
fn an_end_user_is_an_object_of_a_verb_of_erasing() {
    for text in [
        "Please delete our customer Rosa Eriksen.",
        "Bitte löschen Sie unseren Kunden Rosa Eriksen.",
        "Bitte unsere Kundin Rosa Eriksen löschen.",
        "Merci de supprimer notre client Rosa Eriksen.",
        "Por favor, eliminen a nuestra clienta Rosa Eriksen.",
    ] {
        assert_eq!(intent_of(text), Intent::ErasureEndUser, "{text}");
    }
}

/// What stands joined to named data is named as well, or goes to a person.
#[test]
fn what_is_joined_to_named_data_is_not_dropped() {
    for text in [
        "Please delete my phone number and my badge.",
        "Please delete my badge and my phone number.",
        "Please delete my phone number and badge.",
        "Please delete my phone number, my badge.",
        "Please delete my name and my phone number.",
        "Bitte löschen Sie meine Telefonnummer und meinen Spitznamen.",
        "Merci de supprimer mon numéro de téléphone et mon surnom.",
        "Por favor, borren mi número de teléfono y mi apodo.",
    ] {
        let verdict = verdict_of(text);
        assert!(verdict.is_unclear(), "{text}: {verdict:?}");
    }
    for text in [
        "Please delete my phone number and my address.",
        "Please delete my address and my phone number.",
        "Bitte löschen Sie meine Telefonnummer und meine Adresse.",
        "Bitte löschen Sie meine Telefonnummer und meine Anschrift.",
        "Merci de supprimer mon numéro de téléphone et mon adresse postale.",
        "Por favor, borren mi número de teléfono y mi dirección postal.",
        "Please delete my phone number, thanks.",
    ] {
        assert_eq!(intent_of(text), Intent::ErasureSpecificData, "{text}");
    }
}
