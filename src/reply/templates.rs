//! The templates, embedded in the binary, and how facts become a letter.
//!
//! Logic-light on purpose: values, loops, conditions and the filters below. Undefined values are errors, fuel bounds
//! the work, `.html` escapes. Nothing is read from disk and nothing from a letter is ever parsed as a template.
//!
//! | filter | shows |
//! |---|---|
//! | `date`, `instant` | a day, or a minute in UTC, written out |
//! | `number`, `count("record", "records")` | a number, alone or with its noun in the right form |
//! | `category`, `categories`, `listing` | one category by its name, several, or a list of words |
//! | `what(label, categories)` | of a scope, all of what would be erased |
//! | `article` | an article of a law pack as the language cites it |
//! | `letter`, `state`, `reason`, `failure`, `partner` | a word of the program in the words of the team |

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use super::letters::Rendered;
use super::terms::{Terms, WORD_LISTS};
use super::{ReplyError, clean, wrap};
use crate::domain::{Language, LetterKind, Scope, Timestamp};

/// What one rendering may cost, in steps of the template engine (about 64 bytes each).
const RENDER_STEPS_MAX: u64 = 200_000;

/// The templates of every language, parsed.
pub struct Templates {
    environments: BTreeMap<Language, Environment<'static>>,
    terms: BTreeMap<Language, Arc<Terms>>,
}

impl Templates {
    /// The templates of the binary.
    ///
    /// # Errors
    /// A template or a `terms.toml` that does not parse; a test renders them all, so a built binary has none.
    pub fn embedded() -> Result<Self, ReplyError> {
        let (mut environments, mut all_terms) = (BTreeMap::new(), BTreeMap::new());
        for folder in FOLDERS {
            let terms = Arc::new(terms(folder)?);
            environments.insert(folder.language, environment(folder, &terms)?);
            all_terms.insert(folder.language, terms);
        }
        Ok(Self { environments, terms: all_terms })
    }

    /// The ground of a refusal where the owner of the account said no to their user, in the words of a language.
    #[must_use]
    pub fn refused_by_owner(&self, language: Language) -> &str {
        self.terms.get(&language).map_or("", |terms| &terms.refusals.by_owner)
    }

    /// What a scope means in the words of a language, for a fact that is told in words.
    #[must_use]
    pub fn what(&self, language: Language, scope: Scope, label: Option<&str>, categories: &[String]) -> String {
        self.terms.get(&language).map_or_else(String::new, |terms| terms.what(scope, label, categories))
    }

    /// What the alarms call a reason to look or the code of a failure; `None` for a word that has no other.
    #[must_use]
    pub fn in_words(&self, language: Language, word: &str) -> Option<&str> {
        let terms = self.terms.get(&language)?;
        ["reason", "failure"].iter().find_map(|name| {
            let list = WORD_LISTS.iter().find(|list| list.name == *name)?;
            (list.of)(terms).get(word).map(String::as_str)
        })
    }

    /// Whether letters in a language have a word for a category; where not, it is written as the data map writes it.
    #[must_use]
    pub fn names_category(&self, language: Language, category: &str) -> bool {
        self.terms.get(&language).is_some_and(|terms| terms.categories.contains_key(category))
    }

    /// Renders one letter from its facts, after taking out of them what is no text.
    pub(super) fn render(
        &self,
        kind: LetterKind,
        language: Language,
        mut facts: serde_json::Value,
    ) -> Result<Rendered, ReplyError> {
        clean::facts(&mut facts);
        let context = minijinja::Value::from(Serde(&facts));
        let part = |part: &str| self.render_part(kind, language, part, &context);
        let subject = part("subject.txt")?.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Rendered { language, subject, text: wrap::wrap(&part("body.txt")?), html: part("body.html")? })
    }

    /// Renders a page from its facts, in the same way.
    pub(super) fn render_page(
        &self,
        page: &'static str,
        language: Language,
        mut facts: serde_json::Value,
    ) -> Result<String, ReplyError> {
        clean::facts(&mut facts);
        let environment = self.environments.get(&language).ok_or(ReplyError::NoLanguage(language))?;
        let template = environment.get_template(&format!("web/{page}.html"));
        let rendered = template.and_then(|template| template.render(minijinja::Value::from(Serde(&facts))));
        rendered.map_err(|error| ReplyError::Page { page, language, line: error.line().unwrap_or(0) })
    }

    fn render_part(
        &self,
        kind: LetterKind,
        language: Language,
        part: &str,
        context: &minijinja::Value,
    ) -> Result<String, ReplyError> {
        let name = format!("{kind}.{part}");
        let environment = self.environments.get(&language).ok_or(ReplyError::NoLanguage(language))?;
        let rendered = environment.get_template(&name).and_then(|template| template.render(context));
        rendered.map_err(|error| ReplyError::Template {
            letter: kind,
            language,
            template: error.name().unwrap_or(&name).to_owned(),
            line: error.line().unwrap_or(0),
            fault: error.kind(),
        })
    }
}

fn terms(folder: &'static Folder) -> Result<Terms, ReplyError> {
    Terms::parse(folder.terms).map_err(|source| ReplyError::Terms { language: folder.language, source })
}

/// The environment of one language: strict, bounded, without debug records (they would hold the letter's values).
fn environment(folder: &'static Folder, terms: &Arc<Terms>) -> Result<Environment<'static>, ReplyError> {
    let language = folder.language;
    let broken = |source| ReplyError::Broken { language, source };
    let mut environment = Environment::new();
    environment.set_debug(false);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(RENDER_STEPS_MAX));
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()
            .map_err(broken)?,
    );
    environment.add_global("language", language.as_str());
    add_filters(&mut environment, terms);
    for (name, source) in folder.files.iter().flat_map(|files| files.iter()).chain(folder.web) {
        environment.add_template(name, source).map_err(broken)?;
    }
    Ok(environment)
}

/// The filters, each bound to the words of its language.
fn add_filters(environment: &mut Environment<'static>, terms: &Arc<Terms>) {
    let words = Arc::clone(terms);
    environment.add_filter("date", move |date: String| {
        date.parse::<Date>().map(|date| words.date(date)).map_err(|_| unfit("a date"))
    });
    let words = Arc::clone(terms);
    environment.add_filter("instant", move |micros: i64| words.instant(Timestamp::from_micros(micros)));
    let words = Arc::clone(terms);
    environment.add_filter("count", move |number: u64, one: String, other: String| words.count(number, &one, &other));
    let words = Arc::clone(terms);
    environment.add_filter("number", move |number: u64| words.number(number));
    let words = Arc::clone(terms);
    environment.add_filter("category", move |category: String| words.category(&category));
    let words = Arc::clone(terms);
    environment.add_filter("categories", move |categories: Vec<String>| words.categories(&categories));
    let words = Arc::clone(terms);
    environment.add_filter("listing", move |items: Vec<String>| words.list(&items));
    let words = Arc::clone(terms);
    environment.add_filter("article", move |article: String| words.article(&article));
    add_word_filters(environment, terms);
    let terms = Arc::clone(terms);
    environment.add_filter("what", move |scope: String, label: Option<String>, categories: Vec<String>| {
        let scope = scope.parse::<Scope>().map_err(|_| unfit("a scope"))?;
        Ok::<_, Error>(terms.what(scope, label.as_deref(), &categories))
    });
}

/// The filters that show the program's own words in the words of the team; what a cause adds behind a colon stays. A word
/// that has no term is shown as it is written: an alarm is better than none; a test holds that every word has one.
fn add_word_filters(environment: &mut Environment<'static>, terms: &Arc<Terms>) {
    for list in WORD_LISTS {
        let terms = Arc::clone(terms);
        environment.add_filter(list.name, move |written: String| {
            let word = written.split_once(": ").map_or(written.as_str(), |(word, _)| word);
            match (list.of)(&terms).get(word) {
                Some(term) => format!("{term}{}", &written[word.len()..]),
                None => written,
            }
        });
    }
}

/// A value that a filter cannot show; the value itself stays out of the error.
fn unfit(wanted: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, wanted)
}

/// What a language's folder holds.
struct Folder {
    language: Language,
    terms: &'static str,
    files: &'static [&'static [(&'static str, &'static str)]],
    /// The pages.
    web: &'static [(&'static str, &'static str)],
}

/// The source of one file of a language's folder.
macro_rules! source {
    ($lang:literal, $file:expr) => {
        include_str!(concat!("../../templates/mail/", $lang, "/", $file, ".j2"))
    };
}

/// The pages of one language, from its folder below `templates/web`, in one frame.
macro_rules! web {
    ($lang:literal: $($page:literal),+) => {
        &[
            ("web/page.html", include_str!("../../templates/web/page.html.j2")),
            $((
                concat!("web/", $page, ".html"),
                include_str!(concat!("../../templates/web/", $lang, "/", $page, ".html.j2")),
            )),+
        ]
    };
}

/// The folder of one language: the frames, what challenge and reminder share, and three files per letter.
macro_rules! folder {
    ($language:ident, $lang:literal: $($letter:literal),+ $(,)?) => {
        Folder {
            language: Language::$language,
            terms: include_str!(concat!("../../templates/mail/", $lang, "/terms.toml")),
            files: &[
                &[
                    ("page.html", include_str!("../../templates/mail/page.html.j2")),
                    ("frame.txt", source!($lang, "frame.txt")),
                    ("frame.html", source!($lang, "frame.html")),
                    ("ask.txt", source!($lang, "ask.txt")),
                    ("ask.html", source!($lang, "ask.html")),
                    ("order.txt", source!($lang, "order.txt")),
                    ("order.html", source!($lang, "order.html")),
                ],
                $(&[
                    (concat!($letter, ".subject.txt"), source!($lang, concat!($letter, ".subject.txt"))),
                    (concat!($letter, ".body.txt"), source!($lang, concat!($letter, ".body.txt"))),
                    (concat!($letter, ".body.html"), source!($lang, concat!($letter, ".body.html"))),
                ]),+
            ],
            web: web!($lang: "ask", "status", "notice"),
        }
    };
}

/// The letters of the language in the brackets; a letter is listed here once for all languages.
macro_rules! folders {
    ($($language:ident = $lang:literal),+ $(,)?) => {
        &[$(folder!(
            $language, $lang: "challenge", "code_asked", "reminder", "scheduled", "service_ended", "approval_asked", "forwarded",
            "passed_on", "second_notice", "in_review", "on_hold", "paused", "completed", "kept_erased", "nothing_held", "refused",
            "extension", "withdrawn", "expired", "recipient_asked", "recipient_reminded", "alarm_review", "alarm_step_failed", "alarm_bounced", "alarm_delayed",
            "alarm_due_soon", "alarm_mailbox", "alarm_ledger", "alarm_termination", "alarm_capped", "alarm_recipient", "alarm_gathered",
        )),+]
    };
}

/// Every language's folder.
static FOLDERS: &[Folder] = folders!(En = "en", De = "de", Fr = "fr", Es = "es");

#[cfg(test)]
mod tests;
