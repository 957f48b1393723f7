//! What the mark of a completion is over of what the last letter tells, written as bytes in one form that stays.
//!
//! A request may wait for its end for months, and a program that was given one field more in between must still know its own
//! mark. So nothing here goes by how a struct serialises. The form, version 2: parts, each preceded by its length as eight bytes,
//! the highest first. A text is its UTF-8, a number or a yes (1) or no (0) eight bytes, a day `2026-11-28`; a list is how many and
//! then each of them; what may be missing is a list of none or one.
//!
//! | what | parts |
//! |---|---|
//! | the version | `expunged/told/2` |
//! | the outcome | a list: category, erased, removed, anonymised, pseudonymised, kept, ground?, until?, not found |
//! | records of others that let go | a number |
//! | what stays | a list: store, table, ground, until?, rows |
//! | what was searched, and where something was found | two lists of names |
//!
//! # How to add a fact
//! What a letter is to tell besides goes behind the last part, and only where it is not what all were before it came (0, none,
//! no), so that what was marked before keeps its form. What cannot be left out so is a version of its own, and both are tried.

use jiff::civil::Date;

use crate::reply::letters::OutcomeLine;

use super::super::facts::{Closing, KeptRows};

const VERSION: &str = "expunged/told/2";

/// The parts so far.
struct Form(Vec<u8>);

impl Form {
    fn part(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.part(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.part(&number.to_be_bytes());
    }

    fn day(&mut self, day: Option<&Date>) {
        self.list(day, |form, day| form.text(&format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())));
    }

    fn list<T>(&mut self, of: impl IntoIterator<Item = T>, each: impl Fn(&mut Self, T)) {
        let of: Vec<T> = of.into_iter().collect();
        self.number(of.len() as u64);
        of.into_iter().for_each(|one| each(self, one));
    }

    // Every field is named, so that a new one does not compile before somebody has decided about it.
    fn outcome(&mut self, line: &OutcomeLine) {
        let OutcomeLine { category, erased, removed, anonymised, pseudonymised, kept, ground, until, not_found } = line;
        self.text(category);
        [erased, removed, anonymised, pseudonymised, kept].into_iter().for_each(|rows| self.number(*rows));
        self.list(ground, |form, ground| form.text(ground));
        self.day(until.as_ref());
        self.number(u64::from(*not_found));
    }

    fn kept(&mut self, staying: &KeptRows) {
        let KeptRows { store, table, ground, until, rows } = staying;
        [store, table, ground].into_iter().for_each(|text| self.text(text));
        self.day(until.as_ref());
        self.number(*rows);
    }
}

/// What the last letter tells of what came of the erasing. What may be written to the case later is no part of it.
pub(super) fn told(closing: &Closing) -> Vec<u8> {
    let Closing { outcome, detached, kept, searched, found_in, .. } = closing;
    let mut form = Form(Vec::new());
    form.text(VERSION);
    form.list(outcome, Form::outcome);
    form.number(*detached);
    form.list(kept, Form::kept);
    form.list(searched, |form, name| form.text(name));
    form.list(found_in, |form, name| form.text(name));
    form.0
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn closing() -> Closing {
        let until = Some(jiff::civil::date(2036, 1, 2));
        let line = OutcomeLine {
            category: "contact".to_owned(),
            erased: 1,
            removed: 2,
            anonymised: 3,
            pseudonymised: 4,
            kept: 5,
            ground: Some("HGB §257".to_owned()),
            until,
            not_found: false,
        };
        let nothing =
            OutcomeLine { category: "phone".to_owned(), ground: None, until: None, not_found: true, ..line.clone() };
        Closing {
            outcome: vec![line, nothing],
            detached: 6,
            kept: vec![KeptRows {
                store: "shop".to_owned(),
                table: "orders".to_owned(),
                ground: "HGB §257".to_owned(),
                until,
                rows: 5,
            }],
            searched: vec!["shop".to_owned(), "crm".to_owned()],
            found_in: vec!["shop".to_owned()],
            ..Closing::default()
        }
    }

    /// A form that changes makes a forgery of every request that waits for its end: these bytes stay.
    #[test]
    fn the_form_stays() {
        let nothing = told(&Closing::default());
        let written: Vec<u8> = [
            &[0, 0, 0, 0, 0, 0, 0, 15][..],
            b"expunged/told/2",
            &[[0, 0, 0, 0, 0, 0, 0, 8], [0; 8]].concat().repeat(5),
        ]
        .concat();
        assert_eq!(HEXLOWER.encode(&nothing), HEXLOWER.encode(&written));
        let digest = |closing: &Closing| HEXLOWER.encode(&Sha256::digest(told(closing)));
        assert_eq!(digest(&closing()), "76ce385b8cff206c254b10ed7e8c9135a6e020b515c77c1aba94f28e95eb19cf");
    }

    #[test]
    fn nothing_that_is_told_can_be_altered_or_moved() {
        let good = told(&closing());
        let alterations: [fn(&mut Closing); 18] = [
            |c| c.outcome[0].category.push('s'),
            |c| c.outcome[0].erased += 1,
            |c| c.outcome[0].removed += 1,
            |c| c.outcome[0].anonymised += 1,
            |c| c.outcome[0].pseudonymised += 1,
            |c| c.outcome[0].kept += 1,
            |c| c.outcome[0].ground = None,
            |c| c.outcome[0].until = None,
            |c| c.outcome[0].not_found = true,
            |c| drop(c.outcome.pop()),
            |c| c.detached = 0,
            |c| c.kept[0].store.push('2'),
            |c| c.kept[0].table.clear(),
            |c| c.kept[0].ground.clear(),
            |c| c.kept[0].until = None,
            |c| c.kept[0].rows = 4,
            |c| c.searched.swap(0, 1),
            |c| c.found_in.insert(0, c.searched.pop().unwrap()),
        ];
        for (which, alter) in alterations.into_iter().enumerate() {
            let mut altered = closing();
            alter(&mut altered);
            assert_ne!(told(&altered), good, "{which}");
        }
        let later = Closing { withdrawn_by_team: true, extension_reason: Some("much".to_owned()), ..closing() };
        assert_eq!(told(&later), good, "what is written later is no part of it");
    }
}
