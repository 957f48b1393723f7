//! Answers as people write them, and what must never be taken for a yes.

use super::*;
use crate::intake::lexicon::for_tests;

const CODE: &str = "7K3QM2";

fn said(text: &str) -> AnswerIntent {
    said_in(text, for_tests())
}

fn said_in(text: &str, lexicon: &Lexicon) -> AnswerIntent {
    Said::of(text, &Signals::of(text, lexicon), &Names::default(), lexicon).intent
}

fn all_say(intent: AnswerIntent, texts: &[&str]) {
    for text in texts {
        assert_eq!(said(text), intent, "{text}");
    }
}

#[test]
fn a_yes_and_not_a_word_besides() {
    all_say(
        AnswerIntent::Yes,
        &[
            "Ja.",
            "OK",
            "ok, please do it",
            "Yes, please delete it.",
            "Oui, je confirme",
            "sí, adelante",
            "Sí.",
            "si",
            "Confirmo.",
            "Ja, bitte löschen Sie mein Konto.",
            "Yes, that was me. Please go ahead.",
            "Ja, ich bestätige die Löschung.",
            "Je confirme ma demande de suppression.",
            "Confirmo la eliminación de mi cuenta.",
            "YES PLEASE DELETE IT",
            "Yes, code 7K3QM2",
            "I confirm that I want to delete my account. Code: 7K3QM2",
            "Please delete my account. 7K3QM2",
        ],
    );
}

#[test]
fn greeting_good_bye_and_names_take_nothing_from_a_yes() {
    all_say(
        AnswerIntent::Yes,
        &[
            "Hi,\nYES\nThanks\nAnna",
            "Yes.\nAnna",
            "Hallo zusammen,\n\nJa, bitte löschen Sie mein Konto.\n\nMit freundlichen Grüßen\nAnna Müller",
            "Guten Tag Frau Meier,\n\nja, das ist richtig.\n\nLG Anna",
            "Oui, supprimez mon compte s'il vous plaît.\n\nCordialement,\nAnna Durand",
            "Dear support team,\n\nyes, please delete my account\nwith all its data.\n\nBest,\nAnna Miller\nSales\nTel. +49 30 12345",
        ],
    );
}

#[test]
fn what_is_more_or_less_than_a_yes_is_unclear() {
    all_say(
        AnswerIntent::Unclear,
        &[
            "That is not correct.",
            "I'm sure this is a mistake.",
            "Das stimmt nicht.",
            "Das ist ja seltsam.",
            "Je me demande si quelqu'un a fait cette demande…",
            "Sono in ferie fino al 15. Per urgenze si prega di scrivere all'ufficio.",
            "Is this ok",
            "ok can you help me",
            "Ok is my account deleted",
            "OK\nGO TO HELL",
            "Yes?",
            "oui et non",
            "Ja, aber nicht das Konto löschen",
            "Yes, but please wait until March.",
            "Si pueden, borren mi cuenta",
            "Yes, only my phone number please",
            "Where is my parcel?",
            "I have no other questions, thanks.",
            "No tengo más preguntas.",
            "No me ha llegado el código.",
            "Please don't hesitate to contact me.",
            "I changed my mind, please delete my account.",
        ],
    );
}

#[test]
fn a_code_with_anything_beside_it_is_no_yes() {
    all_say(
        AnswerIntent::Unclear,
        &[
            "Ok, but don't delete my account yet! 7K3QM2",
            "Yes, but please wait until March. 7K3QM2",
            "I received code 7K3QM2 from you. This must be a mistake, please ignore it.",
            "Ignore\n7K3QM2",
            "I did not send this. 7K3QM2",
            "Who are you? 7K3QM2",
            "please remove 7K3QM2",
            "End this now. 7K3QM2",
            "Yes forget it",
            "please delete this e-mail, code 7K3QM2",
            "Je confirme que je ne veux pas supprimer mon compte 7K3QM2",
            "Ja bitte löschen Sie alles außer meinem Konto. 7K3QM2",
            "Yes, delete it and send me a copy of my data first. 7K3QM2",
        ],
    );
    all_say(
        AnswerIntent::No,
        &["Absolutely not! 7K3QM2", "Ich möchte nicht, dass mein Konto gelöscht wird. Code 7K3QM2"],
    );
    // A "not" of something else makes no refusal of a wish, and no plain yes either.
    all_say(
        AnswerIntent::Unclear,
        &[
            "Delete my account and do not contact me again. 7K3QM2",
            "Löschen Sie mein Konto und schreiben Sie mir nicht. 7K3QM2",
        ],
    );
}

#[test]
fn a_code_by_itself_or_with_courtesy_says_nothing_else() {
    for text in [
        "7K3QM2",
        "7k3-qm2",
        "Here is the code: 7K3QM2",
        "Code: 7K3QM2 thanks",
        "The code is 7K3 QM2.",
        "No problem, here is the code: 7K3QM2",
        "Hallo,\nhier ist der Code: 7K3QM2\nViele Grüße\nAnna",
        "Bonjour,\nvoici le code : 7K3QM2\nCordialement\nAnna",
        "Hola:\nel código es 7K3QM2\nUn saludo,\nAnna",
    ] {
        let said = Said::of(text, &Signals::of(text, for_tests()), &Names::default(), for_tests());
        assert_eq!((said.intent, said.codes.as_slice()), (AnswerIntent::None, [CODE.to_owned()].as_slice()), "{text}");
    }
    all_say(AnswerIntent::None, &["", "Gern geschehen", "No problem at all, thanks.", "Hello,\nthank you!\nAnna"]);
}

#[test]
fn a_no_is_an_answer_and_no_part_of_another_phrase() {
    all_say(
        AnswerIntent::No,
        &[
            "No.",
            "no",
            "No, thanks",
            "Hello,\nno!\nAnna",
            "No I did not ask for that",
            "Nein danke",
            "Nein, bitte nicht löschen!",
            "Nein das möchte ich nicht",
            "Non, ce n'était pas moi",
            "No, gracias.",
            "STOP",
            "Stopp",
            "Please stop.",
            "Please don't.",
            "Please don't delete my account",
            "forget it 7K3QM2",
            "Absolutely not.",
            "Of course not!",
            "This is not ok with me.",
            "I have not agreed to this.",
            "Ich bin nicht einverstanden.",
            "Je ne suis pas d'accord.",
        ],
    );
}

#[test]
fn takes_a_request_back() {
    all_say(
        AnswerIntent::Withdraw,
        &[
            "Please cancel my deletion request",
            "Please delete my request. 7K3QM2",
            "close this request 7K3QM2",
            "Bitte löschen Sie die Anfrage. 7K3QM2",
            "Merci de supprimer cette demande. 7K3QM2",
            "Por favor eliminen esta solicitud. 7K3QM2",
            "Bitte die Löschung stoppen",
            "Anulen mi solicitud",
        ],
    );
}

#[test]
fn names_of_the_sender_say_nothing_in_any_case() {
    let letter =
        b"From: anna miller <anna.miller@example.org>\r\nIn-Reply-To: <1@x.example>\r\n\r\nyes thanks anna\r\n";
    let intake = crate::intake::read(letter, for_tests(), &crate::intake::Limits::default());
    assert_eq!(intake.answer.intent, AnswerIntent::Yes);
}

/// Whoever is called so: a word of a name is one where it greets or signs, and where it says nothing besides.
#[test]
fn a_name_takes_nothing_from_what_its_words_say() {
    let said = |from: &str, text: &str| {
        let letter = format!("From: {from}\r\nIn-Reply-To: <1@x.example>\r\n\r\n{text}\r\n");
        crate::intake::read(letter.as_bytes(), for_tests(), &crate::intake::Limits::default()).answer.intent
    };
    for (from, text) in [
        ("Will Later <w@shop.example>", "Yes, later"),
        ("Will Later <w@shop.example>", "Yes, thanks, later"),
        ("Will Later <w@shop.example>", "Yes.\r\nLater"),
        ("Klaus Später <k@shop.example>", "Ja, später"),
        ("<anna.tomorrow@shop.example>", "Yes, tomorrow"),
        ("<orders@shop.example>", "Yes, delete the orders"),
        ("Photos Miller <p@shop.example>", "Yes, delete my photos"),
        ("<anna@mail.example>", "Yes, delete that mail"),
        ("<anna@banana.example>", "Yes, banana"),
    ] {
        assert_eq!(said(from, text), AnswerIntent::Unclear, "{from}: {text}");
    }
    for text in ["Yes\r\nWill Later", "Yes, thanks\r\nWill Later", "Hi,\r\nyes.\r\nRegards,\r\nWill"] {
        assert_eq!(said("Will Later <w@shop.example>", text), AnswerIntent::Yes, "{text}");
    }
}

/// "Tak" is a yes in Polish, and thanks in Danish; "da" is none in German.
#[test]
fn a_short_word_is_a_yes_where_its_language_is_known() {
    let read = |text: &str| {
        let letter = format!(
            "From: <anna@example.org>\r\nIn-Reply-To: <1@x.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        );
        crate::intake::read(letter.as_bytes(), for_tests(), &crate::intake::Limits::default()).answer
    };
    for (text, language, other) in [
        ("Tak.", Tongue::Pl, Tongue::De),
        ("Može", Tongue::Hr, Tongue::Pl),
        ("ano", Tongue::Cs, Tongue::Es),
        ("Vale", Tongue::Es, Tongue::It),
    ] {
        let answer = read(text);
        assert_ne!(answer.intent, AnswerIntent::Yes, "{text}");
        assert_eq!(answer.to(language), AnswerIntent::Yes, "{text}");
        assert_eq!(answer.to(other), answer.intent, "{text}");
    }
    let quoted = "On Mon, 5 May 2025 at 10:00, Shop <privacy@shop.example> wrote:\r\n> Czy to Pan prosił o usunięcie konta i wszystkich swoich danych osobowych?\r\n> Proszę odpowiedzieć tak albo nie, dziękujemy, z poważaniem";
    assert_eq!(read(&format!("Tak.\r\n\r\n{quoted}")).intent, AnswerIntent::Yes);
    assert_ne!(read(&format!("Može\r\n\r\n{quoted}")).intent, AnswerIntent::Yes);
    // A code speaks for itself.
    assert_eq!(read("da 7K3QM2").intent, AnswerIntent::None);
}

/// A word that greets somebody may also say whose account it is, and a sign may take a yes back.
#[test]
fn who_is_greeted_is_nobody_whose_account_it_is() {
    all_say(
        AnswerIntent::Unclear,
        &[
            "Ja, löschen Sie das Konto meiner Frau.",
            "Ja, löschen Sie auch das Konto meiner Frau",
            "Yes, delete the team account",
            "Yes, delete Sir's account",
            "Oui, supprimez le compte de madame",
            "Sí, borren la cuenta de la señora",
            "Sì, cancellate l'account della signora",
            "Sim, apaguem a sua conta",
            "Ja, slet deres konto",
            "Áno, vymažte jej údaje",
            "Yes 👎",
            "yes 🙄",
        ],
    );
    all_say(
        AnswerIntent::Yes,
        &[
            "Hello team, yes, please delete my account.",
            "Hi please delete my account, yes",
            "Ja, hallo, bitte löschen Sie mein Konto.",
            "Yes, please delete my account, sir.",
            "Ja, radera kontot. Mvh",
            "Áno, vymažte moje údaje",
            "Yes 👍",
        ],
    );
}

/// "Delete the request" takes it back, whatever yes stands before it.
#[test]
fn a_wish_for_the_code_or_the_request_is_no_yes() {
    for text in [
        "Yes, delete the code",
        "Yes, delete the code 7K3QM2",
        "Yes, delete the confirmation",
        "Yes, delete the following",
        "Yes, delete the code of my account",
        "Ja, löschen Sie den Code",
        "Ja, den Code löschen",
        "Oui, supprimez le code",
        "Tak, usuńcie wniosek",
        "Sim, eliminem o pedido",
        "Ja, radera begäran",
        "Ja, slet anmodningen",
        "Ja, slett forespørselen",
        "Ναι, διαγράψτε το αίτημα",
        "Да, удалите запрос",
        "是的，请删除申请",
    ] {
        assert_ne!(said(text), AnswerIntent::Yes, "{text}");
    }
    all_say(
        AnswerIntent::Yes,
        &[
            "Yes, I request that you delete my account.",
            "I confirm my request to delete my account.",
            "Ja, ich bestätige meine Anfrage, mein Konto zu löschen.",
            "Please delete my account, code 7K3QM2",
            "Yes please delete my account code 7K3QM2",
            "Oui, je demande que vous supprimiez mon compte.",
        ],
    );
}

/// What is thanks in one language stays where it is all that was said.
#[test]
fn a_good_bye_is_not_all_that_an_answer_says() {
    let heard = |text: &str| Said::of(text, &Signals::of(text, for_tests()), &Names::default(), for_tests());
    for text in ["Tak", "Tak.\nAnna", "Dzień dobry,\n\ntak.\n\nPozdrawiam\nAnna"] {
        assert_eq!(heard(text).to(Some(Tongue::Pl)).intent, AnswerIntent::Yes, "{text}");
        assert_eq!(heard(text).to(Some(Tongue::Da)).intent, AnswerIntent::None, "{text}");
    }
    for (text, says) in [("Don't.", AnswerIntent::No), ("Nej\nTak", AnswerIntent::No), ("Ja\nTak", AnswerIntent::Yes)] {
        assert_eq!(heard(text).intent, says, "{text}");
    }
    assert_ne!(said("お世話になっております。\n\nよろしくお願いいたします。"), AnswerIntent::Yes);
}

#[test]
fn only_a_header_takes_the_answer_of_a_machine_away() {
    let read = |head: &str, text: &str| {
        let letter = format!("From: <anna@example.org>\r\nIn-Reply-To: <1@x.example>\r\n{head}\r\n{text}\r\n");
        crate::intake::read(letter.as_bytes(), for_tests(), &crate::intake::Limits::default())
    };
    for (head, text, intent) in [
        ("", "No, do not delete my account. I am on vacation until Monday.", AnswerIntent::No),
        ("Subject: Re: vacation\r\n", "Code: 7K3QM2", AnswerIntent::None),
        ("", "Please cancel my deletion request. I am away until Monday.", AnswerIntent::Withdraw),
    ] {
        let by_words = read(head, text);
        assert_eq!((by_words.machine_proven, by_words.answer.intent), (false, intent), "{text}");
        let proven = read(&format!("{head}Auto-Submitted: auto-replied\r\n"), text);
        assert!(proven.machine.is_some() && proven.machine_proven, "{text}");
        assert_eq!((proven.answer.intent, proven.answer.codes), (AnswerIntent::None, Vec::new()), "{text}");
    }
    let code = read("Subject: Automatic reply\r\n", "Code: 7K3QM2");
    assert!(code.machine.is_some() && !code.machine_proven);
    assert_eq!(code.answer.codes, [CODE]);
}

#[test]
fn who_wants_nothing_erased_asks_to_stop() {
    let asks = |text: &str| {
        let letter = format!(
            "From: <anna@example.org>\r\nSubject: Hello\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        );
        crate::intake::read(letter.as_bytes(), for_tests(), &crate::intake::Limits::default())
    };
    let mut wrong = Vec::new();
    for text in [
        "Please do not delete anything yet.",
        "Please do not erase anything before our invoices are paid.",
        "Hold on, please do not erase anything, we still need the exports from last year.",
        "Ok, but don't delete my account yet.",
        "Please erase nothing for now.",
        "I would like to keep my account after all.",
        "Bitte löschen Sie noch nichts.",
        "Bitte nichts löschen!",
        "Löschen Sie bitte vorerst nichts, wir brauchen die Rechnungen.",
        "Bitte noch nicht löschen.",
        "Ich möchte mein Konto doch noch behalten.",
        "Finalement je souhaite garder mon compte.",
        "Merci de ne rien supprimer pour l'instant.",
        "Ne supprimez rien, s'il vous plaît.",
        "N'effacez pas encore mon compte.",
        "No borren nada, por favor.",
        "No eliminen nada todavía.",
        "Quiero conservar mi cuenta.",
    ] {
        let intake = asks(text);
        let stops = intake.answer.asks_to_stop && !intake.verdict.intent.is_erasure();
        let answers = matches!(intake.answer.intent, AnswerIntent::No | AnswerIntent::Withdraw | AnswerIntent::Unclear);
        if !stops || !answers {
            wrong.push(format!("{text}: {:?} {:?}", intake.verdict.intent, intake.answer));
        }
    }
    for text in [
        "Please delete my phone number, but keep my account.",
        "Please delete my account.",
        "Bitte löschen Sie meine Telefonnummer, mein Konto möchte ich behalten.",
        "Supprimez mon numéro de téléphone s'il vous plaît, mais gardez mon compte.",
        "Borren mi número de teléfono pero mantengan mi cuenta.",
        "Where is my order 4711?",
    ] {
        if asks(text).answer.asks_to_stop {
            wrong.push(format!("{text}: stops"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_condition_is_not_taken_for_a_yes_because_another_language_knows_its_words() {
    let spanish = "[groups]\nyes = [\"si\"]\nconditional = [\"si\"]\nerase_verb = [\"borren\"]\naccount_mine = [\"mi cuenta\"]\n\
        request = [\"pueden\"]\n";
    let another = "[groups]\nanswer_word = [\"pueden\"]\n";
    let lexicon = Lexicon::compile([(Tongue::Es, spanish), (Tongue::Cs, another)].into_iter()).unwrap();
    let said = |text: &str| said_in(text, &lexicon);
    assert_eq!(said("Si, borren mi cuenta"), AnswerIntent::Yes);
    assert_eq!(said("Si pueden, borren mi cuenta"), AnswerIntent::Unclear);
}

#[test]
fn a_yes_in_the_languages_that_we_only_read() {
    all_say(
        AnswerIntent::Yes,
        &[
            "Ano, potvrzuji.",
            "Áno, súhlasím s vymazaním.",
            "Igen, megerősítem.",
            "Da, confirm ștergerea.",
            "Да, потвърждавам.",
            "Ναι, επιβεβαιώνω.",
            "Da, potvrđujem brisanje.",
            "Ja, potrjujem.",
            "Так, підтверджую.",
            "Evet, onaylıyorum.",
            "Да, подтверждаю.",
            "Да, потврђујем.",
            "نعم، أؤكد.",
            "はい、お願いします。",
            "是的，我确认。",
            "是的，我確認。",
        ],
    );
}

#[test]
fn a_no_in_the_languages_that_we_only_read() {
    all_say(
        AnswerIntent::No,
        &[
            "Ne, to jsem nebyl já.",
            "Nie, nežiadal som o to.",
            "Nem én kértem.",
            "Nu, nu am cerut asta.",
            "Не, не бях аз.",
            "Όχι, δεν ήμουν εγώ.",
            "Ne, nisam to tražio.",
            "Ne, tega nisem zahteval.",
            "Ні, це не я.",
            "Hayır, ben değildim.",
            "Нет, это не я.",
            "Не, нисам то тражио.",
            "لا، لست أنا.",
            "いいえ、私ではありません。",
            "不，不是我。",
        ],
    );
}

#[test]
fn a_stop_is_told_from_a_complaint_and_from_a_wish() {
    let mut wrong = Vec::new();
    for line in
        include_str!("../../tests/mail/stops.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (kind, letter) = line.split_once(" | ").unwrap();
        let (subject, text) = letter.split_once(" § ").unwrap_or(("Hello", letter));
        let head =
            "From: <anna@example.org>\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit";
        let bytes = format!("{head}\r\nSubject: {subject}\r\n\r\n{text}\r\n");
        let intake = crate::intake::read(bytes.as_bytes(), for_tests(), &crate::intake::Limits::default());
        let (verdict, stops) = (&intake.verdict, intake.answer.asks_to_stop);
        let is_right = match kind {
            "stop" => stops && !verdict.opens(),
            _ => kind == "on" && !stops && (verdict.opens() || verdict.is_unclear()),
        };
        if !is_right {
            wrong.push(format!("{line}: {stops}, {verdict:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_reference_says_nothing_whatever_it_ends_with() {
    const SYMBOLS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    for (one, other) in SYMBOLS.chars().flat_map(|one| SYMBOLS.chars().map(move |other| (one, other))) {
        let reference = format!("EXP-7K3Q-{one}{other}");
        assert_eq!(said(&format!("{CODE}\n\n{reference}")), AnswerIntent::None, "{reference}");
        assert_eq!(said(&format!("Stop {reference}")), AnswerIntent::No, "{reference}");
    }
    all_say(AnswerIntent::No, &["EXP-7K3Q-M2: no", "No, EXP-7K3Q-NE"]);
    all_say(AnswerIntent::None, &["7K3QM2\nEXP-EXPA-NE"]);
}

#[test]
fn a_yes_that_names_a_request_may_mean_another_than_the_one_that_asks() {
    let others = ["Yes EXP-1234-AB", "I confirm EXP-1234-AB.", "Yes. 7K3QM2 EXP-1234-AB", "Yes [EXP-1234-AB]"];
    all_say(AnswerIntent::Unclear, &others);
    // What only looks like a reference.
    all_say(AnswerIntent::Unclear, &["7K3QM2 EXP-CANCEL", "7K3QM2 EXP-KEEP-IT", "Yes EXP-RETAIN"]);
}

#[test]
fn what_is_glued_to_a_yes_by_a_sign_is_read_too() {
    let glued = [
        "yes/maybe",
        "Ja,aber",
        "Yes...later",
        "Yes;keep",
        "yes?later",
        "Yes-later",
        "Yes—later",
        "Oui:bientôt",
        "7K3QM2/later",
    ];
    for text in glued.into_iter().chain(["Yes,not", "yes/no"]) {
        assert_ne!(said(text), AnswerIntent::Yes, "{text}");
    }
    all_say(AnswerIntent::Yes, &["Yes,please", "Ja,bitte!", "(yes)", "\"Yes.\"", "Yes,code:7K3QM2"]);
    all_say(AnswerIntent::None, &["Code:7K3QM2", "Thanks,7K3QM2"]);
}
