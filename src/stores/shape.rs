//! What values look like, in counts. A value is looked at here and nowhere else, and nothing of it is kept.

/// How many of the values that were seen have which shape. A value has at most one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValueShapes {
    /// Values that are neither NULL nor empty.
    pub seen: u32,
    /// Mail addresses.
    pub addresses: u32,
    /// Telephone numbers, as people write them.
    pub telephones: u32,
    /// IPv4 and IPv6 addresses, with or without the length of a prefix, and addresses of network cards.
    pub ips: u32,
    /// International bank account numbers, with a checksum that holds.
    pub ibans: u32,
    /// Payment cards, with a checksum that holds.
    pub cards: u32,
    /// What a program made of a password (`$2b$…`, `$argon2id$…`).
    pub hashes: u32,
    /// Names of programs that browse.
    pub agents: u32,
    /// UUIDs.
    pub uuids: u32,
    /// Numbers and dates.
    pub plain: u32,
    /// Two to four words that begin with capitals, without digits: perhaps a person's name.
    pub names: u32,
    /// Texts of many words: nobody knows what is in them.
    pub prose: u32,
}

impl ValueShapes {
    /// Looks at one value.
    pub fn look(&mut self, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        self.seen += 1;
        // The narrow shapes first: digits of a card are also a number.
        let count = if is_address(value) {
            &mut self.addresses
        } else if is_network_address(value) {
            &mut self.ips
        } else if is_iban(value) {
            &mut self.ibans
        } else if is_card(value) {
            &mut self.cards
        } else if is_hash(value) {
            &mut self.hashes
        } else if value.starts_with("Mozilla/") {
            &mut self.agents
        } else if uuid::Uuid::parse_str(value).is_ok() {
            &mut self.uuids
        } else if is_plain(value) {
            &mut self.plain
        } else if is_telephone(value) {
            &mut self.telephones
        } else if is_name(value) {
            &mut self.names
        } else if value.split_whitespace().count() > 6 {
            &mut self.prose
        } else {
            return;
        };
        *count += 1;
    }
}

fn is_address(value: &str) -> bool {
    let Some((local, domain)) = value.rsplit_once('@') else { return false };
    !local.is_empty()
        && !value.contains(char::is_whitespace)
        && domain.contains('.')
        && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
}

/// `192.0.2.1`, `2001:db8::/32`, `08:00:2b:01:02:03`, `0800.2b01.0203`.
fn is_network_address(value: &str) -> bool {
    let (address, prefix) = value.split_once('/').unwrap_or((value, "0"));
    let card = |sign: char, parts: usize, digits: usize| {
        let is_part = |part: &str| part.len() == digits && part.bytes().all(|b| b.is_ascii_hexdigit());
        value.split(sign).count() == parts && value.split(sign).all(is_part)
    };
    address.parse::<std::net::IpAddr>().is_ok() && prefix.parse::<u8>().is_ok_and(|bits| bits <= 128)
        || card(':', 6, 2)
        || card('-', 6, 2)
        || card('.', 3, 4)
        || card(':', 8, 2)
}

/// Six to fifteen digits (E.164) with what people put between them, and a sign that it is no mere number.
fn is_telephone(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let marked = value.starts_with(['+', '0', '(']) || value.contains([' ', '/', '(']);
    (6..=15).contains(&digits)
        && marked
        && value.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '/' | '(' | ')' | '.'))
}

/// ISO 13616: two letters, two check digits, and the whole modulo 97 is 1.
fn is_iban(value: &str) -> bool {
    let text: String = value.chars().filter(|c| *c != ' ').collect();
    let shaped = (15..=34).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && text.bytes().take(2).all(|b| b.is_ascii_uppercase())
        && text.bytes().skip(2).take(2).all(|b| b.is_ascii_digit());
    let digits = || text[4..].chars().chain(text[..4].chars()).filter_map(|c| c.to_digit(36));
    shaped && digits().fold(0_u32, |rest, d| (rest * if d > 9 { 100 } else { 10 } + d) % 97) == 1
}

/// 13 to 19 digits with Luhn's checksum (ISO/IEC 7812).
fn is_card(value: &str) -> bool {
    let digits: Vec<u32> = value.chars().filter(|c| !matches!(c, ' ' | '-')).map_while(|c| c.to_digit(10)).collect();
    let all = value.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-'));
    let weigh = |(at, digit): (usize, &u32)| match (at % 2, digit) {
        (0, digit) => *digit,
        (_, digit) => digit * 2 / 10 + digit * 2 % 10,
    };
    all && (13..=19).contains(&digits.len())
        && digits.iter().any(|digit| *digit > 0)
        && digits.iter().rev().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

fn is_hash(value: &str) -> bool {
    value.len() > 20 && value.starts_with('$') && value.matches('$').count() >= 3
        || value.starts_with("pbkdf2_")
        || value.starts_with("{SSHA")
}

/// Digits and what numbers, dates and times are written with.
fn is_plain(value: &str) -> bool {
    value.parse::<f64>().is_ok() || value.get(..10).is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok())
}

fn is_name(value: &str) -> bool {
    let words: Vec<&str> = value.split(' ').collect();
    (2..=4).contains(&words.len())
        && words.iter().all(|word| word.chars().next().is_some_and(char::is_uppercase))
        && value.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_shape_that_people_see_in_it() {
        for (value, of) in [
            ("anna@example.org", "addresses"),
            ("anna at example.org", ""),
            ("+49 (0) 69 1234567", "telephones"),
            ("069/1234567", "telephones"),
            ("192.0.2.1", "ips"),
            ("2001:db8::1", "ips"),
            ("10.0.0.1/32", "ips"),
            ("2001:db8::/32", "ips"),
            ("08:00:2b:01:02:03", "ips"),
            ("08-00-27-01-02-03", "ips"),
            ("0800.2700.0203", "ips"),
            ("030/123456", "telephones"),
            ("DE89 3704 0044 0532 0130 00", "ibans"),
            ("DE88 3704 0044 0532 0130 00", ""),
            ("4111 1111 1111 1111", "cards"),
            ("4111 1111 1111 1112", ""),
            ("$2b$12$abcdefghijklmnopqrstuv", "hashes"),
            ("Mozilla/5.0 (X11)", "agents"),
            ("0190a000-0000-7000-8000-000000000001", "uuids"),
            ("42.50", "plain"),
            ("2026-01-02 03:04:05", "plain"),
            ("Anna-Lena O'Neill", "names"),
            ("please call me back at home in the evening", "prose"),
            ("active", ""),
        ] {
            let mut shapes = ValueShapes::default();
            shapes.look(value);
            let found = format!("{shapes:?}");
            let expected = if of.is_empty() { ValueShapes { seen: 1, ..ValueShapes::default() } } else { shapes };
            assert!(of.is_empty() || found.contains(&format!("{of}: 1")), "{value}: {found}");
            assert_eq!(shapes, expected, "{value}");
        }
        let mut none = ValueShapes::default();
        none.look("  ");
        assert_eq!(none, ValueShapes::default());
    }
}
