//! Takes out of a parsed TOML text what its reader stumbled over. serde stops at its first mistake: so it is told, taken out, and the
//! text is read again, until all that is wrong with its form is known.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// Takes out the innermost key whose name or value holds this place (a range of bytes), and answers the keys that lead to it, its own
/// the last; `None` where none does.
pub fn take_out(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<Vec<String>> {
    for (key, value) in table.iter_mut() {
        let inner = match value.get_mut() {
            DeValue::Table(table) => take_out(table, span),
            DeValue::Array(array) => array.iter_mut().find_map(|element| match element.get_mut() {
                DeValue::Table(table) => take_out(table, span),
                _ => None,
            }),
            _ => None,
        };
        if let Some(mut path) = inner {
            path.insert(0, key.get_ref().to_string());
            return Some(path);
        }
    }
    let holds = |place: &Range<usize>| place.start <= span.start && span.end <= place.end;
    let found = table.iter().find(|(key, value)| holds(&key.span()) || holds(&value.span()));
    let key = found.map(|(key, _)| key.clone())?;
    table.remove(&key);
    Some(vec![key.get_ref().to_string()])
}
