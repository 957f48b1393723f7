//! The text of simple HTML, in one pass and without a tree: paragraphs, line breaks, quoted blocks, and no more.
//!
//! Says nothing where the document may hide something, or is laid out otherwise: then the renderer reads it. What it says
//! is what the renderer would.

/// Characters that a line is broken at, here and by the renderer: so many that sentences stay whole, so few that tables
/// stay cheap.
pub(super) const COLUMNS: usize = 500;
/// Words of a style that may hide text, strike it out or lay it out anew.
const STYLES: [&[u8]; 9] = [
    b"display",
    b"overflow",
    b"visibility",
    b"hidden",
    b"white-space",
    b"content",
    b"position",
    b"line-through",
    b"@import",
];
/// Deeper elements are left to the renderer.
const DEPTH_MAX: usize = 100;
/// Deeper quotes are left to the renderer.
const QUOTES_MAX: usize = 20;

/// The text that a reader sees; `None` where the renderer has to look.
pub(super) fn simple_text(html: &str) -> Option<String> {
    let mut page = Page::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        page.text(&rest[..at])?;
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = &comment[comment.find("-->")? + 3..];
        } else if rest.starts_with("<!") || rest.starts_with("<?") {
            rest = &rest[rest.find('>')? + 1..];
        } else {
            let tag = Tag::of(rest)?;
            rest = &rest[tag.length..];
            if let Some(unseen) = page.tag(&tag)? {
                let end = find_end(rest, unseen)?;
                if unseen == "style" && suspicious(&rest.as_bytes()[..end]) {
                    return None;
                }
                rest = &rest[end..];
            }
        }
    }
    page.text(rest)?;
    page.end_line();
    Some(page.out)
}

/// Where the closing tag of an element begins whose content is no text.
fn find_end(rest: &str, name: &str) -> Option<usize> {
    let is_end = |(at, _): &(usize, &str)| {
        let tag = rest.get(at + 2..at + 2 + name.len());
        tag.is_some_and(|tag| tag.eq_ignore_ascii_case(name))
    };
    rest.match_indices("</").find(is_end).map(|(at, _)| at)
}

/// Whether a style may hide text.
fn suspicious(style: &[u8]) -> bool {
    // A style can be written with escapes.
    let has = |word: &[u8]| style.windows(word.len()).any(|piece| piece.eq_ignore_ascii_case(word));
    style.contains(&b'\\') || style.contains(&b'&') || STYLES.iter().any(|word| has(word))
}

/// A tag as it stands in the document.
struct Tag<'a> {
    name: &'a str,
    closes: bool,
    attributes: &'a str,
    /// Bytes up to behind its ">".
    length: usize,
}

impl<'a> Tag<'a> {
    /// `None` where it is no plain tag.
    fn of(rest: &'a str) -> Option<Self> {
        let bytes = rest.as_bytes();
        let closes = bytes.get(1) == Some(&b'/');
        let start = 1 + usize::from(closes);
        let name_len = bytes[start..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b':').count();
        let name = &rest[start..start + name_len];
        let mut quote = None;
        for (at, byte) in bytes.iter().enumerate().skip(start + name_len) {
            match (quote, byte) {
                (None, b'>') if name_len > 0 => {
                    let attributes = &rest[start + name_len..at];
                    return Some(Self { name, closes, attributes, length: at + 1 });
                }
                (None, b'<') => return None,
                (None, b'"' | b'\'') => quote = Some(*byte),
                (Some(open), _) if open == *byte => quote = None,
                _ => {}
            }
        }
        None
    }
}

/// The text so far.
#[derive(Default)]
struct Page {
    out: String,
    /// The line that is being written, and its characters.
    line: String,
    columns: usize,
    /// A space stands behind the line.
    gap: bool,
    /// An empty line parts what comes from what stands above.
    parted: bool,
    quotes: usize,
    /// Quotes around the line above.
    quotes_above: usize,
    depth: usize,
}

impl Page {
    /// Follows a tag; the name of the element where its content is no text.
    fn tag(&mut self, tag: &Tag<'_>) -> Option<Option<&'static str>> {
        if suspicious(tag.attributes.as_bytes()) {
            return None;
        }
        let mut name = [0_u8; 12];
        let name = name.get_mut(..tag.name.len())?;
        name.copy_from_slice(tag.name.as_bytes());
        name.make_ascii_lowercase();
        self.depth = match &*name {
            b"br" | b"meta" | b"wbr" => self.depth,
            _ if tag.closes => self.depth.saturating_sub(1),
            _ if self.depth < DEPTH_MAX => self.depth + 1,
            _ => return None,
        };
        match &*name {
            b"b" | b"i" | b"u" | b"em" | b"strong" | b"span" | b"font" | b"a" | b"o:p" | b"meta" | b"small"
            | b"wbr" => {}
            b"html" | b"body" | b"head" | b"div" | b"center" => self.end_line(),
            b"p" => {
                self.end_line();
                self.parted = true;
            }
            b"br" => self.break_line(),
            b"blockquote" => {
                self.end_line();
                self.parted = true;
                if tag.closes {
                    self.quotes = self.quotes.checked_sub(1)?;
                } else if self.quotes < QUOTES_MAX {
                    self.quotes += 1;
                } else {
                    return None;
                }
            }
            b"style" if !tag.closes => return Some(Some("style")),
            b"title" if !tag.closes => return Some(Some("title")),
            b"style" | b"title" => {}
            _ => return None,
        }
        Some(None)
    }

    fn text(&mut self, text: &str) -> Option<()> {
        let mut rest = text;
        while let Some(at) = rest.find('&') {
            self.words(&rest[..at]);
            let (sign, length) = entity(&rest[at..])?;
            self.push(sign);
            rest = &rest[at + length..];
        }
        self.words(rest);
        Some(())
    }

    fn words(&mut self, text: &str) {
        for c in text.chars() {
            if matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}') { self.gap = true } else { self.push(c) }
        }
    }

    fn push(&mut self, c: char) {
        if self.gap && self.columns > 0 {
            if self.columns >= COLUMNS {
                self.end_line();
            } else {
                self.line.push(' ');
                self.columns += 1;
            }
        }
        self.gap = false;
        self.line.push(c);
        self.columns += 1;
    }

    /// Ends the line where there is one.
    fn end_line(&mut self) {
        if self.columns > 0 {
            self.break_line();
        }
        self.gap = false;
    }

    /// Ends the line, though it be empty.
    fn break_line(&mut self) {
        let quotes = "> ".repeat(self.quotes);
        if self.parted && !self.out.is_empty() {
            let shared = "> ".repeat(self.quotes.min(self.quotes_above));
            self.out.push_str(shared.trim_end());
            self.out.push('\n');
        }
        self.parted = false;
        self.quotes_above = self.quotes;
        self.out.push_str(if self.line.is_empty() { quotes.trim_end() } else { &quotes });
        self.out.push_str(&self.line);
        self.out.push('\n');
        self.line.clear();
        (self.columns, self.gap) = (0, false);
    }
}

/// The sign that an entity stands for, and the bytes that it takes; `None` for one that is not among the usual.
fn entity(rest: &str) -> Option<(char, usize)> {
    const NAMED: [(&str, char); 6] =
        [("&nbsp;", '\u{a0}'), ("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\'')];
    if let Some((name, sign)) = NAMED.iter().find(|(name, _)| rest.starts_with(name)) {
        return Some((*sign, name.len()));
    }
    // A sign of its own: "R & D".
    if rest[1..].starts_with([' ', '\n', '\r']) {
        return Some(('&', 1));
    }
    let end = rest.bytes().take(10).position(|byte| byte == b';')?;
    let number = rest[..end].strip_prefix("&#")?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    // Below are controls, and signs of Windows that HTML reads otherwise.
    let sign = char::from_u32(code).filter(|_| (0x20..0x7f).contains(&code) || code >= 0xa0)?;
    Some((sign, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_pages_are_read() {
        let read = |html: &str| simple_text(html).unwrap();
        assert_eq!(read("<p>a  b\nc</p><p>d<br>e</p>"), "a b c\n\nd\ne\n");
        assert_eq!(read("<DIV style=\"color:red\">a &amp; b</DIV><div>c&#252;</div>"), "a & b\nc\u{fc}\n");
        assert_eq!(read("<p>new</p><blockquote>old<br>older</blockquote>x"), "new\n\n> old\n> older\n\nx\n");
        assert_eq!(read("<head><title>no</title><style>p{color:red}</style></head><!-- no -->yes"), "yes\n");
    }

    #[test]
    fn what_may_hide_something_is_left_to_the_renderer() {
        for html in [
            "<style>.x{dis\\play:none}</style>a",
            "<p style='DISPLAY:none'>a",
            "<p style='d&#105;splay:none'>a",
            "<p hidden>a",
            "<table><tr><td>a",
            "a &euml; b",
            "<p title='>a",
            "<!-- a",
            "a < b",
            "<script>a</script>",
        ] {
            assert_eq!(simple_text(html), None, "{html}");
        }
    }
}
