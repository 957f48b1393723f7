//! A letter that somebody passes on to us: who wrote it, and what they wrote.
//!
//! It comes enclosed as a message of its own (RFC 2046 §5.2.1), or written below the repeated lines of its header, which each mail
//! program writes in the language of its user. Only what can be told from these is a letter; all else stays for a person.

use super::letter::Letter;
use super::lexicon::{Group, Lexicon};
use super::normal::{cut, fold};
use super::{claims, ours};

/// Lines above the repeated header: separators, and blank ones.
const ABOVE_LINES_MAX: usize = 6;
/// Lines of a repeated header: From, To, Cc, Sent, Subject, each of which may be folded once.
const HEADER_LINES_MAX: usize = 12;
/// Lines that a header has at least: one alone may be of the text.
const HEADER_LINES_MIN: usize = 2;
/// Characters of a line of a header that are looked at.
const LINE_CHARS_MAX: usize = 400;

/// The letter inside, as one that its writer sent.
///
/// `None` where there is none or more than one, or where it does not say by exactly one address who wrote it.
pub(super) fn inside(letter: &Letter, forwarded: &str, lexicon: &Lexicon) -> Option<Letter> {
    match letter.enclosed.as_slice() {
        [] => inline(forwarded, lexicon),
        [only] if forwarded.trim().is_empty() => {
            let from = only.from.clone()?;
            let headers = vec![("from".to_owned(), only.from_shown.clone())];
            Some(Letter {
                headers,
                from: vec![from],
                subject: only.subject.clone(),
                plain: only.text.clone(),
                ..Letter::default()
            })
        }
        _ => None,
    }
}

/// What stands below a repeated header.
fn inline(forwarded: &str, lexicon: &Lexicon) -> Option<Letter> {
    let lines: Vec<&str> = forwarded.lines().map(str::trim).collect();
    let is_header = |line: &str| ours::is_header_line(&fold(cut(line, LINE_CHARS_MAX)), lexicon);
    let begins = lines.iter().take(ABOVE_LINES_MAX).position(|line| is_header(line))?;
    let block = &lines[begins..lines.len().min(begins + HEADER_LINES_MAX)];
    let ends = block.iter().position(|line| line.is_empty()).unwrap_or(block.len());
    let header = &block[..ends];
    if header.iter().filter(|line| is_header(line)).count() < HEADER_LINES_MIN {
        return None;
    }
    let writer = writer(header, lexicon)?;
    let mut addresses = claims::addresses_in(cut(writer, LINE_CHARS_MAX));
    let from = addresses.next().filter(|_| addresses.next().is_none())?;
    Some(Letter {
        headers: vec![("from".to_owned(), writer.to_owned())],
        from: vec![from],
        plain: lines[begins + ends..].join("\n"),
        ..Letter::default()
    })
}

/// What the line says that names the writer; "From" in one of our languages.
fn writer<'a>(header: &[&'a str], lexicon: &Lexicon) -> Option<&'a str> {
    let is_from = |line: &&&str| {
        let folded = fold(cut(line, LINE_CHARS_MAX));
        // Stars and lines below, as some programs mark what is bold; letters of other scripts are folded into signs that begin with a line.
        let bare = [folded.as_str(), folded.trim_start_matches(['*', '_', ' '])];
        bare.into_iter().any(|line| lexicon.starts(Group::HeaderFrom, line))
    };
    let mut named = header.iter().filter(is_from);
    let line = named.next().filter(|_| named.next().is_none())?;
    line.split_once([':', '：']).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(forwarded: &str) -> Option<(String, String)> {
        let lexicon = super::super::lexicon::for_tests();
        let inside = inside(&Letter::default(), forwarded, lexicon)?;
        Some((inside.from[0].as_str().to_owned(), inside.plain.trim().to_owned()))
    }

    #[test]
    fn the_writer_is_who_the_repeated_header_names_and_the_header_is_no_text() {
        for header in [
            "-----Original Message-----\nFrom: Ada <ada@mail.example>\nSent: 1 May 2026 10:00\nTo: sales@shop.example\nSubject: Erasure",
            "---------- Forwarded message ---------\nVon: Ada <ada@mail.example>\nDate: Fr., 1. Mai 2026\nSubject: Löschung\nTo: <sales@shop.example>\n",
            "-------- Message transféré --------\nSujet : \tEffacement\nDate : \t1 mai 2026\nDe : \tAda <ada@mail.example>\nPour : \tsales@shop.example\n",
            "-----Оригинално съобщение-----\nОт: Ада <ada@mail.example>\nИзпратено: 05.02.2026 09:57\nДо: sales@shop.example\nОтносно: Искане",
            "-----原始邮件-----\n发件人: 王小明 <ada@mail.example>\n发送时间: 07.03.2026 00:59\n收件人: sales@shop.example\n主题: 删除",
            "-----Оригинална порука-----\nОд: Ада <ada@mail.example>\nПослато: 06.09.2026 15:33\nЗа: sales@shop.example\nНаслов: Захтев",
            "\n\nFrom: ada@mail.example\nSent: 1 May 2026 10:00",
        ] {
            let text = format!("{header}\n\nPlease delete my account.\n");
            let expected = Some(("ada@mail.example".to_owned(), "Please delete my account.".to_owned()));
            assert_eq!(of(&text), expected, "{header}");
        }
    }

    #[test]
    fn nobody_is_taken_for_the_writer_whom_the_header_does_not_name() {
        for header in [
            "From: Ada\nSent: 1 May 2026 10:00\nTo: sales@shop.example",
            "From: Ada <ada@mail.example>, Bob <bob@mail.example>\nSent: 1 May 2026 10:00",
            "Sent: 1 May 2026 10:00\nTo: sales@shop.example\nSubject: Erasure",
            "From: ada@mail.example\nFrom: bob@mail.example\nSent: 1 May 2026",
            "From: ada@mail.example",
            "",
        ] {
            assert_eq!(of(&format!("{header}\n\nPlease delete my account.\n")), None, "{header}");
        }
    }
}
