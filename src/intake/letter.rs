//! MIME: a letter's bytes taken apart into headers, texts, enclosed letters, reports and digests of attachments.
//!
//! Walks the parts itself, so that depth, number and size are bounded whatever the parser made. Never unpacks an
//! attachment; its name is looked at while the letter is read (`attached`) and is no part of what is handed out.

use std::fmt;
use std::fmt::Write as _;

use mail_parser::{Addr, HeaderName, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use sha2::{Digest, Sha256};

use super::attached::is_document;
use super::charset::mended;
use super::html::visible_text;
use super::normal::cut;
use super::packed::unpacked;
use super::spam::Markup;
use super::{Address, Defect, Limits};

const HEADERS_MAX: usize = 500;
const HEADER_CHARS_MAX: usize = 4_000;
const NAME_CHARS_MAX: usize = 200;
const SUBJECT_CHARS_MAX: usize = 1_000;
const ENCLOSED_MAX: usize = 3;
const IDS_MAX: usize = 50;
const HEADER_ADDRESSES_MAX: usize = 50;

/// An attachment, of which only this is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// SHA-256 of its decoded bytes.
    pub sha256: [u8; 32],
    /// Its decoded length.
    pub bytes: u64,
    /// Its declared media type, lower case, for example `application/pdf`.
    pub media_type: String,
}

impl fmt::Debug for Attachment {
    /// Length and type; a digest of a person's document would still point at them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({} bytes, {})", self.bytes, self.media_type)
    }
}

/// A letter taken apart.
#[derive(Default)]
pub(super) struct Letter {
    /// Header names in lower case with their unfolded values, in order.
    pub headers: Vec<(String, String)>,
    pub from: Vec<Address>,
    /// The name that the From header shows, decoded.
    pub shown: String,
    pub reply_to: Vec<Address>,
    pub recipients: Vec<Address>,
    pub message_id: Option<String>,
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    pub subject: String,
    /// All plain text that a reader is shown.
    pub plain: String,
    /// All text that the HTML parts show.
    pub html: String,
    /// Letters enclosed as message/rfc822.
    pub enclosed: Vec<Enclosed>,
    /// The texts of machine-readable reports (RFC 3464, RFC 5965).
    pub reports: Vec<String>,
    /// The declared type of the whole letter, lower case, for example `multipart/report`.
    pub media_type: String,
    /// The `report-type` of a multipart/report, lower case.
    pub report_type: String,
    pub attachments: Vec<Attachment>,
    /// The names of those attachments that a person reads: PDF, word processing, images. Empty where one has none.
    pub documents: Vec<String>,
    /// What its HTML is made of.
    pub markup: Markup,
    pub defects: Vec<Defect>,
}

/// A letter within the letter.
#[derive(Default)]
pub(super) struct Enclosed {
    pub message_id: Option<String>,
    pub from: Option<Address>,
    /// Its sender as shown, with a display name.
    pub from_shown: String,
    pub subject: String,
    pub text: String,
}

impl Letter {
    /// The first value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every header, names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Takes a letter apart.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Self {
        let mut letter = Self::default();
        let bytes_max = usize::try_from(limits.body_bytes_max).unwrap_or(usize::MAX);
        if bytes.len() > bytes_max {
            letter.defects.push(Defect::BodyTooLong);
        }
        let bytes = &bytes[..bytes.len().min(bytes_max)];
        if bytes.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
            // Zeros are what a crashed disk leaves of a letter, which may have asked for anything.
            let is_lost = bytes.contains(&0);
            letter.defects.push(if is_lost { Defect::Unparsable } else { Defect::Empty });
            return letter;
        }
        match MessageParser::default().parse(bytes) {
            Some(message) => {
                letter.take(&message, limits);
                if !letter.shows_anything() {
                    letter.plain = unshown(&message, limits, letter.documents.is_empty());
                }
            }
            None => letter.defects.push(Defect::Unparsable),
        }
        letter
    }

    fn take(&mut self, message: &Message<'_>, limits: &Limits) {
        self.take_headers(message);
        let mut walk = Walk { limits, html_bytes: 0, letter: self };
        walk.parts(message);
        for (text, chars_max) in [(&mut self.plain, limits.text_chars_max), (&mut self.html, limits.text_chars_max)] {
            let kept = cut(text, chars_max).len();
            if kept < text.len() {
                text.truncate(kept);
                self.defects.push(Defect::TextTooLong);
            }
        }
    }

    /// Whether there is anything for a reader to read.
    fn shows_anything(&self) -> bool {
        let texts = [&self.plain, &self.html].into_iter().chain(&self.reports);
        !self.enclosed.is_empty() || texts.into_iter().any(|text| !text.trim().is_empty())
    }

    fn take_headers(&mut self, message: &Message<'_>) {
        self.headers = message
            .headers_raw()
            .take(HEADERS_MAX)
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), unfold(value)))
            .collect();
        self.subject = cut(message.subject().unwrap_or_default(), SUBJECT_CHARS_MAX).to_owned();
        let shown = message.from().and_then(|from| from.first()?.name.as_deref());
        self.shown = cut(shown.unwrap_or_default(), SUBJECT_CHARS_MAX).to_owned();
        self.message_id = message.message_id().and_then(id);
        self.in_reply_to = ids(message.in_reply_to());
        self.references = ids(message.references());
        if let Some(content_type) = message.content_type() {
            let subtype = content_type.subtype().unwrap_or_default();
            self.media_type = format!("{}/{subtype}", content_type.ctype()).to_ascii_lowercase();
            self.report_type = content_type.attribute("report-type").unwrap_or_default().to_ascii_lowercase();
        }
        self.take_addresses(message);
    }

    fn take_addresses(&mut self, message: &Message<'_>) {
        let mut bad = false;
        self.from = addresses(message.header_values(HeaderName::From), &mut bad);
        let sender_headers = message.header_values(HeaderName::From).count();
        self.reply_to = addresses(message.header_values(HeaderName::ReplyTo), &mut bad);
        let visible = message.header_values(HeaderName::To).chain(message.header_values(HeaderName::Cc));
        self.recipients = addresses(visible, &mut bad);
        let traced = ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to"];
        let traced: Vec<Address> = self
            .headers()
            .filter(|(name, _)| traced.contains(name))
            .filter_map(|(_, value)| value.trim().trim_matches(['<', '>']).parse().ok())
            .take(HEADER_ADDRESSES_MAX)
            .collect();
        for address in traced {
            if !self.recipients.contains(&address) {
                self.recipients.push(address);
            }
        }
        match (sender_headers, self.from.len()) {
            (0, _) => self.defects.push(Defect::NoSender),
            (1, 0 | 1) => {}
            _ => self.defects.push(Defect::SeveralSenders),
        }
        if bad {
            self.defects.push(Defect::BadAddress);
        }
    }
}

/// The walk over the parts of one letter.
struct Walk<'a> {
    limits: &'a Limits,
    html_bytes: usize,
    letter: &'a mut Letter,
}

impl Walk<'_> {
    fn parts(&mut self, message: &Message<'_>) {
        let mut seen = 0_u32;
        let mut stack = vec![(0_u32, 0_u32)];
        while let Some((id, depth)) = stack.pop() {
            let Some(part) = message.part(id) else { continue };
            seen += 1;
            if seen > self.limits.parts_max {
                self.letter.defects.push(Defect::TooManyParts);
                break;
            }
            match &part.body {
                PartType::Multipart(children) if depth >= self.limits.mime_depth_max => {
                    if !children.is_empty() {
                        self.letter.defects.push(Defect::NestedTooDeep);
                    }
                }
                PartType::Multipart(children) => {
                    let room = usize::try_from(self.limits.parts_max).unwrap_or(usize::MAX).saturating_add(1);
                    stack.extend(children.iter().take(room).rev().map(|child| (*child, depth + 1)));
                }
                _ => self.leaf(part, id, message),
            }
        }
    }

    fn leaf(&mut self, part: &MessagePart<'_>, id: u32, message: &Message<'_>) {
        if part.is_encoding_problem {
            self.letter.defects.push(Defect::BadEncoding);
        }
        let media_type = media_type(part);
        let is_report = matches!(
            media_type.as_str(),
            "message/delivery-status"
                | "message/global-delivery-status"
                | "message/feedback-report"
                | "text/rfc822-headers"
        );
        if let Some(text) = unpacked(part, &message.raw_message) {
            match media_type.as_str() {
                "text/html" => {
                    let shown = self.show(&text);
                    append(&mut self.letter.html, &shown);
                }
                _ => append(&mut self.letter.plain, &text),
            }
            return;
        }
        match &part.body {
            _ if is_report => {
                let text = String::from_utf8_lossy(part.contents());
                self.letter.reports.push(cut(&text, self.limits.text_chars_max).to_owned());
            }
            PartType::Message(enclosed) => self.enclose(enclosed),
            PartType::Text(text) if message.text_body.contains(&id) => {
                append(&mut self.letter.plain, &mended(text, part, &message.raw_message));
            }
            PartType::Html(html) if message.html_body.contains(&id) || message.text_body.contains(&id) => {
                let shown = self.show(&mended(html, part, &message.raw_message));
                append(&mut self.letter.html, &shown);
            }
            _ => self.attach(part, media_type),
        }
    }

    fn show(&mut self, html: &str) -> String {
        self.letter.markup.take(html);
        let room = self.limits.html_bytes_max.saturating_sub(self.html_bytes);
        self.html_bytes = self.html_bytes.saturating_add(html.len());
        let (shown, whole) = visible_text(html, room);
        if !whole {
            self.letter.defects.push(Defect::HtmlTooLarge);
        }
        shown
    }

    fn enclose(&mut self, message: &Message<'_>) {
        if self.letter.enclosed.len() >= ENCLOSED_MAX {
            return;
        }
        let mut enclosed = Enclosed {
            message_id: message.message_id().and_then(id),
            from: message.from().and_then(only_sender),
            from_shown: message
                .from()
                .and_then(|from| from.first()?.name.as_deref())
                .map(|name| cut(name, HEADER_CHARS_MAX).to_owned())
                .unwrap_or_default(),
            subject: cut(message.subject().unwrap_or_default(), SUBJECT_CHARS_MAX).to_owned(),
            text: String::new(),
        };
        for id in message.text_body.iter().take(ENCLOSED_MAX) {
            match message.part(*id).map(|part| &part.body) {
                Some(PartType::Text(text)) => append(&mut enclosed.text, text),
                Some(PartType::Html(html)) => {
                    let shown = self.show(html);
                    append(&mut enclosed.text, &shown);
                }
                _ => {}
            }
        }
        enclosed.text.truncate(cut(&enclosed.text, self.limits.text_chars_max).len());
        self.letter.enclosed.push(enclosed);
    }

    fn attach(&mut self, part: &MessagePart<'_>, media_type: String) {
        let contents = part.contents();
        let name = cut(part.attachment_name().unwrap_or_default(), NAME_CHARS_MAX);
        if is_document(&media_type, name) {
            self.letter.documents.push(name.to_owned());
        }
        self.letter.attachments.push(Attachment {
            sha256: Sha256::digest(contents).into(),
            bytes: contents.len() as u64,
            media_type,
        });
    }
}

/// What stands in a letter that shows a reader nothing: parts of text that no program shows, or a body whose parts were cut
/// off or announced wrongly, as it came. A request in it is a request; the bytes of a document that was found are no text.
fn unshown(message: &Message<'_>, limits: &Limits, as_it_came: bool) -> String {
    let mut text = String::new();
    for part in message.parts.iter().take(usize::try_from(limits.parts_max).unwrap_or(usize::MAX)) {
        match &part.body {
            PartType::Text(plain) => append(&mut text, plain),
            PartType::Binary(bytes) if media_type(part).starts_with("text/") => {
                append(&mut text, &String::from_utf8_lossy(bytes));
            }
            _ => {}
        }
    }
    let as_it_came = as_it_came && text.trim().is_empty();
    if as_it_came && message.content_type().is_some_and(|of| of.ctype().eq_ignore_ascii_case("multipart")) {
        let raw = String::from_utf8_lossy(&message.raw_message);
        let body = raw.split_once("\r\n\r\n").or_else(|| raw.split_once("\n\n")).map_or("", |(_, body)| body);
        let frame = |line: &&str| line.starts_with("--") || line.to_ascii_lowercase().starts_with("content-");
        text = body.lines().filter(|line| !frame(line)).collect::<Vec<_>>().join("\n");
    }
    text.truncate(cut(&text, limits.text_chars_max).len());
    text
}

/// The one address of a header; of two nobody can tell who is meant.
fn only_sender(from: &mail_parser::Address<'_>) -> Option<Address> {
    let mut all = from.iter();
    let first = all.next().filter(|_| all.next().is_none())?;
    first.address.as_deref()?.parse().ok()
}

fn media_type(part: &MessagePart<'_>) -> String {
    let Some(content_type) = part.content_type() else { return "text/plain".to_owned() };
    let mut name = String::new();
    let _ = write!(name, "{}/{}", content_type.ctype(), content_type.subtype().unwrap_or_default());
    cut(&name, 100).to_ascii_lowercase()
}

fn append(to: &mut String, text: &str) {
    if !to.is_empty() {
        to.push_str("\n\n");
    }
    to.push_str(text);
}

fn unfold(value: &str) -> String {
    let mut unfolded = String::with_capacity(value.len());
    for word in cut(value, HEADER_CHARS_MAX).split_whitespace() {
        if !unfolded.is_empty() {
            unfolded.push(' ');
        }
        unfolded.push_str(word);
    }
    unfolded
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(one) => id(one).into_iter().collect(),
        HeaderValue::TextList(ids) => ids.iter().take(IDS_MAX).filter_map(|one| id(one)).collect(),
        _ => Vec::new(),
    }
}

/// What may be a Message-ID (RFC 5322 §3.6.4): one with a control character is none, and names no letter of ours.
pub(super) fn id(value: &str) -> Option<String> {
    let value = cut(value, HEADER_CHARS_MAX);
    (!value.is_empty() && !value.contains(char::is_control)).then(|| value.to_owned())
}

/// The strict addresses of some headers; `bad` is set when one was there and is none.
fn addresses<'a>(values: impl Iterator<Item = &'a HeaderValue<'a>>, bad: &mut bool) -> Vec<Address> {
    let mut found: Vec<Address> = Vec::new();
    for value in values {
        let Some(list) = value.as_address() else { continue };
        for address in list.iter().filter_map(|addr: &Addr<'_>| addr.address.as_deref()).take(HEADER_ADDRESSES_MAX) {
            match address.parse::<Address>() {
                Ok(address) if found.len() < HEADER_ADDRESSES_MAX && !found.contains(&address) => found.push(address),
                Ok(_) => {}
                Err(_) => *bad = true,
            }
        }
    }
    found
}
