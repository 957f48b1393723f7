use std::sync::LazyLock;

use super::samples::LINK;
use super::*;

fn every_letter() -> impl Iterator<Item = (LetterKind, Language, Vec<Letter>)> {
    let pairs = LetterKind::ALL.iter().flat_map(|kind| Language::ALL.iter().map(move |language| (*kind, *language)));
    pairs.map(|(kind, language)| (kind, language, samples::of(kind)))
}

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::embedded().unwrap());

/// The two ends of a link.
static LINKS: LazyLock<regex::Regex> = LazyLock::new(|| regex::Regex::new("<a href=\"[^\"]*\">|</a>").unwrap());

fn render(letter: &Letter, language: Language) -> Rendered {
    letter.render(&TEMPLATES, language).unwrap_or_else(|error| panic!("{error}"))
}

/// The words of a text: letters and digits, in order, whatever stands between them.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn text_and_html_say_the_same_in_every_language() {
    let mut compared = 0;
    for (kind, language, letters) in every_letter() {
        for letter in letters {
            let rendered = render(&letter, language);
            // Where a link leads is what it says.
            let html = LINKS.replace_all(&rendered.html, "");
            let seen = html2text::from_read(html.as_bytes(), 10_000).unwrap();
            assert_eq!(words(&rendered.text), words(&seen), "{kind} in {language}");
            compared += 1;
        }
    }
    assert!(compared > 4 * LetterKind::ALL.len());
}

/// The same letter about a request whose period moves no more.
fn with_its_last_day(letter: &Letter) -> Letter {
    let mut facts = serde_json::to_string(letter).unwrap();
    facts = facts.replace("\"extendable\":true", "\"extendable\":false");
    serde_json::from_str(&facts).unwrap()
}

/// Nobody is told that we may need longer where an extension was used, is unknown to the law or would come too late.
#[test]
fn only_a_period_that_can_move_is_said_to() {
    for (kind, language, letters) in every_letter() {
        let more_time = match language {
            Language::En => "should we need longer",
            Language::De => "brauchen wir länger",
            Language::Es => "si necesitamos más tiempo",
            Language::Fr => "il nous faut plus de temps, nous vous le dirons",
        };
        let told =
            |letter: &Letter| words(&render(letter, language).text).join(" ").contains(&words(more_time).join(" "));
        let speaks = letters.iter().any(told);
        let of_a_day =
            matches!(kind, LetterKind::Challenge | LetterKind::Scheduled | LetterKind::Paused | LetterKind::InReview);
        assert!(speaks || !of_a_day, "{kind} in {language}");
        for letter in letters.iter().map(with_its_last_day) {
            let rendered = render(&letter, language);
            assert!(!told(&letter), "{kind} in {language}: {}", rendered.text);
            let seen = html2text::from_read(LINKS.replace_all(&rendered.html, "").as_bytes(), 10_000).unwrap();
            assert_eq!(words(&rendered.text), words(&seen), "{kind} in {language}");
        }
    }
}

#[test]
fn every_letter_looks_as_it_was_read_by_a_person() {
    for (kind, language, letters) in every_letter() {
        let mut shown = String::new();
        for (index, letter) in letters.iter().enumerate() {
            let rendered = render(letter, language);
            shown.push_str(&format!("Subject: {}\n\n{}\n", rendered.subject, rendered.text));
            if index == 0 {
                shown.push_str(&format!("{}\n", rendered.html));
            }
            shown.push_str("========\n");
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("{kind}.{language}"), shown);
        });
    }
}

#[test]
fn an_example_exists_for_every_letter_and_is_of_its_kind() {
    for kind in LetterKind::ALL {
        let letters = samples::of(*kind);
        assert!(!letters.is_empty() && letters.iter().all(|letter| letter.kind() == *kind), "{kind}");
    }
}

#[test]
fn a_letter_survives_the_outbox() {
    for (_, _, letters) in every_letter() {
        for letter in letters {
            let stored = serde_json::to_vec(&letter).unwrap();
            assert!(serde_json::from_slice::<Letter>(&stored).unwrap() == letter, "{letter:?}");
        }
    }
}

/// Replaces every text of the facts by a hostile one, except what is parsed (dates, scopes, references, kinds).
fn poison(facts: &mut serde_json::Value, hostile: &str) {
    match facts {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                let parsed = name.ends_with("_on")
                    || ["scope", "reference", "letter", "until", "state"].contains(&name.as_str());
                match value {
                    serde_json::Value::String(text) if !parsed => hostile.clone_into(text),
                    other => poison(other, hostile),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| match item {
            serde_json::Value::String(text) => hostile.clone_into(text),
            other => poison(other, hostile),
        }),
        _ => {}
    }
}

#[test]
fn a_hostile_value_stays_text() {
    let hostile = "{{ 7*7 }}{% set x = 1 %}<script>alert(1)</script>\r\nBcc: thief@evil.example\u{1b}[2J\u{202e}";
    for (kind, language, letters) in every_letter() {
        for letter in letters {
            let mut stored = serde_json::to_value(&letter).unwrap();
            poison(stored.get_mut("facts").unwrap(), hostile);
            let poisoned: Letter = serde_json::from_value(stored).unwrap();
            let rendered = render(&poisoned, language);
            let all = format!("{}\n{}\n{}", rendered.subject, rendered.text, rendered.html);
            assert!(!all.contains("49"), "{kind} in {language}: template syntax was run");
            assert!(!rendered.html.contains("<script"), "{kind} in {language}: HTML was not escaped");
            assert!(!rendered.subject.contains(['\r', '\n']), "{kind} in {language}: the subject has two lines");
            assert!(!all.contains(['\r', '\u{1b}', '\u{202e}']), "{kind} in {language}: control characters");
            // In the text a line may begin anywhere: it is wrapped.
            assert!(!rendered.html.lines().any(|line| line.starts_with("Bcc:")), "{kind} in {language}: a line began");
        }
    }
}

#[test]
fn a_letter_that_lacks_a_fact_is_not_rendered() {
    let Letter::Refused(mut refused) = samples::of(LetterKind::Refused).swap_remove(0) else {
        panic!("no such letter")
    };
    refused.court_remedy.clear();
    let error = Letter::from(refused).render(&TEMPLATES, Language::En).unwrap_err();
    assert!(matches!(error, ReplyError::Incomplete { letter: LetterKind::Refused, fact: "court_remedy" }), "{error}");
}

#[test]
fn plural_forms_and_numbers_are_those_of_the_language() {
    let outcome = samples::of(LetterKind::Completed).swap_remove(0);
    let says = |language, words: &str| {
        let text = render(&outcome, language).text.replace("\n  ", " ");
        assert!(text.contains(words), "{language}: {words:?} is not in\n{text}");
    };
    says(Language::En, "contact details: 1 record erased.");
    says(Language::En, "12,345 records erased.");
    says(Language::De, "Kontaktdaten: 1 Datensatz gelöscht.");
    says(Language::De, "12.345 Datensätze gelöscht.");
    says(Language::De, "30. März 2026");
    says(Language::Fr, "12\u{202f}345 enregistrements effacés.");
    says(Language::Fr, "1er mars 2026");
    says(Language::Es, "12.345 registros suprimidos.");
    says(Language::Es, "30 de marzo de 2026");
    says(Language::En, "shoe size: 2 records erased.");
}

#[test]
fn a_long_outcome_fits_the_fuel() {
    let Letter::Completed(mut done) = samples::of(LetterKind::Completed).swap_remove(0) else {
        panic!("no such letter")
    };
    done.outcome = (0..500).map(|_| done.outcome[2].clone()).collect();
    let rendered = render(&done.into(), Language::De);
    assert_eq!(rendered.text.matches("Zahlungsdaten").count(), 500);
}

#[test]
fn every_token_and_code_stands_whole_in_both_bodies() {
    for (kind, language, letters) in every_letter() {
        for letter in letters {
            let facts = letter.facts().unwrap();
            let rendered = render(&letter, language);
            let mut secrets: Vec<&str> =
                ["token", "code"].iter().filter_map(|name| facts.get(*name)?.as_str()).collect();
            let choices = facts.get("choices").and_then(|choices| choices.as_array());
            secrets.extend(choices.into_iter().flatten().filter_map(|choice| choice.get("code")?.as_str()));
            for secret in secrets {
                assert!(rendered.text.contains(secret) && rendered.html.contains(secret), "{kind} in {language}");
                assert!(!rendered.subject.contains(secret), "{kind} in {language}: a secret in the subject");
            }
        }
    }
}

#[test]
fn debug_says_nothing_of_the_person() {
    let letter = samples::of(LetterKind::Forwarded).swap_remove(0);
    let said = format!("{letter:?} {:?}", render(&letter, Language::En));
    assert!(!said.contains(samples::CANARY) && !said.contains("support@"), "{said}");
}

/// Only the letters that ask something, or can be stopped, have a link; and without pages they are what they were.
#[test]
fn a_link_is_one_paragraph_more_and_nothing_else() {
    let mut compared = 0;
    for (kind, language, letters) in every_letter() {
        for letter in letters.iter().filter(|letter| letter.facts().unwrap().get("link").is_some()) {
            let mut stored = serde_json::to_value(letter).unwrap();
            *stored.pointer_mut("/facts/link").unwrap() = serde_json::Value::Null;
            let bare = render(&serde_json::from_value(stored.clone()).unwrap(), language);
            *stored.pointer_mut("/facts/link").unwrap() = LINK.into();
            let linked = render(&serde_json::from_value(stored).unwrap(), language);
            assert!(!bare.text.contains("http") && !bare.html.contains("<a"), "{kind} in {language}");
            assert_eq!(linked.subject, bare.subject);
            if linked.text == bare.text {
                assert!(linked.text.lines().count() > 5 && kind == LetterKind::Scheduled, "{kind} in {language}");
                continue;
            }
            assert!(linked.text.lines().any(|line| line == LINK), "{kind} in {language}: the link stands alone");
            let rest: Vec<&str> = linked
                .text
                .split("\n\n")
                .filter(|part| !bare.text.split("\n\n").any(|b| b.trim() == part.trim()))
                .collect();
            assert_eq!(rest.len(), 2, "{kind} in {language}: {rest:?}");
            compared += 1;
        }
    }
    assert!(compared > 4 * 12, "{compared}");
}
