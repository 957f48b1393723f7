//! `check --connect` asks a real Postfix what a mail server must do for us, and says which of it is refused.

use serde_json::Value;

use super::shop::Shop;
use crate::support::dovecot::Dovecot;
use crate::support::free_port;
use crate::support::postfix::Postfix;

/// The check's line, and the exit code.
fn plus_addresses(main_cf: &str) -> Option<(Value, Option<i32>)> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let postfix = runtime.block_on(Postfix::start_with(free_port(), main_cf))?;
    let shop = Shop::new();
    let mut config = std::fs::read_to_string(shop.path("expunged.toml")).expect("the config");
    let from = config.find("[mailer.smtp]").expect("a mailer");
    let until = config.find("[stores]").expect("stores");
    let (port, authority) = (postfix.smtp_port, postfix.ca_file.display());
    config.replace_range(
        from..until,
        &format!("[mailer.smtp]\nhost = \"localhost\"\nport = {port}\nca_file = \"{authority}\"\n\n"),
    );
    std::fs::write(shop.path("expunged.toml"), config).expect("a config");
    let said = shop.run(&["check", "--connect", "-o", "json"]);
    let lines: Value = serde_json::from_str(&said.out).expect("JSON on stdout");
    let lines = lines.as_array().expect("lines");
    let line = |check: &str| lines.iter().find(|line| line["check"] == check).cloned();
    assert_eq!(line("mail server").expect("a line")["result"], "ok", "{}", postfix.mail_log());
    let log = postfix.mail_log();
    assert!(!log.contains("queued as") && !log.contains("message-id"), "nothing was handed over: {log}");
    Some((line("plus-addresses").expect("a line"), said.code))
}

fn note(line: &Value) -> &str {
    line["note"].as_str().unwrap_or_default()
}

/// One mailbox, as a real server has it; a later line wins.
const ONE_MAILBOX: &str = "virtual_mailbox_maps = inline:{privacy@tiny.example=ok}\n";

#[test]
fn a_server_without_plus_addresses_is_told() {
    let Some((line, code)) = plus_addresses(ONE_MAILBOX) else { return };
    assert_eq!((&line["result"], code), (&"failed".into(), Some(5)), "{line}");
    assert!(note(&line).contains("at the recipient: the server answered 550"), "{line}");
    assert!(note(&line).contains("does not deliver privacy+check@tiny.example"), "{line}");
    assert!(note(&line).contains("recipient_delimiter = +"), "{line}");
}

/// Postfix says no to a sender only when it has heard the recipient, unless it is told not to wait.
#[test]
fn a_server_that_does_not_let_us_send_as_them_is_told() {
    for delay in ["yes", "no"] {
        let main_cf = format!(
            "{ONE_MAILBOX}recipient_delimiter = +\nsmtpd_delay_reject = {delay}\n\
             smtpd_sender_restrictions = check_sender_access inline:{{privacy+check@tiny.example=REJECT}}\n"
        );
        let Some((line, code)) = plus_addresses(&main_cf) else { return };
        assert_eq!((&line["result"], code), (&"failed".into(), Some(5)), "{line}");
        assert!(note(&line).contains("does not let us send as privacy+check@tiny.example"), "{line}");
    }
}

#[test]
fn a_server_that_does_both_is_right() {
    let Some((line, code)) = plus_addresses(&format!("{ONE_MAILBOX}recipient_delimiter = +\n")) else { return };
    assert_eq!((&line["result"], code), (&"ok".into(), Some(0)), "{line}");
}

/// The note of a check with another mailer or mailbox, and the exit code: what stands between two heads of the config.
fn note_with(from: &str, until: &str, settings: &str, check: &str) -> (String, Option<i32>) {
    let shop = Shop::new();
    let mut config = std::fs::read_to_string(shop.path("expunged.toml")).expect("the config");
    let (from, until) = (config.find(from).expect("its head"), config.find(until).expect("the next head"));
    config.replace_range(from..until, settings);
    std::fs::write(shop.path("expunged.toml"), config).expect("a config");
    let said = shop.run(&["check", "--connect", "-o", "json"]);
    let lines: Value = serde_json::from_str(&said.out).expect("JSON on stdout");
    let lines = lines.as_array().expect("lines");
    let line = lines.iter().find(|line| line["check"] == check).expect("a line");
    assert!(!said.out.contains("hunter2"), "no password: {}", said.out);
    (note(line).to_owned(), said.code)
}

fn smtp(settings: &str) -> (String, Option<i32>) {
    note_with("[mailer.smtp]", "[stores]", &format!("[mailer.smtp]\n{settings}\n"), "mail server")
}

fn imap(settings: &str) -> (String, Option<i32>) {
    let head = "[mailbox.imap]\nuser = \"olga\"\n";
    note_with("[mailbox.maildir]", "[mailer.smtp]", &format!("{head}{settings}\n"), "mailbox")
}

/// A certificate in this folder that is for this name alone, of a server (`FALSE`) or an authority (`TRUE`).
fn certificate_for(folder: &std::path::Path, name: &str, authority: &str) -> [String; 2] {
    let [cert, key] = ["cert", "key"].map(|what| folder.join(format!("{what}-{authority}.pem")).display().to_string());
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=other", "-addext", &format!("basicConstraints=critical,CA:{authority}")])
        .args(["-addext", &format!("subjectAltName=DNS:{name}"), "-out", &cert, "-keyout", &key])
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    [cert, key]
}

/// What is wrong is told apart: each has its own words, and all end with 5.
#[test]
fn a_mail_server_that_is_shut_says_by_what() {
    let folder = tempfile::tempdir().expect("a folder");
    let [other, key] = certificate_for(folder.path(), "mail.other.example", "FALSE");
    let far = smtp("host = \"no.such.host.invalid\"");
    assert!(far.0.contains("no.such.host.invalid: The name is not found in DNS"), "{far:?}");
    let shut = smtp(&format!("host = \"localhost\"\nport = {}", free_port()));
    assert!(shut.0.contains("Nothing listens on that port") && shut.0.contains("[mailer.smtp]"), "{shut:?}");
    // The kernel takes the connection, and nobody greets.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its port").port();
    let late = smtp(&format!("host = \"127.0.0.1\"\nport = {port}\nsend_timeout_seconds = 1"));
    assert!(late.0.contains("does not answer in time"), "{late:?}");
    for (_, code) in [far, shut, late] {
        assert_eq!(code, Some(5));
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let Some(postfix) = runtime.block_on(Postfix::start_with(free_port(), "")) else { return };
    let (port, ca_file) = (postfix.smtp_port, postfix.ca_file.display());
    let at = format!("host = \"localhost\"\nport = {port}");
    let plain = smtp(&format!("{at}\nsecurity = \"tls\"\nca_file = \"{ca_file}\""));
    assert!(plain.0.contains("speaks without TLS at first") && plain.0.contains("starttls"), "{plain:?}");
    let foreign = smtp(&format!("{at}\nca_file = \"{other}\""));
    assert!(foreign.0.contains("signed by nobody whom we trust") && foreign.0.contains("ca_file"), "{foreign:?}");
    let login = smtp(&format!("{at}\nca_file = \"{ca_file}\"\nuser = \"x\"\npassword = \"hunter2\""));
    assert!(login.0.contains("offers no login that we know"), "{login:?}");
    let named = format!("smtpd_tls_cert_file = {other}\nsmtpd_tls_key_file = {key}\n");
    let postfix = runtime.block_on(Postfix::start_with(free_port(), &named)).expect("it started before");
    let renamed = smtp(&format!("host = \"localhost\"\nport = {}\nca_file = \"{other}\"", postfix.smtp_port));
    assert!(renamed.0.contains("certificate is for another name"), "{renamed:?}");
    let [own, key] = certificate_for(folder.path(), "localhost", "TRUE");
    let named = format!("smtpd_tls_cert_file = {own}\nsmtpd_tls_key_file = {key}\n");
    let postfix = runtime.block_on(Postfix::start_with(free_port(), &named)).expect("it started before");
    let authority = smtp(&format!("host = \"localhost\"\nport = {}\nca_file = \"{own}\"", postfix.smtp_port));
    assert!(authority.0.contains("one of an authority (CA:TRUE)") && authority.0.contains("CA:FALSE"), "{authority:?}");
    for (words, code) in [plain, foreign, login, renamed, authority] {
        assert_eq!(code, Some(5), "{words}");
    }
}

#[test]
fn a_mailbox_that_is_shut_says_by_what() {
    let folder = tempfile::tempdir().expect("a folder");
    let [other, _] = certificate_for(folder.path(), "mail.other.example", "FALSE");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dovecot = runtime.block_on(Dovecot::start());
    let (tls, clear, ca_file) = (dovecot.imaps_port, dovecot.imap_port, dovecot.ca_file.display());
    let password = "password = \"hunter2\"";
    for (settings, words) in [
        (format!("host = \"no.such.host.invalid\"\n{password}"), "The name is not found in DNS"),
        (format!("host = \"localhost\"\nport = {}\n{password}", free_port()), "Nothing listens on that port"),
        (
            format!("host = \"localhost\"\nport = {clear}\nca_file = \"{ca_file}\"\n{password}"),
            "speaks without TLS at first",
        ),
        (
            format!("host = \"localhost\"\nport = {tls}\nca_file = \"{other}\"\n{password}"),
            "signed by nobody whom we trust",
        ),
        (
            format!("host = \"localhost\"\nport = {tls}\nca_file = \"{ca_file}\"\n{password}"),
            "refused the login [AUTHENTICATIONFAILED]; check user and password",
        ),
        (
            format!(
                "host = \"localhost\"\nport = {tls}\nsecurity = \"starttls\"\nstep_timeout_seconds = 1\nca_file = \"{ca_file}\"\n{password}"
            ),
            "needs security = \"tls\"",
        ),
    ] {
        let (note, code) = imap(&settings);
        assert!(note.contains(words), "{words:?} in {note}");
        assert_eq!(code, Some(5), "{note}");
    }
}
