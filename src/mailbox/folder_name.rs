//! Folder names as they travel and as they lie on disk: modified UTF-7 (RFC 3501 §5.1.3).
//!
//! Never lets a name through that means something else to a server or a file system.

use data_encoding::{Encoding, Specification};

use super::MailboxError;

/// A folder name is at most this long after encoding (file systems end at 255).
const NAME_BYTES_MAX: usize = 200;

/// The name in modified UTF-7: printable ASCII as it is, `&` as `&-`, everything else in runs of base 64 of UTF-16.
///
/// # Errors
/// [`MailboxError::Argument`] for an empty name, control characters, and the wildcards of LIST (`%`, `*`).
pub(super) fn encode(name: &str) -> Result<String, MailboxError> {
    let refuse = |why| Err(MailboxError::Argument { what: "a folder name", why });
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.chars().any(char::is_control) {
        return refuse("it has a control character");
    }
    if name.contains(['%', '*']) {
        return refuse("% and * are wildcards in IMAP");
    }
    let encoded = modified_utf7(name)?;
    if encoded.len() > NAME_BYTES_MAX {
        return refuse("it is too long");
    }
    Ok(encoded)
}

fn modified_utf7(name: &str) -> Result<String, MailboxError> {
    let base64 = modified_base64()?;
    let mut encoded = String::with_capacity(name.len());
    let mut run: Vec<u8> = Vec::new();
    let close = |encoded: &mut String, run: &mut Vec<u8>| {
        if !run.is_empty() {
            encoded.push('&');
            encoded.push_str(&base64.encode(run));
            encoded.push('-');
            run.clear();
        }
    };
    for symbol in name.chars() {
        if matches!(symbol, ' '..='~') {
            close(&mut encoded, &mut run);
            encoded.push(symbol);
            if symbol == '&' {
                encoded.push('-');
            }
        } else {
            let mut units = [0; 2];
            run.extend(symbol.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    close(&mut encoded, &mut run);
    Ok(encoded)
}

/// Base 64 with `,` in place of `/` and without padding.
fn modified_base64() -> Result<Encoding, MailboxError> {
    let mut specification = Specification::new();
    specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,");
    specification.encoding().map_err(|_| MailboxError::Argument { what: "a folder name", why: "it cannot be encoded" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_as_in_the_rfc() {
        assert_eq!(encode("Sent").unwrap(), "Sent");
        assert_eq!(encode("Gelöscht").unwrap(), "Gel&APY-scht");
        assert_eq!(encode("R&D").unwrap(), "R&-D");
        // The example of RFC 3501 §5.1.3.
        assert_eq!(encode("~peter/mail/台北/日本語").unwrap(), "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
    }

    #[test]
    fn names_that_mean_something_else_are_refused() {
        for name in ["", "a\r\nA1 EXPUNGE", "a\0", "%", "In*", &"x".repeat(201)] {
            assert!(encode(name).is_err(), "{name:?}");
        }
    }
}
