//! Categories and masks of the columns of one table.

use std::collections::{BTreeMap, BTreeSet};

use super::{Guess, LinkGuess, NO_CATEGORY, words};
use crate::erase::map::{Mask, fit};
use crate::stores::{Column, ColumnKind, Table, ValueShapes};

/// A table and what is known of it.
pub(super) struct Place<'a> {
    pub(super) table: &'a Table,
    pub(super) key: &'a [String],
    pub(super) links: &'a [LinkGuess],
    /// Whether its rows are, or belong to, a subject.
    pub(super) reached: bool,
    pub(super) shapes: Option<&'a BTreeMap<String, ValueShapes>>,
}

type Named = (String, Guess<&'static str>);

/// The category of every column.
pub(super) fn categories(place: &Place<'_>) -> Vec<Named> {
    let pointing = place.links.iter().flat_map(|link| &link.columns);
    let foreign = place.table.foreign_keys.iter().flat_map(|foreign| &foreign.columns);
    let pointing: BTreeSet<&String> = pointing.chain(foreign).collect();
    let mut named = Vec::with_capacity(place.table.columns.len());
    for column in &place.table.columns {
        let guess = if pointing.contains(&column.name) {
            Guess::new(NO_CATEGORY, 0.95, "it holds another row's key")
        } else {
            let guess = by_name(place, column);
            match place.shapes.and_then(|shapes| shapes.get(&column.name)) {
                Some(shapes) => by_shape(guess, column, shapes),
                None => guess,
            }
        };
        let guess = if place.reached || guess.is_sure() || guess.value == NO_CATEGORY {
            guess
        } else {
            Guess::new(NO_CATEGORY, 0.5, format!("{}, and nothing leads here from a subject", guess.reason))
        };
        named.push((column.name.clone(), guess));
    }
    an_address_is_near(&mut named);
    named
}

fn by_name(place: &Place<'_>, column: &Column) -> Guess<&'static str> {
    let is_key = place.key.contains(&column.name);
    let said = words::category(&column.name, place.reached);
    match column.kind {
        ColumnKind::Int | ColumnKind::Uuid if is_key => Guess::new(NO_CATEGORY, 0.99, "the key"),
        // A name, an address or a number can be a key: then it is personal, and goes with its row.
        _ if is_key => {
            said.unwrap_or_else(|| Guess::new(NO_CATEGORY, 0.6, "the key, but perhaps one that says something"))
        }
        ColumnKind::Time => match said {
            Some(said) if said.value == "identity" => said,
            _ => Guess::new(NO_CATEGORY, 0.85, "a time"),
        },
        _ => said.unwrap_or_else(|| unnamed(place, column)),
    }
}

/// A column whose name says nothing.
fn unnamed(place: &Place<'_>, column: &Column) -> Guess<&'static str> {
    let number = matches!(column.kind, ColumnKind::Int | ColumnKind::Number | ColumnKind::Float);
    match column.kind {
        _ if column.compare_type.eq_ignore_ascii_case("boolean") || column.type_name == "tinyint(1)" => {
            Guess::new(NO_CATEGORY, 0.85, "yes or no")
        }
        _ if is_network(column) => Guess::new("behaviour", 0.9, "a network address"),
        ColumnKind::Uuid => Guess::new(NO_CATEGORY, 0.7, "a UUID, perhaps another row's key"),
        _ if number && !place.reached => Guess::new(NO_CATEGORY, 0.85, "a number in a table of nobody's data"),
        _ if number => Guess::new(NO_CATEGORY, 0.6, "a number"),
        _ if !place.reached => Guess::new(NO_CATEGORY, 0.5, "nothing leads here from a subject"),
        _ => Guess::new(NO_CATEGORY, 0.3, "its name says nothing"),
    }
}

/// Whether the store itself says that a column holds addresses of a network or of its cards.
fn is_network(column: &Column) -> bool {
    let types = ["inet", "cidr", "macaddr", "macaddr8", "inet4", "inet6"];
    types.iter().any(|known| column.compare_type.eq_ignore_ascii_case(known))
}

/// What each shape of values is taken for, and how that is said.
pub(super) const SHAPES: [(&str, &str); 8] = [
    ("contact", "look like mail addresses"),
    ("phone", "look like telephone numbers"),
    ("behaviour", "look like network addresses"),
    ("financial", "look like bank accounts"),
    ("financial", "look like payment cards"),
    ("credentials", "look like hashed passwords"),
    ("behaviour", "look like browsers' names"),
    ("communication", "are texts of many words"),
];

/// What the values look like says more than a name that is not sure, where enough of them were seen. Where a name
/// says something else surely, a person decides.
fn by_shape(named: Guess<&'static str>, column: &Column, shapes: &ValueShapes) -> Guess<&'static str> {
    const SEEN_MIN: u32 = 5;
    const MOST: f32 = 0.6;
    const NAMED_SURELY: f32 = 0.9;
    // Digits of a network address look like a number that somebody is called by.
    let telephones = if is_network(column) { 0 } else { shapes.telephones };
    if shapes.seen < SEEN_MIN {
        return named;
    }
    let most = |count: u32| count as f32 / shapes.seen as f32 >= MOST;
    let counts = [
        shapes.addresses,
        telephones,
        shapes.ips,
        shapes.ibans,
        shapes.cards,
        shapes.hashes,
        shapes.agents,
        shapes.prose,
    ];
    for (count, (category, what)) in counts.into_iter().zip(SHAPES) {
        if most(count) {
            let reason = format!("{count} of {} sampled values {what}", shapes.seen);
            // A name that says something narrower (a note on health) stands.
            let narrower = named.is_sure() && named.value != NO_CATEGORY && category == "communication";
            return if narrower {
                named
            } else if named.confidence >= NAMED_SURELY && named.value != category {
                let against = format!("{reason}; but {}, which is mostly {:?}", named.reason, named.value);
                Guess::new(category, 0.5, against)
            } else {
                Guess::new(category, 0.95, reason)
            };
        }
    }
    if most(shapes.names) && named.value == NO_CATEGORY {
        let reason = format!("{} of {} sampled values look like names of people", shapes.names, shapes.seen);
        return Guess::new("identity", 0.7, reason);
    }
    named
}

/// A state or a country beside a street or a city is a part of an address.
fn an_address_is_near(named: &mut [Named]) {
    let near = named.iter().any(|(_, guess)| matches!(guess.value, "contact" | "phone") && guess.is_sure());
    for (_, guess) in named.iter_mut().filter(|(_, guess)| near && guess.value == "contact" && !guess.is_sure()) {
        guess.confidence = 0.8;
        guess.reason.push_str(", beside what a person is reached by");
    }
}

/// By what a person is recognised.
pub(super) fn identify(columns: &[Named], subject: bool) -> BTreeMap<&'static str, String> {
    let mut identify = BTreeMap::new();
    let sure = columns.iter().filter(|(_, guess)| subject && guess.is_sure());
    for (column, guess) in sure {
        let words = words::words(column);
        let has = |word: &str| words.iter().any(|other| other == word);
        let what = match guess.value {
            "contact" if has("email") || has("mail") => "email",
            "phone" if has("phone") || has("telephone") || has("mobile") => "phone",
            "identity"
                if column.to_lowercase().ends_with("fullname") || words.ends_with(&["full".into(), "name".into()]) =>
            {
                "name"
            }
            _ => continue,
        };
        identify.entry(what).or_insert_with(|| column.clone());
    }
    identify
}

/// A mask for every column that is personal or must let go. `None` is a mask that is needed and that nothing fits.
pub(super) fn masks(place: &Place<'_>, columns: &[Named]) -> BTreeMap<String, Option<Mask>> {
    let mut masks = BTreeMap::new();
    for (name, guess) in columns.iter().filter(|(_, guess)| guess.value != NO_CATEGORY && place.reached) {
        let Some(column) = place.table.column(name).filter(|_| !place.key.contains(name)) else { continue };
        let mask = fitting(column, place.table);
        // Who is known and reached by a column keeps it while the account lives; all else must be able to go.
        let needed = !matches!(guess.value, "identity" | "contact" | "phone");
        if mask.is_some() || needed && !column.generated {
            masks.insert(name.clone(), mask);
        }
    }
    for link in place.links {
        let points = !link.belongs.value;
        let kept = points || !place.key.iter().any(|key| link.columns.contains(key));
        match &link.detach {
            Some(column) if kept => masks.insert(column.clone(), Some(Mask::Detach)),
            None if points => masks.insert(link.columns.first().cloned().unwrap_or_default(), None),
            _ => None,
        };
    }
    masks
}

/// What columns whose category is open could become, if they turn out to be personal.
pub(super) fn spare(place: &Place<'_>, columns: &[Named]) -> BTreeMap<String, Mask> {
    let is_open = |name: &String, guess: &Guess<&'static str>| {
        place.reached && guess.value == NO_CATEGORY && !guess.is_sure() && !place.key.contains(name)
    };
    let open = columns.iter().filter(|(name, guess)| is_open(name, guess));
    open.filter_map(|(name, _)| Some((name.clone(), fitting(place.table.column(name)?, place.table)?))).collect()
}

/// The mask that leaves the least, of those that fit.
fn fitting(column: &Column, table: &Table) -> Option<Mask> {
    let constant = match column.kind {
        ColumnKind::Text => "erased",
        ColumnKind::Time => "1980-01-01",
        ColumnKind::Other => "false",
        _ => "0",
    };
    let candidates = [Mask::Null, Mask::Constant(constant.to_owned()), Mask::Constant("0".to_owned()), Mask::Tombstone];
    candidates.into_iter().find(|mask| fit::fits(mask, column, table))
}
