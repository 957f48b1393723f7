//! Every letter of ours, repeated by its reader without a mark, with a stop in it and without one.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Language, LetterKind};
use crate::intake::answer::AnswerIntent;
use crate::intake::lexicon::for_tests;
use crate::intake::{Answer, Limits, read};
use crate::reply::letters::samples;
use crate::reply::templates::Templates;

const TOKEN: &str = "abcdefghijklmnopqrstuvwx23";

fn answer(subject: &str, text: &str) -> Answer {
    let letter = format!(
        "From: Olga <owner1@team.example>\r\nTo: privacy+{TOKEN}@shop.example\r\nSubject: {subject}\r\n\
         In-Reply-To: <a@shop.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
    );
    read(letter.as_bytes(), for_tests(), &Limits::default()).answer
}

/// What mail programs put above a letter that they repeat without a mark.
const ABOVE: [&str; 3] = [
    "-----Original Message-----\nFrom: Shop <privacy@shop.example>\nSent: Sunday, 29 November 2026 02:00\nTo: Olga\nSubject: Hello\n\n",
    "Von: Shop <privacy@shop.example>\nGesendet: Sonntag, 29. November 2026 02:00\nAn: Olga\nBetreff: Hallo\n\n",
    "Op zondag 29 november 2026 02:00 schreef Shop <privacy@shop.example>:\n\n",
];

/// Letters that a customer gets, as text.
fn ours() -> Vec<(LetterKind, Language, String)> {
    let templates = Templates::embedded().unwrap();
    let kinds = LetterKind::ALL.iter().filter(|kind| !kind.to_string().starts_with("alarm"));
    let letters = kinds.flat_map(|kind| samples::of(*kind).into_iter().map(|letter| (*kind, letter)));
    letters
        .flat_map(|(kind, letter)| {
            let render = |language: &Language| (kind, *language, letter.render(&templates, *language).unwrap().text);
            Language::ALL.iter().map(render).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn our_own_words_below_a_yes_are_no_stop() {
    let mut wrong = Vec::new();
    for (kind, language, text) in ours() {
        for above in ABOVE {
            let said = answer("Re: Hello", &format!("Yes.\n\n{above}{text}"));
            if said.intent != AnswerIntent::Yes || said.asks_to_stop {
                wrong.push(format!(
                    "{kind} {language} {above:.12}: {:?} {:?}",
                    said.intent,
                    super::added(&text, for_tests())
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} {wrong:#?}", wrong.len());
}

/// Where the page of a question is named by its operator, and what a mail program makes of the line.
#[test]
fn the_link_to_a_page_is_no_stop_whatever_its_host_is_called() {
    const HOSTS: [&str; 5] = ["shop.no", "stop.example", "nein.example", "no.shop.example", "non.example"];
    let alone = |host: &&str| answer("Re: Hello", &format!("https://{host}/r/{TOKEN}")).asks_to_stop;
    assert!(HOSTS.iter().any(alone), "a link by itself would say it");
    let mut linked = BTreeMap::new();
    for (kind, language, text) in ours().into_iter().filter(|(.., text)| text.contains(samples::LINK)) {
        linked.insert((kind.to_string(), language.to_string()), text);
    }
    assert_eq!(linked.len(), 5 * Language::ALL.len(), "{:?}", linked.keys());
    let mut wrong = Vec::new();
    for ((kind, language), text) in &linked {
        for host in HOSTS {
            let link = format!("https://{host}/r/{TOKEN}");
            for line in [link.clone(), format!("<{link}>"), format!("{link}<{link}>"), format!("[{link}]({link})")] {
                let text = text.replace(samples::LINK, &line);
                let quoted: String = text.lines().map(|line| format!("> {line}\n")).collect();
                for below in [format!("{}{text}", ABOVE[0]), quoted] {
                    let said = answer("Re: Hello", &format!("Yes.\n\n{below}"));
                    if said.intent != AnswerIntent::Yes || said.asks_to_stop {
                        wrong.push(format!("{kind} {language} {line}: {:?}", said.intent));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} {wrong:#?}", wrong.len());
}

#[test]
fn a_stop_below_our_words_or_between_them_is_heard_whatever_stands_above() {
    let mut deaf = Vec::new();
    let mut seen = BTreeSet::new();
    let one_of_each = ours().into_iter().filter(|(kind, language, _)| seen.insert((*kind, *language)));
    for (kind, language, text) in one_of_each {
        for stop in [
            "No, stop. Do not delete anything.",
            "STOP!",
            "Bitte nicht löschen!",
            "Non, ne supprimez rien !",
            "I did not ask for this.",
        ] {
            let middle = text.match_indices("\n\n").nth(2).map_or(0, |(at, _)| at);
            let inline = format!("{}\n\n{stop}{}", &text[..middle], &text[middle..]);
            for below in [format!("{text}\n\n{stop}"), inline] {
                for top in ["Yes.", ""] {
                    let said = answer("Re: Hello", &format!("{top}\n\n{}{below}", ABOVE[0]));
                    if said.intent != AnswerIntent::Unclear || !said.asks_to_stop {
                        deaf.push(format!("{kind} {language} {top:?} {stop}: {:?}", said.intent));
                    }
                }
            }
        }
    }
    assert!(deaf.is_empty(), "{} {deaf:#?}", deaf.len());
}

#[test]
fn a_yes_above_what_is_passed_on_is_not_clear() {
    let forwarded = "---------- Forwarded message ---------\nFrom: Olga <owner1@team.example>\nSubject: Re: Hello\n\n\
        What is this? Who asked for it?\n";
    for top in ["Yes.", "OK", "Ok thanks", "Please delete this profile.", "Yes, 7K3QM2"] {
        assert_eq!(answer("Fwd: Re: Hello", &format!("{top}\n\n{forwarded}")).intent, AnswerIntent::Unclear, "{top}");
        assert_eq!(answer("Re: Hello", &format!("{top}\n\n{forwarded}")).intent, AnswerIntent::Unclear, "{top}");
    }
    // A colleague who answers all, with the customer's own words below.
    let (_, _, challenge) = ours().into_iter().find(|(kind, ..)| *kind == LetterKind::Challenge).unwrap();
    let quoted: String = challenge.lines().map(|line| format!(">> {line}\n")).collect();
    let said = answer("Re: Hello", &format!("OK\n\n> No, please stop. I did not ask for this.\n>\n{quoted}"));
    assert_eq!((said.intent, said.asks_to_stop), (AnswerIntent::Unclear, true));
}
