//! SpamAssassin's spamd: the protocol of its own (SPAMC/1.5), `CHECK` with the letter, and a line that says true or false.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{FilterError, Opinion};

/// Bytes of an answer: a few lines.
const ANSWER_BYTES_MAX: u64 = 8 * 1024;

/// What it says of a letter.
pub(super) async fn ask(host: &str, port: u16, letter: &[u8]) -> Result<Opinion, FilterError> {
    let answer = exchange(host, port, letter).await.map_err(|_| FilterError::Away)?;
    read(&String::from_utf8_lossy(&answer))
}

async fn exchange(host: &str, port: u16, letter: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((host, port)).await?;
    let head = format!("CHECK SPAMC/1.5\r\nContent-length: {}\r\n\r\n", letter.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(letter).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// `SPAMD/1.1 0 EX_OK`, and among the headers `Spam: True ; 15.1 / 5.0`.
fn read(answer: &str) -> Result<Opinion, FilterError> {
    let mut lines = answer.lines();
    let mut first = lines.next().unwrap_or_default().split_whitespace();
    let (protocol, code) = (first.next().unwrap_or_default(), first.next().and_then(|code| code.parse().ok()));
    match (protocol.starts_with("SPAMD/"), code) {
        (true, Some(0)) => {}
        (true, Some(code)) => return Err(FilterError::Refused(code)),
        _ => return Err(FilterError::Unreadable),
    }
    let is_spam = lines.take_while(|line| !line.is_empty()).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let word = value.split(';').next()?.trim();
        name.eq_ignore_ascii_case("spam").then(|| match word.to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(Opinion::Spam),
            "false" | "no" => Some(Opinion::Clear),
            _ => None,
        })
    });
    is_spam.flatten().ok_or(FilterError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_says_so_counts() {
        let ok = "SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\n";
        for (answer, means) in [
            (format!("{ok}Spam: True ; 15.1 / 5.0\r\n\r\n"), Ok(Opinion::Spam)),
            (format!("{ok}Spam: False ; -1.0 / 5.0\r\n\r\n"), Ok(Opinion::Clear)),
            (format!("{ok}\r\nSpam: True ; 1 / 5\r\n"), Err(FilterError::Unreadable)),
            (format!("{ok}Spam: perhaps\r\n\r\n"), Err(FilterError::Unreadable)),
            ("SPAMD/1.0 76 Bad header line\r\n".to_owned(), Err(FilterError::Refused(76))),
            ("HTTP/1.1 400 Bad Request\r\n\r\n".to_owned(), Err(FilterError::Unreadable)),
            (String::new(), Err(FilterError::Unreadable)),
        ] {
            assert_eq!(read(&answer), means, "{answer:?}");
        }
    }
}
