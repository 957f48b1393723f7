//! Random tables with a map for them. Tables are numbered; a table points to lower ones, and where it points to itself
//! or to higher ones (so that links run in circles) it can let go.

use std::fmt::Write as _;

use expunged::domain::Scope;
use expunged::stores::StoreKind;

use super::rows::Value;
use crate::support::dice::Dice;

/// The first tables are the subjects.
pub const SUBJECTS: [(&str, Scope); 3] =
    [("accounts", Scope::Account), ("users", Scope::User), ("people", Scope::EndUser)];

const TABLES_MAX: usize = 60;

pub struct Schema {
    pub tables: Vec<Table>,
}

pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// The first columns of the table.
    pub key: Vec<usize>,
    pub links: Vec<Link>,
    /// Table and link by which rows elsewhere hold rows of this one.
    pub held_by: Vec<(usize, usize)>,
    /// What happens to rows by the word in the column of words; the last one happens to all others.
    pub answers: Vec<Answer>,
    pub word: Option<usize>,
    /// A column that points to several tables, and that of the word which says to which.
    pub by_word: Option<(usize, usize)>,
    pub secret: usize,
    pub since: usize,
}

pub struct Column {
    pub name: String,
    pub kind: Kind,
    pub nullable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Int,
    Text,
}

pub struct Link {
    pub to: usize,
    pub columns: Vec<usize>,
    /// Whether the row only points there, and does not belong to it.
    pub refers: bool,
    /// Whether the row stays while somebody else has it by such a link.
    pub shared: bool,
    /// Whether the store enforces it.
    pub enforced: bool,
    /// The link counts only where this column holds this word.
    pub when: Option<(usize, String)>,
    /// What its columns become when it lets go.
    pub lets_go: Vec<(usize, Value)>,
}

pub struct Answer {
    pub words: Vec<String>,
    pub rule: Rule,
    pub mask: Option<Value>,
    pub keep_years: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    Delete,
    Mask,
    Keep,
}

impl Schema {
    pub fn of(dice: &mut Dice) -> Self {
        // Mostly few tables: then more of them is used.
        let most = [9, 9, 14, 14, 25, TABLES_MAX][dice.below(6)];
        let count = SUBJECTS.len() + 1 + dice.below(most - SUBJECTS.len());
        let mut schema = Self { tables: Vec::new() };
        for number in 0..count {
            let name = SUBJECTS.get(number).map_or_else(|| format!("t{number}"), |subject| subject.0.to_owned());
            let table = Table::of(dice, name, number < SUBJECTS.len());
            schema.tables.push(table);
        }
        for number in 1..count {
            let first = if number < SUBJECTS.len() { 0 } else { dice.below(number) };
            schema.add_link(dice, number, first, false);
        }
        for number in 1..count {
            schema.link(dice, number);
        }
        for number in SUBJECTS.len()..count {
            if dice.percent(12) {
                schema.points_by_word(dice, number);
            }
            if dice.percent(12) {
                schema.is_shared(dice, number);
            }
        }
        if dice.percent(35) {
            schema.is_held(dice);
        }
        schema
    }

    fn link(&mut self, dice: &mut Dice, from: usize) {
        let subject = from < SUBJECTS.len();
        for _ in 0..dice.below(if subject { 2 } else { 3 }) {
            let circular = dice.percent(40);
            let to = if circular { from + dice.below(self.tables.len() - from) } else { dice.below(from) };
            let to = if circular && dice.percent(40) { from } else { to };
            let refers = dice.percent(35);
            self.add_link(dice, from, to, refers);
        }
    }

    fn add_link(&mut self, dice: &mut Dice, from: usize, to: usize, refers: bool) {
        let target = &self.tables[to];
        let (key, goes) = (target.key.len(), target.may(Rule::Delete));
        let kinds: Vec<Kind> = target.key.iter().map(|column| target.columns[*column].kind).collect();
        let stays = self.tables[from].may(Rule::Mask) || self.tables[from].may(Rule::Keep);
        let can_let_go = to >= from || refers || (stays && goes) || dice.percent(25);
        let enforced = dice.percent(70);
        let table = &mut self.tables[from];
        // The key of what belongs to something often begins with the key of that.
        let within_key = !can_let_go && table.links.is_empty() && table.key.len() > key && dice.percent(60);
        let columns: Vec<usize> = (0..key)
            .map(|part| {
                if within_key {
                    table.columns[part].kind = kinds[part];
                    return part;
                }
                // A number there may be a text here, where nobody enforces it.
                let kind = if !enforced && dice.percent(20) { Kind::Text } else { kinds[part] };
                let nullable = can_let_go || dice.percent(30);
                table.add(&format!("l{}_{part}", table.links.len()), kind, nullable)
            })
            .collect();
        let let_go = if can_let_go { 1 + dice.below(columns.len()) } else { 0 };
        let mut lets_go: Vec<_> = columns.iter().take(let_go).map(|column| (*column, Value::Null)).collect();
        if can_let_go && to == 0 && dice.percent(40) {
            // To a placeholder, so that it need not be NULL.
            let column = &mut table.columns[columns[0]];
            column.nullable = from == 0 || dice.percent(50);
            lets_go = vec![(columns[0], placeholder(kinds[0]).in_column(column.kind))];
        }
        table.links.push(Link { to, columns, refers, shared: false, enforced, when: None, lets_go });
    }

    /// Whether this is the row that stands for nobody.
    pub fn is_placeholder(&self, table: usize, key: &[Value]) -> bool {
        table == 0 && key == [placeholder(self.tables[0].columns[0].kind)]
    }

    /// A column that points to one table or to another, as a word beside it says.
    fn points_by_word(&mut self, dice: &mut Dice, from: usize) {
        let kind = self.tables[dice.below(SUBJECTS.len())].columns[0].kind;
        let single = |to: &usize| self.tables[*to].key.len() == 1 && self.tables[*to].columns[0].kind == kind;
        let targets: Vec<usize> = (0..from).filter(single).take(2 + dice.below(2)).collect();
        let table = &mut self.tables[from];
        let id = table.add("thing_id", kind, true);
        let word = table.add("thing_type", Kind::Text, false);
        for to in targets {
            let refers = dice.percent(35);
            let when = Some((word, format!("T{to}")));
            let lets_go = vec![(id, Value::Null)];
            table.links.push(Link { to, columns: vec![id], refers, shared: false, enforced: false, when, lets_go });
        }
        table.by_word = Some((id, word));
    }

    /// Rows of two people.
    fn is_shared(&mut self, dice: &mut Dice, from: usize) {
        for side in 0..2 {
            let to = 1 + dice.below(2);
            let kind = self.tables[to].columns[0].kind;
            let enforced = dice.percent(60);
            let table = &mut self.tables[from];
            let column = table.add(&format!("side{side}"), kind, true);
            let (columns, lets_go) = (vec![column], vec![(column, Value::Null)]);
            table.links.push(Link { to, columns, refers: false, shared: true, enforced, when: None, lets_go });
        }
    }

    /// Rows that belong to all who have a row in a table between.
    fn is_held(&mut self, dice: &mut Dice) {
        let held = self.tables.len();
        self.tables.push(Table::of(dice, format!("t{held}"), false));
        for _ in 0..1 + dice.below(2) {
            let holder = self.tables.len();
            self.tables.push(Table::of(dice, format!("t{holder}"), false));
            let who = 1 + dice.below(2);
            self.add_link(dice, holder, who, false);
            self.add_link(dice, holder, held, false);
            self.tables[held].held_by.push((holder, 1));
        }
    }

    /// The tables as the store makes them. PostgreSQL gets its foreign keys afterwards.
    pub fn tables_sql(&self, kind: StoreKind) -> Vec<String> {
        self.tables.iter().map(|table| self.table_sql(table, kind)).collect()
    }

    fn table_sql(&self, table: &Table, kind: StoreKind) -> String {
        let mut parts: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let kind = if column.kind == Kind::Int { "BIGINT" } else { "VARCHAR(80)" };
                format!("{} {kind}{}", column.name, if column.nullable { "" } else { " NOT NULL" })
            })
            .collect();
        parts.push(format!("PRIMARY KEY ({})", table.names(&table.key)));
        if kind == StoreKind::Sqlite {
            parts.extend(self.foreign_keys(table));
        }
        format!("CREATE TABLE {} ({});", table.name, parts.join(", "))
    }

    pub fn foreign_keys<'a>(&'a self, table: &'a Table) -> impl Iterator<Item = String> + 'a {
        table.links.iter().filter(|link| link.enforced).map(|link| {
            let to = &self.tables[link.to];
            format!("FOREIGN KEY ({}) REFERENCES {} ({})", table.names(&link.columns), to.name, to.names(&to.key))
        })
    }

    /// The map of it.
    pub fn map(&self, kind: StoreKind) -> String {
        let mut map = format!("[store]\nname = \"one\"\nkind = \"{kind}\"\nurl = \"none:\"\nbackup_days = 1\n");
        for (number, table) in self.tables.iter().enumerate() {
            let _ = write!(map, "\n[tables.{}]\nkey = {}\n", table.name, table.quoted(&table.key));
            if let Some((_, subject)) = SUBJECTS.get(number) {
                let _ = writeln!(map, "subject = \"{subject}\"");
            }
            for (word, refers) in [("belongs_to", false), ("refers_to", true)] {
                let _ = writeln!(map, "{word} = {{ {} }}", self.links_of(table, refers));
            }
            let holders = table.held_by.iter().map(|(by, link)| {
                let by = &self.tables[*by];
                format!("{} = {}", by.name, by.quoted(&by.links[*link].columns))
            });
            let _ = writeln!(map, "held_by = {{ {} }}", holders.collect::<Vec<_>>().join(", "));
            if let Some((_, word)) = table.by_word {
                let known = table.links.iter().filter_map(|link| Some(format!("\"{}\", ", link.when.as_ref()?.1)));
                let known: String = known.collect();
                let _ = writeln!(map, "words = {{ {} = [{known}\"Product\"] }}", table.columns[word].name);
            }
            let categories = table.columns.iter().enumerate().map(|(at, column)| {
                format!("{} = \"{}\"", column.name, if at == table.secret { "identity" } else { "none" })
            });
            let _ = writeln!(map, "categories = {{ {} }}", categories.collect::<Vec<_>>().join(", "));
            let (last, others) = table.answers.split_last().expect("a table has an answer");
            table.answer(&mut map, last, true);
            for answer in others {
                let words: Vec<_> = answer.words.iter().map(|word| format!("\"{word}\"")).collect();
                let column = &table.columns[table.word.expect("an answer goes by a word")].name;
                let _ = writeln!(map, "[[tables.{}.rows]]\nwhen = {{ {column} = [{}] }}", table.name, words.join(", "));
                table.answer(&mut map, answer, false);
            }
        }
        map
    }

    fn links_of(&self, table: &Table, refers: bool) -> String {
        let mut links = Vec::new();
        for (number, to) in self.tables.iter().enumerate() {
            let here: Vec<&Link> =
                table.links.iter().filter(|link| link.to == number && link.refers == refers).collect();
            let is_plain = |link: &&&Link| !link.shared && link.when.is_none();
            let texts: Vec<String> = here
                .iter()
                .map(|link| {
                    let columns = table.quoted(&link.columns);
                    if is_plain(&link) && here.len() == 1 {
                        return columns;
                    }
                    let shared = if link.shared { ", shared = true" } else { "" };
                    let when = link.when.as_ref().map_or_else(String::new, |(column, word)| {
                        format!(", when = {{ {} = \"{word}\" }}", table.columns[*column].name)
                    });
                    format!("{{ columns = {columns}{when}{shared} }}")
                })
                .collect();
            match texts.len() {
                0 => {}
                1 => links.push(format!("{} = {}", to.name, texts[0])),
                _ => links.push(format!("{} = [{}]", to.name, texts.join(", "))),
            }
        }
        links.join(", ")
    }
}

impl Table {
    fn of(dice: &mut Dice, name: String, subject: bool) -> Self {
        let parts = if subject { 1 } else { [1, 1, 1, 2, 2, 3][dice.below(6)] };
        let mut table = Self {
            name,
            columns: Vec::new(),
            key: (0..parts).collect(),
            links: Vec::new(),
            held_by: Vec::new(),
            answers: Vec::new(),
            word: None,
            by_word: None,
            secret: 0,
            since: 0,
        };
        for part in 0..parts {
            let kind = if dice.percent(25) { Kind::Text } else { Kind::Int };
            table.add(&format!("k{part}"), kind, false);
        }
        let nullable = dice.percent(50);
        table.secret = table.add("secret", Kind::Text, nullable);
        table.since = table.add("since", Kind::Text, false);
        if dice.percent(20) {
            table.word = Some(table.add("kind", Kind::Text, true));
            for words in [vec!["a"], vec!["b", "c"]] {
                let words = words.into_iter().map(str::to_owned).collect();
                table.answers.push(Answer { words, ..Answer::of(dice, nullable, subject) });
            }
        }
        table.answers.push(Answer::of(dice, nullable, subject));
        table
    }

    pub fn add(&mut self, name: &str, kind: Kind, nullable: bool) -> usize {
        self.columns.push(Column { name: name.to_owned(), kind, nullable });
        self.columns.len() - 1
    }

    /// Whether rows of the table are ever treated so.
    pub fn may(&self, rule: Rule) -> bool {
        self.answers.iter().any(|answer| answer.rule == rule)
    }

    fn goes_and_stays(&self) -> bool {
        self.may(Rule::Delete) && (self.may(Rule::Mask) || self.may(Rule::Keep))
    }

    pub fn names(&self, columns: &[usize]) -> String {
        columns.iter().map(|column| self.columns[*column].name.clone()).collect::<Vec<_>>().join(", ")
    }

    fn quoted(&self, columns: &[usize]) -> String {
        let names: Vec<_> = columns.iter().map(|column| format!("\"{}\"", self.columns[*column].name)).collect();
        if names.len() == 1 { names.join("") } else { format!("[{}]", names.join(", ")) }
    }

    fn answer(&self, map: &mut String, answer: &Answer, with_links: bool) {
        let rule = match answer.rule {
            Rule::Delete => "delete",
            Rule::Mask => "mask",
            Rule::Keep => "keep",
        };
        let _ = writeln!(map, "erase = \"{rule}\"");
        let mut masks = Vec::new();
        for (column, value) in self.links.iter().flat_map(|link| &link.lets_go).filter(|_| with_links) {
            let name = &self.columns[*column].name;
            masks.push(match value {
                Value::Null => format!("{name} = \"detach\""),
                other => format!("{name} = {{ reown = \"{}\" }}", other.text().unwrap_or_default()),
            });
        }
        masks.extend(answer.mask.as_ref().map(|mask| match mask {
            Value::Null => "secret = \"null\"".to_owned(),
            Value::Tombstone => "secret = \"tombstone\"".to_owned(),
            other => format!("secret = {{ constant = \"{}\" }}", other.text().unwrap_or_default()),
        }));
        masks.dedup();
        let _ = writeln!(map, "mask = {{ {} }}", masks.join(", "));
        if let Some(years) = answer.keep_years {
            let _ = writeln!(map, "keep = {{ ground = \"Art. 17(3)(b)\", until = \"since + {years} years\" }}");
        }
    }
}

impl Answer {
    pub fn of(dice: &mut Dice, nullable: bool, subject: bool) -> Self {
        let rule = match dice.below(if subject { 6 } else { 10 }) {
            0..=5 => Rule::Delete,
            6..=7 => Rule::Mask,
            _ => Rule::Keep,
        };
        let keep_years = match rule {
            Rule::Delete => None,
            Rule::Mask => dice.percent(40).then_some(5),
            Rule::Keep => Some(5),
        };
        let value = match dice.below(3) {
            0 if nullable => Value::Null,
            1 => Value::Text("gone".to_owned()),
            _ => Value::Tombstone,
        };
        Self { words: Vec::new(), rule, mask: (rule == Rule::Mask).then_some(value), keep_years }
    }
}

/// The key of the first row of the first table.
fn placeholder(kind: Kind) -> Value {
    if kind == Kind::Int { Value::Int(-4) } else { Value::Text("a".to_owned()) }
}

/// What there was in the cases.
#[derive(Debug, Default)]
pub struct Seen([bool; 19]);

const SEEN: [&str; 19] = [
    "60 tables",
    "a table that points to itself",
    "a circle of tables",
    "a link of several columns",
    "a key within a key",
    "a number as a text",
    "rows that only refer",
    "rows that are kept",
    "rows that are masked",
    "links that nobody enforces",
    "a table of two owners",
    "hundreds of rows",
    "a key of text",
    "few rows",
    "a column that points to several tables",
    "rows that people share",
    "rows that rows hold",
    "several answers of one table",
    "a placeholder",
];

impl Seen {
    pub fn add(&mut self, schema: &Schema, rows: usize) {
        let links =
            || schema.tables.iter().enumerate().flat_map(|(from, table)| table.links.iter().map(move |l| (from, l)));
        let table = |from: usize| &schema.tables[from];
        let belongs = |table: &Table| table.links.iter().filter(|link| !link.refers).count();
        let now = [
            schema.tables.len() > TABLES_MAX - 5,
            links().any(|(from, link)| link.to == from),
            links().any(|(from, link)| link.to > from && !link.refers),
            links().any(|(_, link)| link.columns.len() > 1),
            links().any(|(from, link)| link.columns.iter().all(|column| table(from).key.contains(column))),
            links().any(|(from, link)| {
                let keys = link.columns.iter().zip(&table(link.to).key);
                keys.into_iter().any(|(a, b)| table(from).columns[*a].kind != table(link.to).columns[*b].kind)
            }),
            links().any(|(_, link)| link.refers),
            schema.tables.iter().any(|table| table.may(Rule::Keep)),
            schema.tables.iter().any(|table| table.may(Rule::Mask)),
            links().any(|(_, link)| !link.enforced),
            schema.tables.iter().any(|table| belongs(table) > 1),
            rows > 150,
            schema.tables.iter().any(|table| table.key.iter().any(|key| table.columns[*key].kind == Kind::Text)),
            rows < 40,
            schema.tables.iter().any(|table| table.by_word.is_some()),
            links().any(|(_, link)| link.shared),
            schema.tables.iter().any(|table| !table.held_by.is_empty()),
            schema.tables.iter().any(|table| table.goes_and_stays()),
            links().any(|(_, link)| link.lets_go.iter().any(|(_, value)| *value != Value::Null)),
        ];
        self.0.iter_mut().zip(now).for_each(|(seen, now)| *seen |= now);
    }

    pub fn missing(&self) -> Vec<&'static str> {
        SEEN.iter().zip(self.0).filter(|(_, seen)| !seen).map(|(name, _)| *name).collect()
    }
}
