//! Wraps plain text for mail readers; never breaks inside a word, so codes, tokens and addresses stay whole.

/// The width that plain text is wrapped to, in characters (RFC 5322 §2.1.1 asks for at most 78).
const LINE_CHARS_MAX: usize = 76;

/// Wraps each line at spaces, keeps its indent and hangs the text of `- ` items, and leaves one empty line at most
/// between paragraphs. Ends with one line feed.
pub(super) fn wrap(text: &str) -> String {
    let mut wrapped = String::with_capacity(text.len() + text.len() / 32);
    let mut empty_before = true;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() {
            if !empty_before {
                wrapped.push('\n');
            }
            empty_before = true;
        } else {
            wrap_line(line, &mut wrapped);
            empty_before = false;
        }
    }
    wrapped.truncate(wrapped.trim_end().len());
    wrapped.push('\n');
    wrapped
}

/// Wraps one line that is not empty.
fn wrap_line(line: &str, into: &mut String) {
    let content = line.trim_start_matches(' ');
    let indent = line.len() - content.len();
    let hang = if content.starts_with("- ") { indent + 2 } else { indent };
    into.push_str(&" ".repeat(indent));
    let mut width = indent;
    for (index, word) in content.split(' ').filter(|word| !word.is_empty()).enumerate() {
        let chars = word.chars().count();
        if index > 0 && width + 1 + chars > LINE_CHARS_MAX {
            into.push('\n');
            into.push_str(&" ".repeat(hang));
            width = hang;
        } else if index > 0 {
            into.push(' ');
            width += 1;
        }
        into.push_str(word);
        width += chars;
    }
    into.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_at_spaces_and_hangs_items() {
        let long = format!("- {}end", "word ".repeat(20));
        let lines: Vec<_> = wrap(&long).lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.chars().count() <= LINE_CHARS_MAX));
        assert!(lines[1].starts_with("  word"), "an item hangs: {:?}", lines[1]);
    }

    #[test]
    fn keeps_a_long_token_whole_and_squeezes_empty_lines() {
        let token = "x".repeat(200);
        assert_eq!(wrap(&format!("\n\n a {token}\n\n\n\nb\n\n")), format!(" a\n {token}\n\nb\n"));
    }
}
