//! Whether a mask fits its column. What does not fit would be seen only at the write, when the request is half done.

use jiff::civil::Date;

use super::check::Report;
use super::{Mask, TableMap};
use crate::erase::{remade, tombstone};
use crate::stores::{Column, ColumnKind, KeyValue, Table};

type Unfit = Option<(&'static str, &'static str)>;

/// Reports the masks of a table that do not fit.
pub(super) fn masks(report: &mut Report<'_>, table: &str, mapped: &TableMap, found: &Table) {
    let variants = mapped.variants();
    let mut masks: Vec<_> = variants.iter().flat_map(|(_, variant)| &variant.mask).collect();
    masks.dedup();
    for (name, mask) in masks {
        let Some(column) = found.column(name) else { continue };
        if column.generated {
            report.add(table, Some(name), "the store computes this column", "mask what it is computed from");
            continue;
        }
        if let Some((problem, help)) = unfit(mask, column, found) {
            report.add(table, Some(name), format!("the mask does not fit: {problem}"), help);
        }
    }
}

fn unfit(mask: &Mask, column: &Column, found: &Table) -> Unfit {
    match mask {
        Mask::Null | Mask::Detach => null_unfit(column, found),
        Mask::Tombstone => tombstone_unfit(column).or_else(|| checked(column, found)),
        Mask::Redact { .. } => redact_unfit(column, found).or_else(|| checked(column, found)),
        Mask::Truncate(_) => truncate_unfit(column, found).or_else(|| checked(column, found)),
        Mask::Pseudonym => pseudonym_unfit(column).or_else(|| checked(column, found)),
        Mask::Json(_) => json_unfit(column, found),
        Mask::Constant(text) => constant_unfit(text, column, found).or_else(|| checked(column, found)),
        Mask::Reown(key) => reown_unfit(key, column, found).or_else(|| checked(column, found)),
    }
}

/// Whether a mask fits a column of a table.
pub(super) fn fits(mask: &Mask, column: &Column, found: &Table) -> bool {
    !column.generated && unfit(mask, column, found).is_none()
}

fn null_unfit(column: &Column, table: &Table) -> Unfit {
    let help = "use \"tombstone\" or { constant = \"…\" }, or let it be NULL";
    if !column.nullable {
        return Some(("the column is NOT NULL", help));
    }
    // A condition is kept where it cannot be told, so NULL passes it, unless it asks for a value by name.
    let wants_value = table.checks_on(&column.name).any(|check| check.to_lowercase().contains("not null"));
    wants_value.then_some(("a CHECK of the table may want a value", "loosen the CHECK, or delete the row"))
}

fn tombstone_unfit(column: &Column) -> Unfit {
    if column.kind != ColumnKind::Text {
        return Some(("a tombstone is a text", "use \"null\" or { constant = \"…\" }"));
    }
    let short = column.length_max.is_some_and(|length| length < tombstone::LENGTH_MIN);
    short.then_some(("a tombstone needs 24 characters", "widen the column, or use \"null\""))
}

/// Nobody can tell from here whether a condition takes the new value.
fn checked(column: &Column, table: &Table) -> Unfit {
    let checked = table.checks_on(&column.name).next().is_some();
    checked.then_some(("a CHECK of the table looks at the column and may refuse the value", "use \"null\""))
}

fn constant_unfit(text: &str, column: &Column, table: &Table) -> Unfit {
    if table.is_in_unique(&column.name) {
        return Some(("the column is unique", "use \"tombstone\" or \"null\""));
    }
    if column.length_max.is_some_and(|length| text.chars().count() > length as usize) || text.len() > CONSTANT_BYTES_MAX
    {
        return Some(("the constant is too long", "use a shorter one"));
    }
    let fits = match column.kind {
        ColumnKind::Int => {
            let within = |n: i128| column.range.is_none_or(|(least, greatest)| least <= n && n <= greatest);
            text.parse::<i128>().is_ok_and(within)
        }
        ColumnKind::Number => is_decimal(text, &column.type_name),
        // Other numbers do not come back as they were written.
        ColumnKind::Float => text.parse::<i32>().is_ok_and(|number| number.unsigned_abs() < 1 << 24),
        ColumnKind::Text => return text_unfit(text, column),
        ColumnKind::Time => is_day(text, &column.compare_type),
        ColumnKind::Other => is_word(text, column),
        ColumnKind::Bytes | ColumnKind::Uuid => false,
    };
    (!fits).then_some(("the constant is not of the column's type", "use \"null\""))
}

fn redact_unfit(column: &Column, table: &Table) -> Unfit {
    if column.kind != ColumnKind::Text {
        return Some(("a pattern finds something in a text", "use \"null\" or { constant = \"…\" }"));
    }
    let unique = table.is_in_unique(&column.name);
    unique.then_some(("the column is unique, and two rows may have the same left", "use \"tombstone\" or \"null\""))
}

fn truncate_unfit(column: &Column, table: &Table) -> Unfit {
    let name = column.compare_type.to_ascii_lowercase();
    let has_days = name.starts_with("date") || name.starts_with("timestamp") || column.kind == ColumnKind::Text;
    if !has_days {
        return Some(("the column holds no dates", "use \"null\" or { constant = \"…\" }"));
    }
    let unique = table.is_in_unique(&column.name);
    unique.then_some(("the column is unique, and two rows may have the same year", "use \"null\""))
}

fn pseudonym_unfit(column: &Column) -> Unfit {
    if column.kind != ColumnKind::Text {
        return Some(("a pseudonym is a text", "use \"null\" or { constant = \"…\" }"));
    }
    let short = column.length_max.is_some_and(|length| length < remade::PSEUDONYM_CHARS);
    short.then_some(("a pseudonym needs 36 characters", "widen the column, or use \"null\""))
}

/// A document may be checked for being one, which it stays.
fn json_unfit(column: &Column, table: &Table) -> Unfit {
    let is_json = column.kind == ColumnKind::Text
        || matches!(column.compare_type.to_ascii_lowercase().as_str(), "json" | "jsonb");
    if !is_json {
        return Some(("the column holds no JSON", "use \"null\" or { constant = \"…\" }"));
    }
    let other = |check: &str| !check.to_lowercase().contains("json_valid");
    let refused = table.checks_on(&column.name).any(other) || table.is_in_unique(&column.name);
    refused.then_some(("a CHECK or an index of the table looks at the document", "use \"null\""))
}

/// The key of a placeholder is like any other key in this column.
fn reown_unfit(key: &str, column: &Column, table: &Table) -> Unfit {
    if table.is_in_unique(&column.name) {
        return Some(("the column is unique, and several rows would point to the placeholder", "use \"detach\""));
    }
    let fits = KeyValue::Text(key.to_owned()).canonical(column.kind).is_some()
        && column.length_max.is_none_or(|length| key.chars().count() <= length as usize);
    (!fits).then_some(("the key of the placeholder is not of the column's type", "write the key as its row has it"))
}

/// What a JSON list carries to MySQL in one piece.
const CONSTANT_BYTES_MAX: usize = 700;

fn text_unfit(text: &str, column: &Column) -> Unfit {
    if text.ends_with(char::is_whitespace) {
        return Some(("the constant ends in a blank, which some types cut off", "take the blank away"));
    }
    let writes = |c: char| match column.collation.as_ref().map(|collation| collation.charset.as_str()) {
        None | Some("utf8mb4") => true,
        Some("utf8mb3" | "utf8") => u32::from(c) <= 0xffff,
        Some(_) => c.is_ascii(),
    };
    (!text.chars().all(writes)).then_some(("the column's character set cannot write the constant", "use ASCII letters"))
}

/// A decimal number with no more digits than `numeric(precision, scale)` has places.
fn is_decimal(text: &str, type_name: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return false;
    }
    let Some((_, places)) = type_name.split_once('(') else { return true };
    let mut places = places.split([',', ')']).map(|number| number.trim().parse::<usize>().unwrap_or(0));
    let (precision, scale) = (places.next().unwrap_or(0), places.next().unwrap_or(0));
    whole.trim_start_matches('0').len() + scale <= precision && fraction.trim_end_matches('0').len() <= scale
}

/// A day in the years that every store's dates and instants have (MySQL's TIMESTAMP ends in 2038).
fn is_day(text: &str, compare_type: &str) -> bool {
    let name = compare_type.to_ascii_lowercase();
    let of_days = name.starts_with("date") || name.starts_with("timestamp");
    let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    of_days && day.is_some_and(|day| (1971..=2037).contains(&day.year()))
}

/// A word of a type that has few: a boolean, or an enum that lists its words in the type's name (MySQL).
fn is_word(text: &str, column: &Column) -> bool {
    match column.compare_type.as_str() {
        "boolean" => matches!(text, "true" | "false"),
        "BOOLEAN" => matches!(text, "0" | "1"),
        "enum" => column.type_name.contains(&format!("'{}'", text.replace('\'', "''"))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_of_their_type() {
        for (text, of, fits) in
            [("1.50", "numeric(4,2)", true), ("1.505", "numeric(4,2)", false), ("100", "numeric(4,2)", false)]
        {
            assert_eq!(is_decimal(text, of), fits, "{text}");
        }
        assert!(is_decimal("-12.5", "numeric") && !is_decimal("1e3", "numeric") && !is_decimal("NaN", "numeric"));
        assert!(is_day("1990-01-01", "date") && is_day("2000-02-29", "timestamp with time zone"));
        assert!(!is_day("2001-02-29", "date") && !is_day("erased", "date") && !is_day("1990-01-01", "time"));
    }
}
