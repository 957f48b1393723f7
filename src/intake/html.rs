//! What a reader of an HTML letter sees, as text. Hidden text is dropped, links and pictures say nothing.
//!
//! Never follows a link. Input that is too long is cut; input that nests too deeply is only stripped of its tags,
//! because the renderer's time grows with the square of the depth. Nothing that is rendered reaches a log.

use html2text::config;
use tracing::Dispatch;
use tracing::dispatcher::with_default;

use super::markup::{COLUMNS, simple_text};
use super::normal::cut;

/// Deeper documents are only stripped of their tags.
const DEPTH_MAX: usize = 150;

/// The text that a reader sees, with quoted blocks marked by `> `; and whether all of the input was rendered.
pub(super) fn visible_text(html: &str, bytes_max: usize) -> (String, bool) {
    let kept = floor_char_boundary(html, bytes_max);
    let whole = kept.len() == html.len();
    if kept.trim().is_empty() {
        return (String::new(), whole);
    }
    if let Some(text) = simple_text(kept) {
        return (text, whole);
    }
    match rendered(kept) {
        Some(text) => (text, whole),
        None => (mail_parser::decoders::html::html_to_text(kept), false),
    }
}

/// The text as the renderer lays it out; `None` where it would take too long, or fails.
fn rendered(html: &str) -> Option<String> {
    if depth(html) > DEPTH_MAX {
        return None;
    }
    let renderer = config::plain_no_decorate().use_doc_css().no_table_borders().raw_mode(true).allow_width_overflow();
    let renderer = renderer.link_footnotes(false);
    // The HTML parser logs every piece of text that it reads: it speaks to nobody here.
    with_default(&Dispatch::none(), || renderer.string_from_read(html.as_bytes(), COLUMNS)).ok()
}

fn floor_char_boundary(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    cut(text, text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= bytes_max).count())
}

/// The deepest nesting of tags, counted without building a tree; tags that never close count for nothing.
fn depth(html: &str) -> usize {
    const VOID: [&str; 14] =
        ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];
    let (mut now, mut deepest) = (0_usize, 0_usize);
    for tag in html.split('<').skip(1) {
        let name: String =
            tag.chars().skip_while(|c| *c == '/').take_while(char::is_ascii_alphanumeric).take(16).collect();
        if tag.starts_with('/') {
            now = now.saturating_sub(1);
        } else if !name.is_empty() && !VOID.contains(&name.to_ascii_lowercase().as_str()) {
            now += 1;
            deepest = deepest.max(now);
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_text_is_not_seen() {
        let html = "<style>.x{display:none}</style><p>seen</p><p class=x>hidden</p><p style='display:none'>hidden</p>";
        let (text, whole) = visible_text(html, 1_000);
        assert!(whole);
        assert!(text.contains("seen") && !text.contains("hidden"), "{text:?}");
    }

    #[test]
    fn quoted_blocks_are_marked() {
        let (text, _) = visible_text("<p>new</p><blockquote>old<br>older</blockquote>", 1_000);
        assert!(text.lines().any(|line| line == "> old"), "{text:?}");
        assert!(text.lines().any(|line| line == "new"), "{text:?}");
    }

    #[test]
    fn deep_and_long_input_is_bounded() {
        let deep = "<div>".repeat(50_000) + "word";
        let (text, whole) = visible_text(&deep, 300_000);
        assert!(!whole && text.contains("word"));
        assert!(!visible_text("<p>abcdef</p>", 5).1);
    }
}
