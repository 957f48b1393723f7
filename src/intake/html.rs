//! What a reader of an HTML letter sees, as text. Hidden text is dropped, links and pictures say nothing.
//!
//! Never follows a link. Input that is too long is cut; input that nests too deeply is only stripped of its tags,
//! because the renderer's time grows with the square of the depth. Nothing that is rendered reaches a log.

use html2text::config;
use html2text::render::TextDecorator;
use tracing::Dispatch;
use tracing::dispatcher::with_default;

use super::markup::{COLUMNS, simple_text};
use super::normal::cut;

/// What stands before struck words, as in plain letters: they are not said.
const STRUCK: &str = "~~";
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
    let renderer = config::with_decorator(Words).use_doc_css().no_table_borders().raw_mode(true).allow_width_overflow();
    let renderer = renderer.link_footnotes(false);
    let html = &plainer(html);
    // The HTML parser logs every piece of text that it reads: it speaks to nobody here.
    with_default(&Dispatch::none(), || renderer.string_from_read(html.as_bytes(), COLUMNS)).ok()
}

/// The document with elements that the renderer knows: blocks for its centred parts, which it takes for a part of the line, and struck
/// words by the one element and mark that it has for them.
fn plainer(html: &str) -> String {
    const KNOWN: [(&str, &str); 2] = [("center", "div"), ("strike", "s")];
    let mut pieces = html.split('<');
    let mut out = String::with_capacity(html.len());
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let slash = if piece.starts_with('/') { "/" } else { "" };
        let name = piece[slash.len()..].split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let known = KNOWN.iter().find(|(other, _)| name.eq_ignore_ascii_case(other)).map_or(name, |(_, known)| known);
        let rest = &piece[slash.len() + name.len()..];
        out.extend(["<", slash, known]);
        match rest.split_once('>') {
            Some((attributes, text)) if attributes.contains("line-through") => {
                out.extend([attributes, ">", STRUCK, text])
            }
            _ => out.push_str(rest),
        }
    }
    out
}

/// Words as a reader sees them: no sign for a link or a stress, as in plain letters, and quotes marked.
#[derive(Clone)]
struct Words;

impl TextDecorator for Words {
    type Annotation = ();

    fn decorate_link_start(&mut self, _: &str) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_link_end(&mut self) -> String {
        String::new()
    }

    fn decorate_em_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_em_end(&self) -> String {
        String::new()
    }

    fn decorate_strong_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_strong_end(&self) -> String {
        String::new()
    }

    fn decorate_strikeout_start(&self) -> (String, ()) {
        (STRUCK.to_owned(), ())
    }

    fn decorate_strikeout_end(&self) -> String {
        STRUCK.to_owned()
    }

    fn decorate_code_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_code_end(&self) -> String {
        String::new()
    }

    fn decorate_preformat_first(&self) {}

    fn decorate_preformat_cont(&self) {}

    fn decorate_image(&mut self, _: &str, title: &str) -> (String, ()) {
        (format!("[{title}]"), ())
    }

    fn header_prefix(&self, level: usize) -> String {
        "#".repeat(level) + " "
    }

    fn quote_prefix(&self) -> String {
        "> ".to_owned()
    }

    fn unordered_item_prefix(&self) -> String {
        "* ".to_owned()
    }

    fn ordered_item_prefix(&self, at: i64) -> String {
        format!("{at}. ")
    }

    fn make_subblock_decorator(&self) -> Self {
        Self
    }
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hidden_text_is_not_seen() {
        let html = "<style>.x{display:none}</style><p>seen</p><p class=x>hidden</p><p style='display:none'>hidden</p>";
        let (text, whole) = visible_text(html, 1_000);
        assert!(whole);
        assert!(text.contains("seen") && !text.contains("hidden"), "{text:?}");
    }

    #[test]
    fn struck_words_are_marked() {
        for html in [
            "<p><s>Yes</s></p>",
            "<p><del>Yes</del></p>",
            "<p><strike>Yes</strike></p>",
            "<p><STRIKE>Yes</STRIKE></p>",
            "<p><span style='color:red;text-decoration:line-through'>Yes</span></p>",
        ] {
            // The renderer strikes its letters out as well.
            let text = visible_text(html, 1_000).0.replace('\u{336}', "");
            assert!(text.contains("~~Yes"), "{html}: {text}");
        }
        assert!(!visible_text("<p><span style='text-decoration:underline'>Yes</span></p>", 1_000).0.contains('~'));
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

    /// What both readers of a page show, line by line: words, and nothing of how lines are laid out.
    fn lines(text: &str) -> Vec<String> {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().map(words).filter(|line| !line.trim_matches(['>', ' ']).is_empty()).collect()
    }

    /// The signs that are seen, in their order. An empty block ends a line for the quick reader, as in a browser, and for the
    /// renderer none.
    fn signs(lines: &[String]) -> String {
        let unseen = |c: char| c == '>' || c.is_whitespace() || crate::domain::is_unseen(c);
        lines.concat().replace(unseen, "")
    }

    /// Both readers, where the quick one reads the page at all.
    fn both(html: &str) -> Option<(Vec<String>, Vec<String>)> {
        let quick = simple_text(html)?;
        Some((lines(&quick), lines(&rendered(html).expect("the renderer reads what is simple"))))
    }

    #[test]
    fn both_readers_see_the_same_in_real_letters() {
        let mail = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/authored");
        let mut compared = 0;
        for file in std::fs::read_dir(mail).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap_or_default();
            let Some(letter) = mail_parser::MessageParser::default().parse(&bytes) else { continue };
            for part in &letter.parts {
                if let mail_parser::PartType::Html(html) = &part.body
                    && let Some((quick, slow)) = both(html)
                {
                    compared += 1;
                    assert_eq!(quick, slow, "{}", path.display());
                }
            }
        }
        assert!(compared > 10, "{compared}");
    }

    #[test]
    fn both_readers_see_the_same_where_pages_are_odd() {
        let mut wrong = Vec::new();
        for html in [
            "a<a href='https://shop.example/x'>b</a>c <a href='https://shop.example'> d </a>e",
            "<a href='https://shop.example/x'><div>a</div></a>b",
            "<b>a<p>b</b>c</p>d",
            "<p>a<div>b</div>c</p>d",
            "<div>a<p>b<blockquote>c<p>d</blockquote>e</div>f",
            "a<br><br/>b<br >c</br>d",
            "<p><br></p>a<p></p><p> </p>b",
            "<span>a<br>b</span><span>c</span> <span>d</span>",
            "a&nbsp;b&#160;c&#8203;d",
            "<div><div><div>a</div></div>b</div>",
            "a <wbr>b<wbr>c",
            "<title>t</title>a<head>b</head><body>c</body>d",
            "<i>a</p>b</i>",
            "</div>a</blockquote>b",
        ] {
            let differ = both(html).filter(|(quick, slow)| signs(quick) != signs(slow));
            wrong.extend(differ.map(|(quick, slow)| format!("{html}: {quick:?} {slow:?}")));
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// Small trees of what simple letters are made of, closed as they should be.
    fn tree() -> impl Strategy<Value = String> {
        let texts = [
            "word",
            " ",
            "\n",
            "two words",
            "&amp;",
            "&nbsp;",
            " & ",
            "<!-- no -->",
            "<br>",
            "日本",
            "<wbr>",
            "é,",
            "(x)",
        ];
        let leaf = prop::sample::select(texts.to_vec()).prop_map(str::to_owned);
        leaf.prop_recursive(5, 40, 6, |inner| {
            let names =
                ["b", "i", "u", "em", "strong", "span", "font", "a", "small", "div", "center", "p", "blockquote"];
            let attributes = ["", " class=x", " style='color:red'", " href=\"https://shop.example/?a=1&amp;b=2\""];
            let element = (prop::sample::select(names.to_vec()), prop::sample::select(attributes.to_vec()));
            (element, prop::collection::vec(inner, 0..6))
                .prop_map(|((name, attribute), inner)| format!("<{name}{attribute}>{}</{name}>", inner.concat()))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn both_readers_see_the_same_in_any_tree(pieces in prop::collection::vec(tree(), 1..4)) {
            let html = pieces.concat();
            if let Some((quick, slow)) = both(&html) {
                prop_assert_eq!(signs(&quick), signs(&slow), "{}", html);
            }
        }
    }
}
