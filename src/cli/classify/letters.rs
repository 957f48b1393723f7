//! Where letters lie: files, folders, mbox files, the standard input. Finds and reads them; what they say is not its
//! business.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::exit::{Ended, Exit, Outcome};
use crate::output::{printable, say};

/// Folders within folders.
const DEPTH_MAX: u32 = 64;
/// Bytes by which a file is known to begin like a letter.
const HEAD_BYTES: u64 = 512;
/// How every letter of an mbox file begins (RFC 4155).
const SEPARATOR: &[u8] = b"From ";
/// Files that are letters whatever they begin with.
const ENDINGS: [&str; 4] = ["eml", "mbox", "mbx", "mime"];

/// One letter, not read yet.
pub(in crate::cli) enum Source {
    /// A file of its own.
    File(PathBuf),
    /// Bytes of an mbox file, and its number there, from 1.
    Within(PathBuf, Range<u64>, usize),
    /// Bytes of the standard input, and its number there.
    Piped(Arc<Vec<u8>>, Range<usize>, usize),
}

/// What was found under some paths.
#[derive(Default)]
pub(in crate::cli) struct Found {
    pub(in crate::cli) sources: Vec<Source>,
    /// Named paths that do not exist.
    pub(in crate::cli) missing: usize,
    /// Files and folders that could not be looked into.
    pub(in crate::cli) unread: usize,
    /// Named paths under which there is no letter.
    pub(in crate::cli) empty: usize,
    /// Files in folders that do not begin like a letter.
    pub(in crate::cli) passed_over: Vec<PathBuf>,
}

/// The letters of these paths, in order; of the standard input where there are none.
pub(in crate::cli) fn find(paths: &[PathBuf]) -> io::Result<Found> {
    let mut found = Found::default();
    if paths.is_empty() {
        found.standard_input()?;
    }
    for path in paths {
        if path == Path::new("-") {
            found.standard_input()?;
            continue;
        }
        match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                found.missing += 1;
                say(&format!("{} does not exist", path.display()));
            }
            Err(error) => found.failed(path, &error),
            Ok(metadata) if metadata.is_dir() => {
                let before = (found.sources.len(), found.unread);
                found.folder(path, 0);
                if (found.sources.len(), found.unread) == before {
                    found.empty += 1;
                    say(&format!("there is no letter in {}", path.display()));
                }
            }
            Ok(_) => found.file(path, true),
        }
    }
    Ok(found)
}

impl Found {
    /// How a command ends that did with all letters what it does, and could not read so many.
    pub(in crate::cli) fn ended(&self, unread: usize) -> Outcome {
        match (self.missing, self.empty, unread) {
            (0, 0, 0) => Ok(()),
            (0, 0, unread) => Err(Ended::saying(Exit::Failed, format_args!("{unread} could not be read"))),
            (0, empty, _) => Err(Ended::saying(Exit::NotFound, format_args!("{empty} of the paths hold no letter"))),
            (missing, ..) => Err(Ended::saying(Exit::NotFound, format_args!("{missing} of the paths do not exist"))),
        }
    }
}

/// Files that are named one by one.
const NAMED_MAX: usize = 20;

/// Names what was not taken for a letter, so that a letter among it is missed by somebody.
pub(in crate::cli) fn say_passed_over(files: &[PathBuf]) {
    for file in files.iter().take(NAMED_MAX) {
        let name = printable(&file.display().to_string());
        say(&format!("{name} does not begin like a letter and was passed over; name it by itself to have it judged"));
    }
    if let Some(more) = files.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        say(&format!("{more} more files do not begin like a letter and were passed over"));
    }
}

impl Found {
    fn failed(&mut self, path: &Path, error: &io::Error) {
        self.unread += 1;
        say(&format!("cannot read {}: {error}", path.display()));
    }

    fn standard_input(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        let whole = 0..bytes.len();
        let letters = if is_separator(&bytes) { split(&bytes[..])? } else { Vec::new() };
        let bytes = Arc::new(bytes);
        if letters.is_empty() {
            self.sources.push(Source::Piped(bytes, whole, 1));
            return Ok(());
        }
        let size = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        for (at, range) in letters.into_iter().enumerate() {
            self.sources.push(Source::Piped(Arc::clone(&bytes), size(range.start)..size(range.end), at + 1));
        }
        Ok(())
    }

    /// All files of a folder and of those in it, by name. Hidden ones are not looked at, links to folders not followed.
    fn folder(&mut self, path: &Path, depth: u32) {
        let listed = std::fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut listed = match listed {
            Ok(listed) => listed,
            Err(error) => return self.failed(path, &error),
        };
        listed.sort_by_key(std::fs::DirEntry::file_name);
        for entry in listed {
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < DEPTH_MAX => self.folder(&path, depth + 1),
                Ok(kind) if kind.is_file() || (kind.is_symlink() && path.is_file()) => self.file(&path, false),
                Ok(_) => {}
                Err(error) => self.failed(&path, &error),
            }
        }
    }

    fn file(&mut self, path: &Path, named: bool) {
        let looked = File::open(path).and_then(|file| {
            let mut head = Vec::new();
            (&file).take(HEAD_BYTES).read_to_end(&mut head)?;
            if !is_separator(&head) {
                return Ok((head, Vec::new()));
            }
            (&file).seek(SeekFrom::Start(0))?;
            Ok((head, split(BufReader::new(&file))?))
        });
        match looked {
            Err(error) => self.failed(path, &error),
            Ok((head, letters)) if letters.is_empty() => {
                let looks_so = has_ending(path) || begins_like_a_letter(&head);
                let found = path.to_owned();
                match (looks_so, named) {
                    (false, true) if is_binary(&head) => {
                        self.unread += 1;
                        say(&format!("{} is no letter: it does not begin like one, and is no text", path.display()));
                    }
                    (false, false) => self.passed_over.push(found),
                    _ => self.sources.push(Source::File(found)),
                }
            }
            Ok((_, letters)) => {
                for (at, range) in letters.into_iter().enumerate() {
                    self.sources.push(Source::Within(path.to_owned(), range, at + 1));
                }
            }
        }
    }
}

impl Source {
    /// What it is called: the file, and the number within an mbox.
    pub(in crate::cli) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Within(path, _, number) => format!("{}#{number}", path.display()),
            Self::Piped(_, _, number) => format!("-#{number}"),
        }
    }

    /// Its bytes, at most so many.
    pub(in crate::cli) fn read(&self, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self {
            Self::File(path) => {
                File::open(path)?.take(bytes_max).read_to_end(&mut bytes)?;
                return Ok(bytes);
            }
            Self::Within(path, range, _) => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(range.start))?;
                file.take((range.end - range.start).min(bytes_max)).read_to_end(&mut bytes)?;
            }
            Self::Piped(whole, range, _) => {
                let most = usize::try_from(bytes_max).unwrap_or(usize::MAX).min(range.len());
                bytes.extend(whole.get(range.clone()).unwrap_or_default().iter().take(most));
                if !is_separator(whole) {
                    return Ok(bytes);
                }
            }
        }
        Ok(unquoted(&bytes))
    }
}

/// Whether a line parts two letters of an mbox file, rather than being a crooked From header, which a letter must not lose.
fn is_separator(line: &[u8]) -> bool {
    line.strip_prefix(SEPARATOR).is_some_and(|rest| !rest.trim_ascii_start().starts_with(b":"))
}

/// The letters of an mbox file, without the line that parts them.
fn split(mut mbox: impl io::BufRead) -> io::Result<Vec<Range<u64>>> {
    let (mut letters, mut begin, mut at, mut blank) = (Vec::new(), None, 0, true);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = mbox.read_until(b'\n', &mut line)? as u64;
        let parts = blank && is_separator(&line);
        if length == 0 || parts {
            letters.extend(begin.map(|begin| begin..at));
            begin = Some(at + length);
        }
        if length == 0 {
            return Ok(letters);
        }
        at += length;
        blank = line == b"\n" || line == b"\r\n";
    }
}

/// Lines of a letter that begin with "From " are marked in an mbox file.
fn unquoted(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let bare = line.strip_prefix(b">").filter(|rest| {
            let marks = rest.iter().take_while(|byte| **byte == b'>').count();
            rest[marks..].starts_with(SEPARATOR)
        });
        out.extend_from_slice(bare.unwrap_or(line));
    }
    out
}

fn has_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(std::ffi::OsStr::to_str);
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Whether a file that does not begin like a letter is no text either: letters have no zero bytes (RFC 5322 §4.1).
fn is_binary(head: &[u8]) -> bool {
    head.contains(&0)
}

/// Whether the first line is the field of a header (RFC 5322 §2.2).
fn begins_like_a_letter(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
    colon > 0 && line[..colon].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mbox_comes_apart_where_its_letters_begin() {
        let mbox = b"From a Mon\nSubject: 1\n\n>From here\nFrom there\n\nFrom b Tue\nSubject: 2\n\ntext\n";
        let letters = split(&mbox[..]).unwrap();
        let text = |range: &Range<u64>| unquoted(&mbox[range.start as usize..range.end as usize]);
        assert_eq!(letters.len(), 2);
        assert_eq!(text(&letters[0]), b"Subject: 1\n\nFrom here\nFrom there\n\n");
        assert_eq!(text(&letters[1]), b"Subject: 2\n\ntext\n");
        assert!(split(&b""[..]).unwrap().len() <= 1);
    }

    #[test]
    fn a_crooked_from_header_parts_no_letters() {
        assert!(is_separator(b"From ann@b.example Mon Jan  5 10:00:00 2027\n"));
        assert!(!is_separator(b"From : ann@b.example\r\n") && !is_separator(b"From: ann@b.example\r\n"));
    }

    #[test]
    fn a_manifest_is_no_letter() {
        assert!(begins_like_a_letter(b"Return-Path: <>\r\n"));
        assert!(!begins_like_a_letter(b"{\"file\": 1}") && !begins_like_a_letter(b"# Title: x\n"));
    }
}
