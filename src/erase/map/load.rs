//! Raw → checked: a [`DataMap`] that is consistent in itself, or an error with its place.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_spanned::Spanned;

use super::raw::{RawKeep, RawMap, RawStore, RawTable, RawThrottle};
use super::{
    DataMap, Keep, MapError, Mask, Rule, StoreMap, StoreUrl, TableMap, TableRef, Throttle, error, form, head, lag,
    names, recipient, url, whole,
};
use crate::domain::SubjectKind;
use crate::stores::{RecipientKind, StoreKind, StoreName};

pub(super) type File<'a> = (&'a str, &'a str);
pub(super) type Spans = BTreeMap<TableRef, (usize, Range<usize>)>;

pub(super) fn load(files: &[File<'_>]) -> Result<DataMap, MapError> {
    each(files.iter().map(|file| head::check(*file)))?;
    let (of_recipients, files): (Vec<File<'_>>, Vec<File<'_>>) =
        files.iter().partition(|(_, text)| recipient::is_of_recipient(text));
    let files = files.as_slice();
    let raws = each(files.iter().map(|file| form::parse(*file)))?;
    let keys = keys_of(files, &raws)?;
    let mut spans = Spans::new();
    let read = files.iter().zip(&raws).enumerate();
    let read = each(read.map(|(index, (file, raw))| one(*file, index, raw, &keys, &mut spans)))?;
    let mut stores = BTreeMap::new();
    for ((name, store), (file, raw)) in read.into_iter().zip(files.iter().zip(&raws)) {
        if stores.insert(name.clone(), store).is_some() {
            let (message, help) = (format!("two files map the store {name}"), "one file per store");
            return Err(MapError::at(*file, raw.store.as_ref().name.span(), message, help));
        }
    }
    let mut recipients = BTreeMap::new();
    let asked = each(of_recipients.iter().map(|file| recipient::load(*file)))?;
    for ((name, recipient), file) in asked.into_iter().zip(&of_recipients) {
        if recipients.insert(name.clone(), recipient).is_some() {
            return Err(MapError::at(*file, 0..0, format!("two files map the store {name}"), "one file per store"));
        }
    }
    let map = DataMap { stores, recipients };
    whole::check(files, &map, &spans)?;
    recipient::check(&of_recipients, &map)?;
    Ok(map)
}

/// All of them, or all that is wrong with any: who mends a map sees the whole of it at once.
pub(super) fn each<T>(results: impl Iterator<Item = Result<T, MapError>>) -> Result<Vec<T>, MapError> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(one) => found.push(one),
            Err(error) => errors.push(error),
        }
    }
    MapError::all(errors).map_or(Ok(found), Err)
}

/// The map of one store.
fn one(
    file: File<'_>,
    index: usize,
    raw: &RawMap,
    keys: &BTreeMap<TableRef, Vec<String>>,
    spans: &mut Spans,
) -> Result<(StoreName, StoreMap), MapError> {
    let name = store_name(file, &raw.store.as_ref().name)?;
    let kind = store_kind(file, &raw.store)?;
    let mut at = |table: &String, span| {
        let at = TableRef { store: name.clone(), table: table.clone() };
        spans.insert(at.clone(), (index, span));
        at
    };
    let tables = raw.tables.iter().map(|(table, raw)| {
        let at = at(table, raw.span());
        Ok((table.clone(), Reader { file, at: &at, keys }.table(raw)?))
    });
    let tables: Vec<Result<_, MapError>> = tables.collect();
    let named = raw.keys.iter().map(|(table, raw)| {
        let at = at(table, raw.span());
        Ok((table.clone(), Reader { file, at: &at, keys }.names(kind, raw)?))
    });
    let named: Vec<Result<_, MapError>> = named.collect();
    let tables = each(tables.into_iter().chain(named));
    let (known, wrong) = match tables {
        Ok(tables) => (tables.into_iter().collect(), None),
        Err(error) => (BTreeMap::new(), Some(error)),
    };
    let store = match (store(file, &raw.store, kind, known), wrong) {
        (Ok(store), None) => store,
        (Ok(_), Some(wrong)) | (Err(wrong), None) => return Err(wrong),
        (Err(error), Some(wrong)) => return Err(MapError::all(vec![error, wrong.clone()]).unwrap_or(wrong)),
    };
    names::whole(file, raw, &name, &store)?;
    Ok((name, store))
}

pub(super) fn store_name(file: File<'_>, name: &Spanned<String>) -> Result<StoreName, MapError> {
    StoreName::new(name.as_ref()).ok_or_else(|| {
        let help = "use up to 40 lower-case letters, digits, _ and -";
        MapError::at(file, name.span(), "this cannot be a store's name", help)
    })
}

fn store_kind(file: File<'_>, raw: &Spanned<RawStore>) -> Result<StoreKind, MapError> {
    let kind = &raw.as_ref().kind;
    kind.as_ref().parse().map_err(|error: crate::domain::UnknownWord| {
        // Those of recipients are read elsewhere, and are kinds all the same.
        let others = RecipientKind::ALL.iter().map(|kind| format!(", {kind}")).collect::<String>();
        word(file, kind.span(), &crate::domain::UnknownWord { expected: error.expected.clone() + &others, ..error })
    })
}

fn store(
    file: File<'_>,
    raw: &Spanned<RawStore>,
    kind: StoreKind,
    tables: BTreeMap<String, TableMap>,
) -> Result<StoreMap, MapError> {
    let store = raw.as_ref();
    let url = match (&store.url, &store.url_file, &store.url_credential) {
        (Some(url), None, None) => {
            if let Some(fault) = url::fault(kind, url.as_ref()) {
                return Err(MapError::at(file, url.span(), fault.message, fault.help));
            }
            StoreUrl::Value(url.as_ref().clone())
        }
        (None, Some(path), None) => StoreUrl::File(path.clone()),
        (None, None, Some(name)) => StoreUrl::Credential(name.clone()),
        _ => {
            let help = "write exactly one of url, url_file and url_credential";
            return Err(MapError::at(file, raw.span(), "it is not clear how the store is reached", help));
        }
    };
    let ignore = store.ignore.as_ref().map(|ignore| ignore.as_ref().clone()).unwrap_or_default();
    if let Some(table) = ignore.iter().find(|table| tables.contains_key(*table)) {
        let help = "take it out of ignore, or take its map away";
        let span = store.ignore.as_ref().map_or(0..0, Spanned::span);
        return Err(MapError::at(file, span, format!("table {table} is mapped and ignored"), help));
    }
    let canary = store.canary.as_ref().map(|canary| canary.get_ref().clone());
    if let Some(named) = &store.canary {
        let spoken_of = tables.contains_key(named.get_ref()) || ignore.contains(named.get_ref());
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/');
        let fits = !kind.is_keyed() || !named.get_ref().is_empty() && named.get_ref().chars().all(is_name);
        if !fits || spoken_of {
            let help = "a canary is a table of its own in a database, and elsewhere a name of letters, digits, _ - . : and /; see the README";
            return Err(MapError::at(file, named.span(), "this cannot be a canary", help));
        }
    }
    let throttle = throttle(file, kind, store.throttle.as_ref())?;
    let (location, processor, purpose) = (store.location.clone(), store.processor.clone(), store.purpose.clone());
    let backup_days = store.backup_days;
    let file = file.0.to_owned();
    Ok(StoreMap { kind, url, location, processor, purpose, backup_days, ignore, canary, throttle, tables, file })
}

/// A rest of a hundred times the work, which is as good as a pause.
const REST_PERCENT_MAX: u32 = 10_000;

fn throttle(file: File<'_>, kind: StoreKind, raw: Option<&Spanned<RawThrottle>>) -> Result<Option<Throttle>, MapError> {
    let Some(raw) = raw else { return Ok(None) };
    let RawThrottle { rest_percent, lag, lag_max } = raw.as_ref();
    let wrong = |message, help| Err(MapError::at(file, raw.span(), message, help));
    if *rest_percent > REST_PERCENT_MAX {
        return wrong("the rest after a chunk is too long", "write rest_percent of 0 to 10000");
    }
    if let Some(lag) = lag
        && let Some(fault) = lag::fault(lag.get_ref())
    {
        let message = format!("the query for the lag only looks, and {fault}");
        return Err(MapError::at(file, lag.span(), message, "write one SELECT that answers one number"));
    }
    match (lag, lag_max) {
        (Some(_), _) if kind.is_keyed() => {
            wrong("this store answers no queries", "take lag away, or use rest_percent alone")
        }
        (Some(lag), Some(max)) if max.is_finite() && *max >= 0.0 => {
            Ok(Some(Throttle { rest_percent: *rest_percent, lag: Some(lag.get_ref().clone()), lag_max: *max }))
        }
        (None, None) => Ok(Some(Throttle { rest_percent: *rest_percent, lag: None, lag_max: 0.0 })),
        _ => wrong("it is not clear when the store lags", "write both lag (a query for one number) and lag_max"),
    }
}

fn word(file: File<'_>, span: Range<usize>, error: &crate::domain::UnknownWord) -> MapError {
    let message = format!("{:?} is no {}", error.found, error.what);
    MapError::at(file, span, message, format!("use one of: {}", error.expected))
}

/// The key of every table of every store: a link is read by the key that it points to.
fn keys_of(files: &[File<'_>], raws: &[RawMap]) -> Result<BTreeMap<TableRef, Vec<String>>, MapError> {
    let mut keys = BTreeMap::new();
    for (file, raw) in files.iter().zip(raws) {
        let store = store_name(*file, &raw.store.as_ref().name)?;
        for (table, map) in &raw.tables {
            let at = TableRef { store: store.clone(), table: table.clone() };
            keys.insert(at, map.as_ref().key.as_ref().to_vec());
        }
    }
    Ok(keys)
}

/// A part of a table, or its error beside those of the others.
fn or<T: Default>(wrong: &mut Vec<MapError>, read: Result<T, MapError>) -> T {
    or_else(wrong, read, T::default())
}

fn or_else<T>(wrong: &mut Vec<MapError>, read: Result<T, MapError>, instead: T) -> T {
    read.unwrap_or_else(|error| {
        wrong.push(error);
        instead
    })
}

/// Reads one table.
pub(super) struct Reader<'a> {
    file: File<'a>,
    pub(super) at: &'a TableRef,
    pub(super) keys: &'a BTreeMap<TableRef, Vec<String>>,
}

impl Reader<'_> {
    pub(super) fn error(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> MapError {
        MapError::at(self.file, span, format!("table {}: {}", self.at.table, message.into()), help)
    }

    fn table(&self, raw: &Spanned<RawTable>) -> Result<TableMap, MapError> {
        let span = raw.span();
        let raw = raw.as_ref();
        let mut wrong = Vec::new();
        let table = TableMap {
            subject: or(&mut wrong, raw.subject.as_ref().map(|word| self.subject(word)).transpose()),
            key: raw.key.as_ref().to_vec(),
            identify: raw.identify.iter().map(|(what, column)| (what.clone(), column.as_ref().clone())).collect(),
            belongs_to: or(&mut wrong, self.links(&raw.belongs_to)),
            refers_to: or(&mut wrong, self.links(&raw.refers_to)),
            held_by: or(&mut wrong, self.holders(&raw.held_by)),
            categories: or(&mut wrong, self.categories(raw)),
            words: or(&mut wrong, self.listed_words(&raw.words)),
            erase: or_else(&mut wrong, self.rule(&raw.erase), Rule::Delete),
            mask: or(&mut wrong, self.masks(&raw.mask)),
            keep: or(&mut wrong, raw.keep.as_ref().map(|keep| self.keep(keep.as_ref())).transpose()),
            answers: or(&mut wrong, each(raw.rows.iter().map(|answer| self.answer(answer.as_ref())))),
            shape: None,
        };
        // Of a table that could not be read what does not fit would only mislead.
        if let Some(error) = MapError::all(wrong) {
            return Err(error);
        }
        let of_answers = table.answers.iter().zip(&raw.rows).flat_map(|(answer, raw)| {
            let whole = self.rule_is_whole(&table.answering(answer), raw.as_ref().erase.span());
            [self.answer_fits(&table, answer, &raw.span()), whole]
        });
        let of_table = [
            self.columns_are_listed(&table, raw, &span),
            self.rule_is_whole(&table, raw.erase.span()),
            self.links_are_answered(&table, &span),
            self.words_stay(&table, &span),
        ];
        each(of_table.into_iter().chain(of_answers))?;
        Ok(table)
    }

    pub(super) fn rule(&self, rule: &Spanned<String>) -> Result<Rule, MapError> {
        rule.as_ref().parse().map_err(|error| word(self.file, rule.span(), &error))
    }

    fn subject(&self, word: &Spanned<String>) -> Result<SubjectKind, MapError> {
        word.as_ref().parse().map_err(|error: crate::domain::UnknownWord| {
            self.error(word.span(), "no kind of data subject", format!("use one of: {}", error.expected))
        })
    }

    fn categories(&self, raw: &RawTable) -> Result<BTreeMap<String, String>, MapError> {
        let read = raw.categories.iter().map(|(column, category)| {
            self.is_category(category.as_ref(), category.span())?;
            Ok((column.clone(), category.as_ref().clone()))
        });
        Ok(each(read)?.into_iter().collect())
    }

    pub(super) fn is_category(&self, name: &str, span: Range<usize>) -> Result<(), MapError> {
        if !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            return Ok(());
        }
        let help = "use lower-case letters and _, for example \"contact\", or \"none\"";
        Err(self.error(span, format!("{name:?} is no category"), help))
    }

    pub(super) fn keep(&self, keep: &RawKeep) -> Result<Keep, MapError> {
        let ground = keep.ground.as_ref().trim().to_owned();
        if ground.is_empty() {
            let help = "name the article, for example \"Art. 17(3)(b); HGB §257\"";
            return Err(self.error(keep.ground.span(), "a row that is kept needs a ground", help));
        }
        let until = keep.until.as_ref().parse();
        let until = until.map_err(|error: super::until::NotAnEnd| {
            self.error(keep.until.span(), "the end of keeping cannot be read", error.to_string())
        })?;
        Ok(Keep { ground, until })
    }

    fn columns_are_listed(&self, table: &TableMap, raw: &RawTable, span: &Range<usize>) -> Result<(), MapError> {
        let links = table.belongs_to.iter().chain(&table.refers_to).flat_map(|link| &link.columns);
        let until = table.keep.iter().map(|keep| &keep.until.column);
        let used = table.key.iter().chain(table.identify.values()).chain(links).chain(table.mask.keys()).chain(until);
        let used: std::collections::BTreeSet<&String> = used.chain(table.by_word()).collect();
        let unlisted = used.into_iter().filter(|column| !table.categories.contains_key(*column)).map(|column| {
            let meant = error::meant(column, table.categories.keys().map(String::as_str));
            let help = format!("{meant}add `{column} = \"none\"` (or its category) to categories");
            Err::<(), _>(self.error(span.clone(), format!("column {column} has no category"), help))
        });
        each(unlisted)?;
        if table.key.is_empty() {
            return Err(self.error(raw.key.span(), "a row needs a key", "name the primary key's columns"));
        }
        if table.subject.is_some() && table.key.len() > 1 {
            let help = "name a unique column; the directory names a person by one text";
            return Err(self.error(raw.key.span(), "a data subject is known by one column", help));
        }
        match table.key.iter().find(|column| table.mask.contains_key(*column)) {
            Some(column) => {
                let help = "a key stays; delete the row, or choose another key";
                Err(self.error(span.clone(), format!("the key column {column} cannot be masked"), help))
            }
            None => Ok(()),
        }
    }

    fn rule_is_whole(&self, table: &TableMap, erase: Range<usize>) -> Result<(), MapError> {
        if table.erase == Rule::Delete && table.keep.is_some() {
            let help = "use erase = \"mask\" or \"keep\", or take keep away";
            return Err(self.error(erase, "a row cannot be deleted and kept", help));
        }
        if table.erase == Rule::Mask && table.mask.is_empty() {
            return Err(self.error(erase, "nothing is masked", "add mask = { column = \"null\" }"));
        }
        if table.erase == Rule::Keep
            && let Some((column, _)) =
                table.mask.iter().find(|(_, mask)| !matches!(mask, Mask::Detach | Mask::Reown(_)))
        {
            let help = "use erase = \"mask\" where columns are masked";
            return Err(self.error(erase, format!("column {column} of a row that is kept as it is is masked"), help));
        }
        if table.erase == Rule::Delete || table.keep.is_some() || table.is_nobodys() {
            return Ok(());
        }
        let stays = |column: &&str| table.mask.get(*column).is_none_or(|mask| *mask == Mask::Pseudonym);
        let left = table.personal().map(|(column, _)| column).find(stays);
        match left {
            None if table.erase == Rule::Mask => Ok(()),
            _ => {
                let what = left.unwrap_or("the row");
                let help = "mask it (a pseudonym alone does not do), or add keep = { ground = \"…\", until = \"column + 10 years\" }";
                Err(self.error(erase, format!("{what} stays without a ground"), help))
            }
        }
    }

    fn links_are_answered(&self, table: &TableMap, span: &Range<usize>) -> Result<(), MapError> {
        if let Some(link) = table.refers_to.iter().find(|link| !table.lets_go(link)) {
            let column = link.columns.join(", ");
            let help = format!("add mask = {{ {column} = \"detach\" }}, or use belongs_to");
            return Err(self.error(span.clone(), format!("the row does not let go of {}", link.to), help));
        }
        if let Some(link) = table.belongs_to.iter().find(|link| link.shared && !table.lets_go(link)) {
            let column = link.columns.join(", ");
            let help = format!("add mask = {{ {column} = \"detach\" }}: the row goes with the last who shares it");
            return Err(self.error(span.clone(), format!("a shared row does not let go of {}", link.to), help));
        }
        let lets_go = |mask: &Mask| matches!(mask, Mask::Detach | Mask::Reown(_));
        if let Some((column, _)) = table.mask.iter().find(|(column, mask)| lets_go(mask) && !table.is_linked(column)) {
            let help = "name what it points to in belongs_to or refers_to, or use \"null\"";
            return Err(self.error(
                span.clone(),
                format!("column {column} points to nothing that it could let go of"),
                help,
            ));
        }
        let links = table.belongs_to.len() + table.refers_to.len() + table.held_by.len();
        let owned = table.subject.is_some() || links > 0;
        if !owned && !table.is_nobodys() {
            let help =
                "add subject, belongs_to or refers_to; a table of nobody's data has erase = \"keep\" and only \"none\"";
            return Err(self.error(span.clone(), "nothing leads to its rows", help));
        }
        Ok(())
    }
}
