//! `check --connect` asks a real Postfix what a mail server must do for us, and says which of it is refused.

use serde_json::Value;

use super::shop::Shop;
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
