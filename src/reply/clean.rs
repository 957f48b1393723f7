//! Takes out of values what is no text: control characters, line breaks, and marks that turn the direction of writing.

use crate::domain::is_unseen;

/// The longest value that is shown in a letter, in characters; the rest is cut and marked by an ellipsis.
const VALUE_CHARS_MAX: usize = 1_000;

/// One line of visible text: breaks and tabs become a space, other control characters and what is not seen go.
///
/// The joiners U+200C and U+200D stay: names in several scripts need them.
pub(super) fn one_line(value: &str) -> String {
    let visible: String = value
        .chars()
        .filter_map(|c| match c {
            '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
            '\u{200c}' | '\u{200d}' => Some(c),
            c if c.is_control() || is_unseen(c) => None,
            c => Some(c),
        })
        .collect();
    match visible.char_indices().nth(VALUE_CHARS_MAX) {
        Some((cut, _)) => format!("{}…", &visible[..cut]),
        None => visible,
    }
}

/// Cleans every text in the facts of a letter.
pub(super) fn facts(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => *text = one_line(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(facts),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(facts),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_start_a_line_or_turn_the_writing() {
        assert_eq!(one_line("A\r\nBcc: x\u{1b}[31m\u{202e}B\0"), "A  Bcc: x[31mB");
        assert_eq!(one_line("A\u{ad}\u{180e}\u{200b}\u{2066}\u{e0041}B"), "AB");
        assert_eq!(one_line("نام\u{200c}ها"), "نام\u{200c}ها");
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(one_line(&"ä".repeat(5_000)).chars().count(), VALUE_CHARS_MAX + 1);
    }
}
