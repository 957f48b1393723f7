//! The pages on which a question of ours can be answered: plain structs with the facts that they tell, and what they render to.
//!
//! They say in the words of the letters what would be erased, and never hold what answers them: neither a code nor a token is
//! among their facts. In the templates a value is always text.
//!
//! # How to add a page
//! 1. A variant of [`Page`] with its facts, and an example of each of its faces in the tests.
//! 2. Its word in the list of `web` in [`templates`](super::templates), and `templates/web/<lang>/<page>.html.j2` for every language.
//!
//! The tests fail while a page lacks a language or a variable of the English one, or holds a script or anything from outside.

use jiff::civil::Date;
use serde::Serialize;

use super::ReplyError;
use super::letters::{Choice, Common};
use super::templates::Templates;
use crate::domain::{Language, Scope};

/// One way to understand a request, without the code that confirms it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// How much would be erased.
    pub scope: Scope,
    /// Whom an owner or user named; `None` when the asker means themself.
    pub subject_label: Option<String>,
    /// The categories of data for [`Scope::Data`]; empty otherwise.
    pub categories: Vec<String>,
}

impl From<Choice> for Offer {
    fn from(choice: Choice) -> Self {
        let Choice { scope, code: _, subject_label, categories } = choice;
        Self { scope, subject_label, categories }
    }
}

/// What is wrong with what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// Nothing that could be a code.
    Missing,
    /// A code that is not ours.
    Wrong,
}

/// Puts the question: a code and a button.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Ask {
    /// What every letter names.
    pub common: Common,
    /// One choice, or two.
    pub choices: Vec<Offer>,
    /// Who asks, where it is the owner who answers.
    pub asked_by: Option<String>,
    /// Whether the owner may be asked after the one who answers.
    pub owner_too: bool,
    /// From this day on no answer counts.
    pub expires_on: Date,
    /// Days between the answer and the erasure in which it can be stopped.
    pub grace_days: u32,
    /// What is wrong with what was typed.
    pub note: Option<Note>,
    /// Wrong codes so far, so that a form that is sent twice counts once.
    pub tries: u32,
    /// How often one may still be wrong or right before a person looks.
    pub tries_left: u32,
}

/// How far a request is that is not asked about on this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Confirmed, in its grace period.
    Scheduled,
    /// Confirmed; the owner is asked.
    Approval,
    /// Paused.
    Paused,
    /// A person looks at it.
    Review,
    /// Ended by a stop; nothing was erased.
    Stopped,
}

/// Says how far a request is, with a button that stops it as long as that can be.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// What every letter names.
    pub common: Common,
    /// How far it is.
    pub stage: Stage,
    /// What will be erased, where that is certain.
    pub choices: Vec<Offer>,
    /// The day on which erasing begins.
    pub erase_on: Option<Date>,
    /// Whether it can be stopped here.
    pub can_stop: bool,
}

/// Why nothing is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// There is no such page, or it is over. Which of the two, nobody is told.
    Gone,
    /// Too many requests, or something is away.
    Later,
    /// A request of a form that is none of ours.
    Refused,
}

/// Any page.
#[derive(Clone, PartialEq, Eq)]
pub enum Page {
    /// See [`Ask`].
    Ask(Box<Ask>),
    /// See [`Status`].
    Status(Box<Status>),
    /// See [`Notice`].
    Notice {
        /// Which.
        notice: Notice,
        /// The service, as customers know it.
        service_name: String,
    },
}

impl Page {
    /// The page as HTML in this language.
    ///
    /// # Errors
    /// A template that fails.
    pub fn render(&self, templates: &Templates, language: Language) -> Result<String, ReplyError> {
        let (name, facts) = match self {
            Self::Ask(ask) => ("ask", serde_json::to_value(ask)),
            Self::Status(status) => ("status", serde_json::to_value(status)),
            Self::Notice { notice, service_name } => {
                ("notice", Ok(serde_json::json!({ "notice": notice, "service_name": service_name })))
            }
        };
        templates.render_page(name, language, facts.map_err(|_| ReplyError::Page { page: name, language, line: 0 })?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::date;

    use super::*;
    use crate::chance::SeededChance;
    use crate::domain::Reference;

    fn common() -> Common {
        Common {
            reference: Reference::new(&SeededChance::new(3)),
            service_name: "Shop & Söhne".to_owned(),
            support_address: "support@shop.example".to_owned(),
            received_on: date(2026, 3, 1),
            due_on: date(2026, 4, 7),
            extendable: true,
        }
    }

    fn offer(scope: Scope, categories: &[&str]) -> Offer {
        let categories = categories.iter().map(|category| (*category).to_owned()).collect();
        Offer { scope, subject_label: None, categories }
    }

    fn ask(choices: Vec<Offer>, asked_by: Option<&str>, note: Option<Note>, grace_days: u32) -> Page {
        let owner_too = asked_by.is_none() && choices.len() == 1;
        Page::Ask(Box::new(Ask {
            common: common(),
            choices,
            asked_by: asked_by.map(str::to_owned),
            owner_too,
            expires_on: date(2026, 3, 15),
            grace_days,
            note,
            tries: 2,
            tries_left: 3,
        }))
    }

    fn status(stage: Stage, can_stop: bool) -> Page {
        let is_certain = stage == Stage::Scheduled;
        let choices = if is_certain { vec![offer(Scope::Data, &["contact", "image"])] } else { Vec::new() };
        let erase_on = is_certain.then(|| date(2026, 3, 22));
        Page::Status(Box::new(Status { common: common(), stage, choices, erase_on, can_stop }))
    }

    /// Every face of every page.
    fn faces() -> Vec<(&'static str, Page)> {
        let both = || vec![offer(Scope::Data, &["contact"]), offer(Scope::Account, &[])];
        let one = || vec![offer(Scope::Account, &[])];
        let notice = |notice| Page::Notice { notice, service_name: "Shop & Söhne".to_owned() };
        vec![
            ("ask", ask(one(), None, None, 7)),
            ("ask", ask(both(), None, Some(Note::Missing), 0)),
            ("ask", ask(vec![offer(Scope::User, &[])], Some("<b>Eve</b> \"{{ 7*7 }}\""), Some(Note::Wrong), 1)),
            ("status", status(Stage::Scheduled, true)),
            ("status", status(Stage::Approval, true)),
            ("status", status(Stage::Paused, true)),
            ("status", status(Stage::Review, true)),
            ("status", status(Stage::Stopped, false)),
            ("notice", notice(Notice::Gone)),
            ("notice", notice(Notice::Later)),
            ("notice", notice(Notice::Refused)),
        ]
    }

    #[test]
    fn every_page_looks_as_it_was_read_by_a_person() {
        let templates = Templates::embedded().unwrap();
        for language in Language::ALL {
            let pages: Vec<String> =
                faces().iter().map(|(_, page)| page.render(&templates, *language).unwrap()).collect();
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("page.{language}"), pages.join("\n========\n"));
            });
        }
    }

    #[test]
    fn a_page_can_be_read_by_everybody_and_loads_nothing() {
        let templates = Templates::embedded().unwrap();
        for language in Language::ALL {
            for (name, page) in faces() {
                let html = page.render(&templates, *language).unwrap();
                let count = |part: &str| html.matches(part).count();
                assert!(html.contains(&format!("<html lang=\"{language}\">")), "{name} in {language}");
                assert_eq!((count("<h1"), count("<main>"), count("<title>")), (1, 1, 1), "{name} in {language}");
                // Every field that is seen has its label, and each form a button that says what it does.
                assert_eq!(count("<input id=\"code\""), count("<label for=\"code\">"), "{name} in {language}");
                assert_eq!(count("<form method=\"post\">"), count("<button type=\"submit\""), "{name} in {language}");
                for forbidden in ["<script", "style=", "<img", "http", "onclick", "<b>Eve", "49", "<iframe", "src="] {
                    assert!(!html.contains(forbidden), "{name} in {language} has {forbidden}");
                }
                assert_eq!(count("href="), 1, "only the style sheet, in {name} of {language}");
            }
        }
    }

    #[test]
    fn what_would_be_erased_is_said_in_the_words_of_the_letters() {
        let templates = Templates::embedded().unwrap();
        for language in Language::ALL {
            let page = ask(vec![offer(Scope::Account, &[])], None, None, 7).render(&templates, *language).unwrap();
            assert!(page.contains(&templates.what(*language, Scope::Account, None, &[])), "{language}");
        }
    }

    #[test]
    fn every_face_says_something_of_its_own_in_each_language() {
        let templates = Templates::embedded().unwrap();
        let all = faces();
        let mut seen = BTreeSet::new();
        for language in Language::ALL {
            for (name, page) in &all {
                assert!(seen.insert(page.render(&templates, *language).unwrap()), "{name} in {language} is said twice");
            }
        }
        assert_eq!(seen.len(), all.len() * Language::ALL.len());
    }
}
