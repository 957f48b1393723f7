//! Authentication-Results (RFC 8601), read strictly, and trusted only where our own MX wrote them.
//!
//! Anybody can write such a header into a letter. Only the topmost counts, only under the one configured authserv-id, and
//! only where no other header of the letter bears that id: an MX that is trusted strips what others wrote in its name.

use super::fields::Head;

pub(super) const FIELD: &str = "authentication-results";
/// Bytes of one header.
const BYTES_MAX: usize = 8 * 1024;
/// Results in one header.
const METHODS_MAX: usize = 50;
/// Comments within comments.
const DEPTH_MAX: u32 = 8;

/// What one header says.
struct Results {
    /// Who says it, in lower case.
    authserv_id: String,
    /// What was looked at; empty for "none".
    methods: Vec<Method>,
}

/// One result.
struct Method {
    /// Such as `dkim`, in lower case.
    name: String,
    /// Such as `pass`, in lower case.
    result: String,
    /// Such as `header.from` with its value, names in lower case.
    properties: Vec<(String, String)>,
}

/// What our MX says of alignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    Pass,
    Fail,
    TempError,
    Nothing,
}

/// What the trusted MX says of a letter from this domain.
pub(super) fn said(head: &Head<'_>, trusted: &str, domain: &str) -> Result<Said, &'static str> {
    let mut fields = head.all(FIELD);
    let top = fields.next().ok_or("our MX has left no results")?;
    let top = read(top.value)?;
    if !top.authserv_id.eq_ignore_ascii_case(trusted) {
        return Err("the topmost results are not of our MX");
    }
    let trusted = trusted.to_ascii_lowercase();
    let bears_its_name = |value: &[u8]| String::from_utf8_lossy(value).to_ascii_lowercase().contains(&trusted);
    if fields.any(|field| bears_its_name(field.value)) {
        return Err("several results bear the name of our MX: what others wrote was not stripped");
    }
    let mut of_dmarc = top.methods.iter().filter(|method| method.name == "dmarc");
    let Some(dmarc) = of_dmarc.next() else { return Ok(Said::Nothing) };
    if of_dmarc.next().is_some() {
        return Err("our MX says two things of alignment");
    }
    let mut from = dmarc.properties.iter().filter(|(name, _)| name == "header.from");
    let (Some((_, from)), None) = (from.next(), from.next()) else {
        return Err("our MX does not say whose alignment it means");
    };
    if !from.rsplit('@').next().unwrap_or_default().eq_ignore_ascii_case(domain) {
        return Err("our MX means another address");
    }
    match dmarc.result.as_str() {
        "pass" => Ok(Said::Pass),
        "fail" | "permerror" => Ok(Said::Fail),
        "temperror" => Ok(Said::TempError),
        "none" => Ok(Said::Nothing),
        _ => Err("our MX says something unknown of alignment"),
    }
}

/// Whose results these are, in lower case; `None` where nobody could tell.
pub(super) fn whose(value: &[u8]) -> Option<String> {
    read(value).ok().map(|results| results.authserv_id)
}

/// Reads the value of one header, or says why it is not of RFC 8601 §2.2 to the letter; repeats nothing of it.
fn read(value: &[u8]) -> Result<Results, &'static str> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii() && text.len() <= BYTES_MAX);
    let text = text.ok_or("the results are too long, or not ASCII")?;
    let mut parts = sections(text)?.into_iter();
    let id = parts.next().unwrap_or_default();
    let authserv_id = match id.as_slice() {
        [Token::Word(id)] => id,
        [Token::Word(id), Token::Word(version)] if version == "1" => id,
        _ => return Err("the results do not say whose they are"),
    };
    let authserv_id = authserv_id.to_ascii_lowercase();
    let parts: Vec<Vec<Token>> = parts.collect();
    if let [only] = parts.as_slice()
        && matches!(only.as_slice(), [Token::Word(none)] if none.eq_ignore_ascii_case("none"))
    {
        return Ok(Results { authserv_id, methods: Vec::new() });
    }
    // A semicolon at the end is not of the grammar, and written by many.
    let ends_empty = parts.len() > 1 && parts.last().is_some_and(Vec::is_empty);
    let parts = &parts[..parts.len() - usize::from(ends_empty)];
    if parts.is_empty() || parts.len() > METHODS_MAX {
        return Err("the results hold nothing, or too much");
    }
    let methods = parts.iter().map(|part| method(part)).collect::<Option<Vec<_>>>();
    let methods = methods.ok_or("a result is not of the form method=result property=value")?;
    Ok(Results { authserv_id, methods })
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Word(String),
    Quoted(String),
    Equals,
}

/// The tokens between the semicolons, without comments.
fn sections(text: &str) -> Result<Vec<Vec<Token>>, &'static str> {
    let (mut parts, mut part) = (Vec::new(), Vec::new());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => {}
            ';' => parts.push(std::mem::take(&mut part)),
            '=' if !matches!(part.last(), Some(Token::Equals)) => part.push(Token::Equals),
            '"' => part.push(Token::Quoted(quoted(&mut chars)?)),
            '(' => comment(&mut chars)?,
            _ if c.is_ascii_graphic() && c != ')' => {
                let mut word = String::from(c);
                // Base64 and addresses are written bare by many: an equals sign within a value is a part of it.
                let is_value = matches!(part.last(), Some(Token::Equals));
                let more = |c: &char| c.is_ascii_graphic() && !";()\"".contains(*c) && (is_value || *c != '=');
                while let Some(c) = chars.next_if(more) {
                    word.push(c);
                }
                part.push(Token::Word(word));
            }
            _ => return Err("the results have a character out of place"),
        }
    }
    parts.push(part);
    Ok(parts)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn quoted(chars: &mut Chars<'_>) -> Result<String, &'static str> {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(text),
            '\\' => text.extend(chars.next().filter(|c| !c.is_control())),
            c if c.is_control() && c != '\t' => break,
            c => text.push(c),
        }
    }
    Err("the results have a quote that does not end")
}

/// Passes over a comment whose first bracket is read already.
fn comment(chars: &mut Chars<'_>) -> Result<(), &'static str> {
    let mut depth = 1_u32;
    while let Some(c) = chars.next() {
        match c {
            '(' if depth == DEPTH_MAX => break,
            '(' => depth += 1,
            ')' => depth -= 1,
            '\\' => drop(chars.next()),
            _ => {}
        }
        if depth == 0 {
            return Ok(());
        }
    }
    Err("the results have a comment that does not end, or too many within each other")
}

/// `method[/version]=result [reason=…] [ptype.property=value …]`.
fn method(part: &[Token]) -> Option<Method> {
    let (pairs, rest) = part.as_chunks::<3>();
    let [first, more @ ..] = pairs else { return None };
    if !rest.is_empty() {
        return None;
    }
    let pair = |three: &[Token; 3]| match three {
        [Token::Word(name), Token::Equals, Token::Word(value) | Token::Quoted(value)] => {
            Some((name.to_ascii_lowercase(), value.clone()))
        }
        _ => None,
    };
    let (name, result) = pair(first)?;
    let name = match name.split_once('/') {
        Some((name, "1")) => name.to_owned(),
        Some(_) => return None,
        None => name,
    };
    let is_keyword =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let is_property = |name: &str| {
        name == "reason" || name.split_once('.').is_some_and(|(kind, of)| is_keyword(kind) && is_keyword(of))
    };
    let properties: Vec<(String, String)> = more.iter().map(pair).collect::<Option<_>>()?;
    if !is_keyword(&name) || !is_keyword(&result) || !properties.iter().all(|(name, _)| is_property(name)) {
        return None;
    }
    Some(Method { name, result: result.to_ascii_lowercase(), properties })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = " mx.shop.example;\r\n\tdkim=pass (2048-bit key; \"x\") header.d=b.example header.b=\"a/+b=\";\
        \r\n\tspf=pass smtp.mailfrom=ann@b.example; dmarc=pass (p=REJECT sp=NONE) header.from=b.example";

    fn of(letter: &str) -> Result<Said, &'static str> {
        let head = Head::parse(letter.as_bytes()).unwrap();
        said(&head, "mx.shop.example", "b.example")
    }

    #[test]
    fn what_mail_servers_write_is_read() {
        let results = read(GOOD.as_bytes()).unwrap();
        assert_eq!((results.authserv_id.as_str(), results.methods.len()), ("mx.shop.example", 3));
        assert_eq!(results.methods[1].properties, [("smtp.mailfrom".to_owned(), "ann@b.example".to_owned())]);
        for text in [
            "mx.example 1; none",
            "mx.example; none",
            "mx.example; dkim=none",
            "mx.example; dkim/1=pass header.b=abc+/== header.i=@b.example;",
            "mx.example (a (nested) comment); spf = pass reason = \"it is; so\" smtp.helo = b.example",
        ] {
            read(text.as_bytes()).unwrap_or_else(|bad| panic!("{text}: {bad}"));
        }
    }

    #[test]
    fn what_is_not_of_the_grammar_is_refused() {
        for text in [
            "",
            ";",
            "mx.example",
            "mx.example;",
            "mx.example; dkim",
            "mx.example; dkim=",
            "mx.example; =pass",
            "mx.example; dkim=pass header.d",
            "mx.example; dkim=pass (open",
            "mx.example; dkim=pass \"open",
            "mx.example; dkim=pass) header.d=x",
            "mx.example 2; dkim=pass",
            "mx.example other; dkim=pass",
            "mx.example; dkim/2=pass",
            "mx.example; dkim==pass",
            "mx.example; none; dkim=pass",
            "mx.example; dkim=pass nonsense=x",
            "mx.example; dkim=p\u{e4}ss",
            "(((((((((mx)))))))))",
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_topmost_of_our_mx_counts() {
        let top = format!("Authentication-Results:{GOOD}\r\n");
        let other = "Authentication-Results: other.example; dmarc=pass header.from=b.example\r\n";
        let from = "From: ann@b.example\r\n\r\n";
        assert_eq!(of(&format!("{top}{from}")), Ok(Said::Pass));
        assert_eq!(of(&format!("{top}{other}{from}")), Ok(Said::Pass));
        assert!(of(&format!("{other}{top}{from}")).is_err());
        assert!(of(&format!("{top}{top}{from}")).is_err());
        assert!(of(from).is_err());
        for (old, new) in [
            ("header.from=b.example", "header.from=c.example"),
            ("header.from=b.example", "header.from=b.example header.from=c.example"),
            (" header.from=b.example", ""),
            ("dmarc=pass", "dmarc=bestguesspass"),
            ("spf=pass", "dmarc=fail header.from=b.example; spf=pass"),
            ("mx.shop.example", "mx.shop.example.evil.example"),
        ] {
            assert!(of(&format!("{}{from}", top.replace(old, new))).is_err(), "{old} → {new}");
        }
        assert_eq!(of(&format!("{}{from}", top.replace("dmarc=pass", "dmarc=fail"))), Ok(Said::Fail));
        assert_eq!(of(&format!("{}{from}", top.replace("dmarc=pass", "x=pass"))), Ok(Said::Nothing));
    }
}
