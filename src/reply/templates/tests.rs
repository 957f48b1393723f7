use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use super::*;
use crate::db::recipients::{Need, RecipientState};
use crate::domain::State;
use crate::domain::request::{LookReason, ReviewReason};
use crate::reply::letters::samples;

/// The parts of a letter, and what they bring in.
fn closure(environment: &Environment<'_>, name: &str) -> Vec<String> {
    let brought_in = Regex::new(r#"\{% (?:extends|include) "([^"]+)" %\}"#).unwrap();
    let mut names = vec![name.to_owned()];
    let mut next = 0;
    while let Some(current) = names.get(next).cloned() {
        let source = environment.get_template(&current).unwrap().source().to_owned();
        names.extend(brought_in.captures_iter(&source).map(|found| found[1].to_owned()));
        next += 1;
    }
    names
}

/// Every variable that a part of a letter asks for: `common.due_on`, and `choice.code` of loops as `choices[].code`.
fn variables(environment: &Environment<'_>, name: &str) -> BTreeSet<String> {
    let loops = Regex::new(r"\{% for (\w+) in (\w+) %\}").unwrap();
    let mut found = BTreeSet::new();
    for name in closure(environment, name) {
        let template = environment.get_template(&name).unwrap();
        found.extend(template.undeclared_variables(true).into_iter().filter(|variable| variable != "language"));
        for captures in loops.captures_iter(template.source()) {
            let field = Regex::new(&format!(r"\b{}\.(\w+)", &captures[1])).unwrap();
            let fields = field.captures_iter(template.source());
            found.extend(fields.map(|field| format!("{}[].{}", &captures[2], &field[1])));
        }
    }
    found
}

/// Whether a letter's facts have this variable.
fn has(facts: &Value, variable: &str) -> bool {
    match variable.split_once("[].") {
        Some((list, field)) => {
            facts[list].as_array().is_some_and(|items| items.iter().all(|item| item.get(field).is_some()))
        }
        None => variable.split('.').try_fold(facts, |value, field| value.get(field)).is_some(),
    }
}

const PARTS: [&str; 3] = ["subject.txt", "body.txt", "body.html"];

#[test]
fn every_language_has_every_letter_and_every_variable_of_the_english_one() {
    let templates = Templates::embedded().unwrap();
    let english = &templates.environments[&Language::En];
    for language in Language::ALL {
        let environment = templates.environments.get(language).unwrap_or_else(|| panic!("no letters in {language}"));
        for kind in LetterKind::ALL {
            for part in PARTS {
                let name = format!("{kind}.{part}");
                assert!(environment.get_template(&name).is_ok(), "{language} lacks {name}");
                assert_eq!(variables(environment, &name), variables(english, &name), "{name} in {language}");
            }
        }
    }
}

#[test]
fn every_language_has_every_page_and_every_variable_of_the_english_one() {
    let templates = Templates::embedded().unwrap();
    let english = &templates.environments[&Language::En];
    for (name, _) in FOLDERS[0].web {
        for language in Language::ALL {
            let environment = &templates.environments[language];
            assert!(environment.get_template(name).is_ok(), "{language} lacks {name}");
            assert_eq!(variables(environment, name), variables(english, name), "{name} in {language}");
        }
    }
}

#[test]
fn no_template_asks_for_what_its_letter_lacks() {
    let templates = Templates::embedded().unwrap();
    for (language, environment) in &templates.environments {
        for kind in LetterKind::ALL {
            let facts = samples::of(*kind)[0].facts().unwrap();
            for part in PARTS {
                for variable in variables(environment, &format!("{kind}.{part}")) {
                    assert!(has(&facts, &variable), "{kind}.{part} in {language} asks for {variable}");
                }
            }
        }
    }
}

#[test]
fn the_bodies_tell_every_fact_of_the_letter() {
    // Told by the code of another part, not by its own name.
    let untold = ["outcome[].not_found"];
    let templates = Templates::embedded().unwrap();
    let english = &templates.environments[&Language::En];
    for kind in LetterKind::ALL {
        let facts = samples::of(*kind)[0].facts().unwrap();
        let told = variables(english, &format!("{kind}.body.txt"));
        for (name, value) in facts.as_object().unwrap() {
            let fields: Vec<String> = match value {
                Value::Object(fields) => fields.keys().map(|field| format!("{name}.{field}")).collect(),
                Value::Array(items) if items.first().is_some_and(Value::is_object) => {
                    items[0].as_object().unwrap().keys().map(|field| format!("{name}[].{field}")).collect()
                }
                _ => vec![name.clone()],
            };
            for field in fields.iter().filter(|field| !untold.contains(&field.as_str())) {
                let elsewhere = ["common.due_on", "common.received_on", "common.extendable"];
                let due_is_told_elsewhere = elsewhere.contains(&field.as_str());
                assert!(told.contains(field) || due_is_told_elsewhere, "{kind} never tells {field}");
            }
        }
    }
}

#[test]
fn the_words_of_every_language_have_the_same_categories() {
    let categories = |folder: &Folder| -> BTreeSet<String> {
        Terms::parse(folder.terms).unwrap().categories.keys().cloned().collect()
    };
    for folder in FOLDERS {
        assert_eq!(categories(folder), categories(&FOLDERS[0]), "{}", folder.language);
    }
}

#[test]
fn every_word_of_the_program_has_a_term_in_every_language() {
    let words: [(&str, Vec<&str>); 5] = [
        ("letter", LetterKind::ALL.iter().filter(|kind| !kind.is_alarm()).map(|kind| kind.as_str()).collect()),
        ("state", State::ALL.iter().map(|state| state.as_str()).collect()),
        (
            "reason",
            ReviewReason::ALL
                .iter()
                .map(|reason| reason.as_str())
                .chain(LookReason::ALL.iter().map(|reason| reason.as_str()))
                .collect(),
        ),
        ("failure", codes_of_failures()),
        ("partner", words_of_partners()),
    ];
    for folder in FOLDERS {
        let terms = terms(folder).unwrap();
        for (list, (name, words)) in WORD_LISTS.iter().zip(&words) {
            assert_eq!(list.name, *name);
            for word in words {
                let term = (list.of)(&terms).get(*word);
                let term = term.unwrap_or_else(|| panic!("{} has no term for the {name} {word:?}", folder.language));
                assert!(!term.contains('_') && !term.is_empty(), "{}: {term:?}", folder.language);
            }
        }
    }
}

/// How far recipients are and why a person must look, as the ledger has them, and kinds of subjects.
fn words_of_partners() -> Vec<&'static str> {
    let states = RecipientState::ALL.iter().map(|state| state.as_str());
    let needs = Need::ALL.iter().map(|need| need.as_str());
    states.chain(needs).chain([Scope::Account, Scope::User, Scope::EndUser].map(Scope::as_str)).collect()
}

/// The codes of failures in the job table: those of the flow, as its source lists them, and those of the queue.
fn codes_of_failures() -> Vec<&'static str> {
    let code = Regex::new(r#"=> "([a-z_]+)","#).unwrap();
    let source = include_str!("../../flow/error.rs");
    let mut codes: Vec<_> = code.captures_iter(source).map(|found| found.get(1).unwrap().as_str()).collect();
    assert!(codes.len() > 12, "{codes:?}");
    codes.extend(["lease_expired", "panicked", "unknown", "held"]);
    codes
}

#[test]
fn the_articles_of_our_letters_are_cited_as_the_language_does() {
    let gdpr: toml::Value = toml::from_str(include_str!("../../../config/law/gdpr.toml")).unwrap();
    for folder in FOLDERS.iter().filter(|folder| folder.language != Language::En) {
        let terms = terms(folder).unwrap();
        for name in ["extension", "processor", "instructions", "refusal", "exceptions"] {
            let article = gdpr["articles"][name].as_str().unwrap();
            assert!(terms.articles.contains_key(article), "{}: {article}", folder.language);
        }
        assert_eq!(terms.article("HGB § 257"), "HGB § 257");
    }
}

#[test]
fn no_template_cites_a_law_by_itself() {
    for folder in FOLDERS {
        for (name, source) in folder.files.iter().flat_map(|files| files.iter()) {
            for cited in ["GDPR", "DSGVO", "RGPD", "LGPD", "CCPA", "Art. "] {
                assert!(!source.contains(cited), "{name} in {} names {cited}: the law pack says it", folder.language);
            }
        }
    }
}

#[test]
fn html_loads_nothing_and_links_nowhere() {
    for folder in FOLDERS {
        for (name, source) in folder.files.iter().flat_map(|files| files.iter()) {
            // The one link is that to the page of the question.
            let source = source.replace("<a href=\"{{ link }}\">{{ link }}</a>", "");
            for forbidden in ["<img", "<a ", "href", "src=", "url(", "<link", "<script", "<style", "http", "|safe"] {
                assert!(!source.contains(forbidden), "{name} in {} has {forbidden}", folder.language);
            }
        }
    }
}

/// An environment as in production, with this source as the withdrawn letter's text.
fn with_source(source: &'static str) -> Templates {
    let mut environment = environment(&FOLDERS[0], &Arc::new(terms(&FOLDERS[0]).unwrap())).unwrap();
    environment.add_template("withdrawn.body.txt", source).unwrap();
    Templates { environments: BTreeMap::from([(Language::En, environment)]), terms: BTreeMap::new() }
}

fn withdrawn(templates: &Templates) -> Result<Rendered, ReplyError> {
    samples::of(LetterKind::Withdrawn).swap_remove(0).render(templates, Language::En)
}

#[test]
fn an_endless_template_runs_out_of_fuel() {
    let templates = with_source("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}");
    let failed = withdrawn(&templates).unwrap_err();
    assert!(matches!(failed, ReplyError::Template { fault: ErrorKind::OutOfFuel, .. }), "{failed}");
}

#[test]
fn a_missing_value_is_an_error_that_names_the_place_and_no_value() {
    let templates = with_source("line one\n{{ common.support_address }}{{ common.nothing }}");
    let failed = withdrawn(&templates).unwrap_err();
    let ReplyError::Template { line, fault, ref template, .. } = failed else { panic!("{failed}") };
    assert_eq!((line, fault, template.as_str()), (2, ErrorKind::UndefinedError, "withdrawn.body.txt"));
    assert!(!format!("{failed} {failed:?}").contains("support@"), "{failed:?}");
}

#[test]
fn a_value_that_a_filter_cannot_show_stays_out_of_the_error() {
    let templates = with_source("{{ common.support_address|date }}");
    let failed = withdrawn(&templates).unwrap_err();
    assert!(!format!("{failed} {failed:?}").contains("support@"), "{failed:?}");
}
