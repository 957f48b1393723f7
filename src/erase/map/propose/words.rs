//! What the name of a column says of its data. A dictionary, no more: it proposes, a person decides.

use super::{Guess, NO_CATEGORY};

/// The words of a name: `billingPostalCode`, `billing_postal_code` and `BILLING-POSTAL-CODE` are `billing postal code`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in name.chars() {
        let begins = !before.is_alphabetic() || c.is_uppercase() && before.is_lowercase();
        if c.is_alphabetic() {
            match words.last_mut() {
                Some(word) if !begins => word.extend(c.to_lowercase()),
                _ => words.push(c.to_lowercase().collect()),
            }
        }
        before = c;
    }
    words
}

/// The singular of an English word, as tables are named.
pub(super) fn singular(word: &str) -> String {
    let stem = |end: &str, instead: &str| word.strip_suffix(end).map(|stem| format!("{stem}{instead}"));
    if word == "people" {
        return "person".to_owned();
    }
    let plural = !word.ends_with("ss") && !word.ends_with("us") && !word.ends_with("is");
    let found = stem("ies", "y").or_else(|| stem("sses", "ss")).or_else(|| stem("xes", "x"));
    found.or_else(|| stem("s", "").filter(|_| plural)).unwrap_or_else(|| word.to_owned())
}

/// One entry: words that stand in a name one after another, or, written together, are a whole word of it.
type Entry = (&'static [&'static str], &'static str, f32);

/// The first that matches counts, so what is narrow stands before what is wide. Confidence below
/// [`super::SURE`] leaves the column open.
const ENTRIES: &[Entry] = &[
    (
        &["password", "passwd", "pwd", "passphrase", "secret", "api key", "otp", "totp", "private key", "salt"],
        "credentials",
        0.95,
    ),
    (&["token", "session key", "recovery code", "cvv", "cvc"], "credentials", 0.85),
    (
        &["iban", "bic", "account number", "card number", "cardholder", "credit card", "bank account", "sort code"],
        "financial",
        0.95,
    ),
    (&["salary", "income", "wage", "bank"], "financial", 0.85),
    (
        &[
            "health",
            "medical",
            "diagnosis",
            "religion",
            "ethnicity",
            "ethnic",
            "political",
            "trade union",
            "disability",
            "sexual",
            "biometric",
            "allergy",
            "allergies",
            "blood",
            "genetic",
            "vaccination",
        ],
        "special",
        0.9,
    ),
    (
        &["ip", "ip address", "ipaddr", "remote addr", "user agent", "useragent", "fingerprint", "mac address"],
        "behaviour",
        0.9,
    ),
    (&["email", "e mail", "mail", "mail address"], "contact", 0.95),
    (&["phone", "telephone", "mobile", "fax", "tel", "cell", "whatsapp", "phone number", "msisdn"], "phone", 0.95),
    (
        &[
            "street",
            "address",
            "addr",
            "address line",
            "house number",
            "zip",
            "zipcode",
            "postal code",
            "postcode",
            "po box",
        ],
        "contact",
        0.95,
    ),
    (&["city", "town", "zip code", "postal"], "contact", 0.85),
    (&["latitude", "longitude", "lat", "lng", "lon", "geo", "gps", "geolocation"], "location", 0.85),
    (
        &[
            "first name",
            "last name",
            "full name",
            "surname",
            "given name",
            "family name",
            "middle name",
            "maiden name",
            "forename",
            "nickname",
            "display name",
            "username",
            "user name",
            "login name",
            "contact name",
            "ship name",
            "customer name",
            "recipient name",
        ],
        "identity",
        0.95,
    ),
    (
        &[
            "passport",
            "ssn",
            "social security",
            "national id",
            "tax id",
            "tax number",
            "driver license",
            "driving licence",
        ],
        "identity",
        0.95,
    ),
    (
        &[
            "birthdate",
            "birth",
            "birthday",
            "dob",
            "gender",
            "salutation",
            "nationality",
            "avatar",
            "signature",
            "marital status",
        ],
        "identity",
        0.85,
    ),
    (&["photo", "picture", "portrait", "login", "nick", "age", "company", "vat number", "recipient"], "identity", 0.7),
    (
        &[
            "search",
            "search term",
            "referrer",
            "referer",
            "utm",
            "last login",
            "last seen",
            "last visit",
            "clicked",
            "viewed",
        ],
        "behaviour",
        0.85,
    ),
    (
        &[
            "message",
            "body",
            "comment",
            "feedback",
            "bio",
            "about me",
            "transcript",
            "remark",
            "remarks",
            "note",
            "notes",
            "memo",
        ],
        "communication",
        0.8,
    ),
];
/// Words that are of a person only in a person's surroundings.
const PERHAPS: &[Entry] = &[
    (&["name"], "identity", 0.85),
    (&["state", "country", "region", "province", "county"], "contact", 0.7),
    (&["text", "content", "subject", "description", "reason", "review"], "communication", 0.6),
    (&["query", "keywords", "url", "path", "device", "browser"], "behaviour", 0.6),
    (&["amount", "total", "balance", "price", "discount"], "financial", 0.5),
    (&["title", "image", "reference"], "identity", 0.4),
];
/// Words that make a name speak of a thing's state rather than of the thing.
const STATES: &[&str] = &[
    "verified",
    "confirmed",
    "enabled",
    "disabled",
    "sent",
    "status",
    "type",
    "kind",
    "count",
    "opt",
    "optin",
    "subscribed",
    "template",
    "format",
    "version",
    "flag",
    "is",
    "has",
    "allow",
    "locale",
    "language",
    "lang",
    "currency",
    "active",
    "quantity",
    "qty",
    "position",
    "sort",
    "priority",
    "level",
    "attempts",
];

/// What the name says. `of_person` tells whether the table holds what belongs to somebody.
pub(super) fn category(name: &str, of_person: bool) -> Option<Guess<&'static str>> {
    let words = words(name);
    let guess = |category, confidence, phrase: &str| {
        Some(Guess { value: category, confidence, reason: format!("named like {phrase:?}") })
    };
    if let Some(state) = words.iter().find(|word| STATES.contains(&word.as_str())) {
        return guess(NO_CATEGORY, 0.85, state);
    }
    if let Some((phrase, category, confidence)) = find(ENTRIES, &words) {
        return guess(category, confidence, phrase);
    }
    let (phrase, category, confidence) = find(PERHAPS, &words)?;
    if of_person { guess(category, confidence, phrase) } else { guess(NO_CATEGORY, 0.6, phrase) }
}

fn find(entries: &'static [Entry], words: &[String]) -> Option<(&'static str, &'static str, f32)> {
    let says = |phrase: &str| {
        let parts: Vec<&str> = phrase.split(' ').collect();
        let apart = words.windows(parts.len()).any(|window| window.iter().zip(&parts).all(|(word, part)| word == part));
        let together = phrase.replace(' ', "");
        // `billingaddress`: long enough not to be a part of some other word.
        apart || words.iter().any(|word| *word == together || together.len() > 4 && word.ends_with(&together))
    };
    entries.iter().find_map(|(phrases, category, confidence)| {
        let phrase = phrases.iter().find(|phrase| says(phrase))?;
        Some((*phrase, *category, *confidence))
    })
}

#[cfg(test)]
mod tests {
    use super::super::columns::SHAPES;
    use super::*;
    use crate::domain::Language;
    use crate::reply::templates::Templates;

    #[test]
    fn names_are_read_however_they_are_written() {
        for (name, of) in [
            ("email", Some("contact")),
            ("EmailAddress", Some("contact")),
            ("email_verified", Some("none")),
            ("ship_phone", Some("phone")),
            ("mobileNumber", Some("phone")),
            ("billingpostalcode", Some("contact")),
            ("BillingPostalCode", Some("contact")),
            ("firstName", Some("identity")),
            ("last_login_ip", Some("behaviour")),
            ("password_hash", Some("credentials")),
            ("shipment", None),
            ("zipper", None),
            ("name", Some("identity")),
            ("blood_type", Some("none")),
        ] {
            assert_eq!(category(name, true).map(|guess| guess.value), of, "{name}");
        }
        assert_eq!(category("name", false).map(|guess| guess.value), Some("none"));
    }

    #[test]
    fn letters_have_a_word_for_every_category_that_is_proposed() {
        let templates = Templates::embedded().unwrap();
        let by_name = ENTRIES.iter().chain(PERHAPS).map(|(_, category, _)| *category);
        for category in by_name.chain(SHAPES.iter().map(|(category, _)| *category)) {
            for language in Language::ALL {
                assert!(templates.names_category(*language, category), "{category} in {language}");
            }
        }
    }

    #[test]
    fn tables_have_a_singular() {
        for (many, one) in [
            ("users", "user"),
            ("companies", "company"),
            ("people", "person"),
            ("status", "status"),
            ("addresses", "address"),
        ] {
            assert_eq!(singular(many), one);
        }
    }
}
