//! `[keys.*]`: tables of a store that has none of its own (Redis, objects). The map says how the names are made, and
//! what stands at each place in braces is a column like any other: `belongs_to` tells whose key it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_spanned::Spanned;

use super::load::Reader;
use super::raw::{RawKeys, RawMap};
use super::{MapError, NO_CATEGORY, Rule, StoreMap, TableMap};
use crate::stores::keyed::{Holds, MEMBER, Member, NAME, Shape, Shapes, Template, VALUE, VERSION};
use crate::stores::{StoreKind, StoreName};

impl StoreMap {
    /// What the map says of the names of a store that has no tables of its own.
    #[must_use]
    pub fn shapes(&self) -> Shapes {
        let tables = self.tables.iter().filter_map(|(name, table)| Some((name.clone(), table.shape.clone()?)));
        let ignore = if self.kind.is_keyed() {
            self.ignore.iter().filter_map(|name| name.parse().ok()).collect()
        } else {
            Vec::new()
        };
        Shapes { tables: tables.collect(), ignore, canary: self.canary.clone().filter(|_| self.kind.is_keyed()) }
    }
}

impl Reader<'_> {
    /// Reads one table of names.
    pub(super) fn names(&self, kind: StoreKind, raw: &Spanned<RawKeys>) -> Result<TableMap, MapError> {
        let span = raw.span();
        let raw = raw.as_ref();
        if raw.erase.as_ref() != Rule::Delete.as_str() {
            let help =
                "use erase = \"delete\", or, for names of nobody's data, list the pattern in ignore under [store]";
            return Err(self.error(raw.erase.span(), "what lies under a name goes as a whole", help));
        }
        let categories = self.value_categories(raw)?;
        let shape = Shape {
            pattern: self.template(&raw.pattern)?,
            holds: self.holds(kind, raw, &span)?,
            member: self.member(raw)?,
            values: categories.keys().cloned().collect(),
        };
        self.member_fits(&shape, raw, &span)?;
        self.places_fit(&shape, raw, &span)?;
        let plain = shape.row_key().into_iter().chain(shape.places().map(str::to_owned));
        let plain: BTreeMap<_, _> = plain.map(|column| (column, NO_CATEGORY.to_owned())).collect();
        Ok(TableMap {
            subject: None,
            key: shape.row_key(),
            identify: BTreeMap::new(),
            belongs_to: self.plain_links(&raw.belongs_to)?,
            refers_to: Vec::new(),
            held_by: Vec::new(),
            words: BTreeMap::new(),
            categories: plain.into_iter().chain(categories).collect(),
            erase: Rule::Delete,
            mask: BTreeMap::new(),
            keep: None,
            answers: Vec::new(),
            shape: Some(shape),
        })
    }

    fn value_categories(&self, raw: &RawKeys) -> Result<BTreeMap<String, String>, MapError> {
        let categories = raw.category.as_ref().to_vec();
        let column = |category: &String| match categories.len() {
            1 => VALUE.to_owned(),
            _ => format!("{VALUE}.{category}"),
        };
        if categories.is_empty() {
            return Err(self.error(raw.category.span(), "no category is named", "name at least one, or \"none\""));
        }
        for category in &categories {
            self.is_category(category, raw.category.span())?;
        }
        Ok(categories.iter().map(|category| (column(category), category.clone())).collect())
    }

    fn template(&self, text: &Spanned<String>) -> Result<Template, MapError> {
        let template = text.as_ref().parse();
        template.map_err(|error: crate::stores::keyed::BadTemplate| self.error(text.span(), error.problem, error.help))
    }

    fn holds(&self, kind: StoreKind, raw: &RawKeys, span: &Range<usize>) -> Result<Holds, MapError> {
        let known = "use one of: string, hash, list, set, zset, stream";
        match (kind, &raw.holds) {
            (StoreKind::Redis, Some(word)) => match word.as_ref().parse() {
                Ok(holds) if holds != Holds::Object => Ok(holds),
                _ => Err(self.error(word.span(), format!("{:?} is no type of Redis", word.as_ref()), known)),
            },
            (StoreKind::Redis, None) => Err(self.error(span.clone(), "its type is missing", known)),
            (kind, _) if !kind.is_keyed() => {
                let help = "use [tables.NAME]";
                Err(self.error(span.clone(), format!("a store of the kind {kind} has tables of its own"), help))
            }
            (_, None) => Ok(Holds::Object),
            (_, Some(word)) => Err(self.error(word.span(), "objects have no type", "take it away")),
        }
    }

    fn member(&self, raw: &RawKeys) -> Result<Option<Member>, MapError> {
        let ignore = raw.ignore.iter().flatten().map(|text| self.template(text)).collect::<Result<_, _>>()?;
        let named = [&raw.field, &raw.member].into_iter().flatten().next();
        Ok(match (named, &raw.entry) {
            (Some(text), None) => Some(Member { pattern: self.template(text)?, field: None, ignore }),
            (None, Some(entry)) => {
                let mut fields = entry.as_ref().iter();
                let (Some((field, text)), None) = (fields.next(), fields.next()) else {
                    let help = "name the one field that tells whose an entry is: entry = { user_id = \"{user}\" }";
                    return Err(self.error(entry.span(), "an entry is known by one field", help));
                };
                Some(Member { pattern: self.template(text)?, field: Some(field.clone()), ignore })
            }
            _ => None,
        })
    }

    /// Whether what makes a row fits the type, and stands there once.
    fn member_fits(&self, shape: &Shape, raw: &RawKeys, span: &Range<usize>) -> Result<(), MapError> {
        let given = [("field", raw.field.is_some()), ("member", raw.member.is_some()), ("entry", raw.entry.is_some())];
        let given: Vec<_> = given.into_iter().filter(|(_, given)| *given).map(|(word, _)| word).collect();
        let allowed = match shape.holds {
            Holds::Hash => "field",
            Holds::Set | Holds::SortedSet => "member",
            Holds::Stream => "entry",
            Holds::Text | Holds::List | Holds::Object => "",
        };
        match given.as_slice() {
            [] if raw.ignore.is_none() => Ok(()),
            [word] if *word == allowed => Ok(()),
            [] => {
                let help = "take it away; names of nobody's data are listed in ignore under [store]";
                Err(self.error(span.clone(), "only members can be ignored here", help))
            }
            _ => {
                let help = "field is for a hash, member for a set or zset, entry for a stream; without them the whole name goes";
                Err(self.error(span.clone(), format!("a {} has no {}", shape.holds, given.join(" and ")), help))
            }
        }
    }

    fn places_fit(&self, shape: &Shape, raw: &RawKeys, span: &Range<usize>) -> Result<(), MapError> {
        let places: Vec<_> = shape.places().collect();
        if let Some(place) = places.iter().find(|place| [NAME, MEMBER, VERSION, VALUE].contains(place)) {
            let help = "key, member, version and value mean something else here; choose another name";
            return Err(self.error(span.clone(), format!("a place is called {place}"), help));
        }
        let mut seen = BTreeSet::new();
        if let Some(place) = places.iter().find(|place| !seen.insert(**place)) {
            let help = "give it two names, and list both: belongs_to = { \"store.table\" = [\"user\", \"same_user\"] }";
            return Err(self.error(span.clone(), format!("{place} stands in the name and in its member"), help));
        }
        if raw.belongs_to.is_empty() {
            let help = "add belongs_to = { \"store.table\" = \"place\" }; names of nobody's data are listed in ignore under [store]";
            return Err(self.error(span.clone(), "nothing leads to its rows", help));
        }
        for columns in raw.belongs_to.values() {
            if let Some(column) = columns.as_ref().to_vec().iter().find(|column| !places.contains(&column.as_str())) {
                let help = format!("put {{{column}}} where it stands in the names");
                return Err(self.error(columns.span(), format!("{column} is no place of the template"), help));
            }
        }
        Ok(())
    }
}

/// What can be seen only in all tables of one store.
pub(super) fn whole(
    file: super::load::File<'_>,
    raw: &RawMap,
    name: &StoreName,
    store: &StoreMap,
) -> Result<(), MapError> {
    let span = raw.store.span();
    let wrong = |message: String, help: &str| Err(MapError::at(file, span.clone(), message, help));
    let others_are_there = if store.kind.is_keyed() { !raw.tables.is_empty() } else { !raw.keys.is_empty() };
    if others_are_there {
        let words =
            if store.kind.is_keyed() { "[keys.NAME] and no [tables.NAME]" } else { "[tables.NAME] and no [keys.NAME]" };
        return wrong(
            format!("the store {name} is not mapped as its kind is"),
            &format!("a store of the kind {} has {words}", store.kind),
        );
    }
    if !store.kind.is_keyed() {
        return Ok(());
    }
    if let Some(bad) = store.ignore.iter().find(|text| text.parse::<Template>().is_err()) {
        return wrong(format!("{bad:?} in ignore is no pattern"), "write how the names are made, such as \"rate:*\"");
    }
    let shapes = store.shapes();
    if let Some(canary) = &shapes.canary {
        let claims = |shape: &Shape| shape.pattern.read(canary.as_bytes()).is_some();
        if let Some((table, _)) = shapes.tables.iter().find(|(_, shape)| claims(shape)) {
            return wrong(format!("the canary {canary} is a name of {table}"), "give the canary a name of its own");
        }
    }
    if let Some((one, other)) = shapes.clash() {
        let help = "make the patterns such that every name belongs to one table";
        return wrong(format!("{one} and {other} claim the same names"), help);
    }
    if let Some((table, ignored)) = shapes.ignored() {
        return wrong(
            format!("{ignored} is ignored and names of {table} are like that"),
            "make the ignored pattern narrower",
        );
    }
    Ok(())
}
