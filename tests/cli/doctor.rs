//! `doctor mail` on a real Postfix before a real Dovecot: what is forged is found, and the header of our MX counts only with proof.

use std::path::Path;

use serde_json::Value;

use super::Said;
use super::shop::Shop;
use crate::support::dovecot::{Dovecot, PASSWORD};
use crate::support::postfix::Postfix;

const SUPPORT: &str = "privacy@tiny.example";
const MX: &str = "mx.tiny.example";
/// A filter that knows every form of the field, and the MX's own results; a constant stands for what it would find.
const STRIPS: &str = "{/^Authentication-Results:/ IGNORE}, ";
const OWN: &str =
    "{/^Message-ID:/ PREPEND Authentication-Results: mx.tiny.example; dmarc=pass header.from=customer.example}";

/// A shop whose mailbox is on Dovecot, behind a Postfix with this filter of headers.
struct Mail {
    shop: Shop,
    dovecot: Dovecot,
    postfix: Postfix,
}

impl Mail {
    /// `None` where this is not root, which Postfix needs.
    fn start(header_checks: &str, more: &str) -> Option<Self> {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let dovecot = runtime.block_on(Dovecot::start());
        let main_cf = format!("header_checks = regexp:{{ {header_checks} }}\n{more}");
        let postfix = runtime.block_on(Postfix::start_with(dovecot.lmtp_port, &main_cf))?;
        let shop = Shop::new();
        let mail = Self { shop, dovecot, postfix };
        mail.configure();
        // The daemon makes the ledger.
        mail.shop.daemon_until(|_| true);
        Some(mail)
    }

    fn configure(&self) {
        let file = self.shop.path("expunged.toml");
        let mut config = std::fs::read_to_string(&file).expect("the config");
        let (from, until) = (config.find("[mailbox.maildir]").expect("it"), config.find("[mailer.smtp]").expect("it"));
        let (port, ca_file) = (self.dovecot.imaps_port, self.dovecot.ca_file.display());
        config.replace_range(
            from..until,
            &format!(
                "[mailbox.imap]\nhost = \"localhost\"\nport = {port}\nca_file = \"{ca_file}\"\nuser = \"{SUPPORT}\"\n\
                 password = '{PASSWORD}'\n\n[authentication]\ntrusted_mx = \"{MX}\"\n\n"
            ),
        );
        std::fs::write(&file, config).expect("a config");
    }

    fn doctor(&self, more: &[&str]) -> Said {
        let mx = format!("127.0.0.1:{}", self.postfix.smtp_port);
        let arguments = ["doctor", "mail", "--mx", &mx, "-o", "json"];
        self.shop.run(&[&arguments[..], more].concat())
    }

    /// Sends the letters: the exit code, the report, and what stderr says.
    fn tried(&self) -> (Option<i32>, Value, String) {
        let said = self.doctor(&["--yes"]);
        let report = serde_json::from_str(&said.out);
        let report = report.unwrap_or_else(|_| panic!("{}\n{}", said.err, self.postfix.mail_log()));
        (said.code, report, said.err)
    }

    fn inbox(&self) -> usize {
        crate::support::imap::inbox(self.dovecot.imap_port, SUPPORT).len()
    }

    /// What `explain` says of a letter with the header of our MX that arrives then: the outcome, and the reasons.
    fn explained(&self, now: &str) -> (String, String) {
        std::fs::write(self.shop.path("honest.eml"), HONEST).expect("a letter");
        std::fs::write(self.shop.path("dns.toml"), "").expect("a file without records");
        let (letter, dns) = (self.shop.path("honest.eml"), self.shop.path("dns.toml"));
        let text = |path: &Path| path.display().to_string();
        let said = self.shop.run(&["explain", &text(&letter), "--dns-file", &text(&dns), "--now", now, "-o", "json"]);
        let sender = &said.json()[0]["authentication"];
        (sender["result"].as_str().expect("a word").to_owned(), sender["reasons"].to_string())
    }

    fn check(&self) -> (String, String) {
        let said = self.shop.run(&["check", "--connect", "-o", "json"]);
        let lines: Value = serde_json::from_str(&said.out).expect("JSON on stdout");
        let line = lines.as_array().expect("lines").iter().find(|line| line["check"] == "trusted_mx");
        let word = |name: &str| line.expect("a line")[name].as_str().expect("a word").to_owned();
        (word("result"), word("note"))
    }
}

/// A customer's letter as the MX delivers it.
const HONEST: &str = "Authentication-Results: mx.tiny.example; dmarc=pass header.from=customer.example\r\n\
    From: <olga@customer.example>\r\nTo: <privacy@tiny.example>\r\nSubject: Goodbye\r\n\r\nPlease delete my account.\r\n";

/// A time so many days from now, as the command line reads it.
fn in_days(days: u32) -> String {
    use expunged::clock::{Clock as _, SystemClock};
    SystemClock.now().plus_days(days).to_jiff().to_string()
}

fn fates(report: &Value) -> Vec<(&str, &str)> {
    let letters = report["letters"].as_array().expect("letters").iter();
    letters.map(|line| (line["letter"].as_str().unwrap_or(""), line["fate"].as_str().unwrap_or(""))).collect()
}

#[test]
fn an_mx_that_strips_is_proven_and_trusted_until_the_proof_is_old_or_revoked() {
    let Some(mail) = Mail::start(&format!("{STRIPS}{OWN}"), "") else { return };
    // Nothing is sent, and nothing believed, unasked.
    let (before, reasons) = mail.explained(&in_days(0));
    assert!(before == "none" && reasons.contains("nobody has proven"), "{before} {reasons}");
    assert_eq!(mail.check().0, "warning");
    assert!(mail.check().1.contains("expunged doctor mail --mx"), "{:?}", mail.check());
    let unasked = mail.doctor(&[]);
    unasked.failed(2, "nothing was sent");
    assert!(unasked.err.contains("this would send 15 letters from privacy@tiny.example to privacy@tiny.example"));
    assert_eq!(mail.inbox(), 0);

    let (code, report, err) = mail.tried();
    assert_eq!((code, &report["verdict"]), (Some(0), &"proven".into()), "{err} {report}");
    assert!(fates(&report).iter().all(|(_, fate)| matches!(*fate, "stripped" | "arrived")), "{report}");
    assert!(err.contains("waiting for them in the mailbox") && err.contains("trusted until"), "{err}");
    assert_eq!((mail.inbox(), &report["stay"]), (0, &0.into()), "they are taken out again");

    assert_eq!(mail.explained(&in_days(1)).0, "pass");
    assert_eq!(mail.check().0, "ok");
    let (old, reasons) = mail.explained(&in_days(91));
    assert!(old == "none" && reasons.contains("too old"), "{old} {reasons}");
    let (earlier, reasons) = mail.explained("2020-01-01T00:00:00Z");
    assert!(earlier == "none" && reasons.contains("came before"), "{earlier} {reasons}");
    // Another name has no proof of its own, whoever says it.
    let said = mail.shop.run(&[
        "explain",
        &mail.shop.path("honest.eml").display().to_string(),
        "--trusted-mx",
        "mx.other.example",
        "-o",
        "json",
    ]);
    assert!(said.out.contains("nobody has proven"), "{}", said.out);
    // Two leaves, without whom and where.
    let trail = mail.shop.run(&["trail", "export"]).out;
    assert!(trail.contains("mx_probing") && trail.contains("mx_probed"), "{trail}");
    assert!(!trail.contains("privacy@") && !trail.contains("127.0.0.1"), "{trail}");

    // What was proven is revoked by a run that proves nothing: here, of letters that go to another mailbox.
    let astray = mail.doctor(&["--yes", "--to", "team@tiny.example", "--wait", "1"]);
    assert_eq!(astray.code, Some(5), "{}", astray.err);
    assert!(astray.err.contains("15 missing after 1 s"), "{}", astray.err);
    let (revoked, reasons) = mail.explained(&in_days(1));
    assert!(revoked == "none" && reasons.contains("did not find"), "{revoked} {reasons}");
    mail.shop.ledger(&format!(
        "INSERT INTO mx_runs VALUES (randomblob(16), '{MX}', 'x:25', 1, 9000000000000000, 'proven', '[]', zeroblob(32))"
    ));
    let (forged, reasons) = mail.explained(&in_days(1));
    assert!(forged == "none" && reasons.contains("did not find"), "a row of plain SQL proves nothing: {reasons}");
}

#[test]
fn an_mx_that_strips_nothing_is_found_out() {
    let Some(mail) = Mail::start(OWN, "") else { return };
    let (code, report, err) = mail.tried();
    assert_eq!((code, &report["verdict"]), (Some(4), &"forgeable".into()), "{err} {report}");
    let left = fates(&report).iter().filter(|(_, fate)| *fate == "left_in_place").count();
    assert_eq!(left, report["letters"].as_array().expect("letters").len() - 2, "{report}");
    assert!(err.contains("your MX lets anyone write"), "{err}");
    let (outcome, reasons) = mail.explained(&in_days(1));
    assert!(outcome == "none" && reasons.contains("did not find"), "{outcome} {reasons}");
    assert!(mail.check().1.contains("let forged ones through"), "{:?}", mail.check());
}

/// A pattern that looks right, and knows one form of the field.
#[test]
fn a_filter_that_misses_some_forms_is_found_out_by_those() {
    let plain_only = "{/^Authentication-Results: mx\\.tiny\\.example; / IGNORE}, ";
    let Some(mail) = Mail::start(&format!("{plain_only}{OWN}"), "") else { return };
    let (code, report, _) = mail.tried();
    assert_eq!((code, &report["verdict"]), (Some(4), &"forgeable".into()), "{report}");
    let all = fates(&report);
    let fate = |name: &str| all.iter().find(|(letter, _)| *letter == name).map(|(_, fate)| *fate);
    assert_eq!(fate("plain"), Some("stripped"));
    for missed in
        ["comment before the server name", "version behind the server name", "no blank before the server name"]
    {
        assert_eq!(fate(missed), Some("left_in_place"), "{report}");
    }
}

#[test]
fn an_mx_that_refuses_what_is_forged_is_proven_and_one_that_refuses_all_is_not() {
    let refuses = "{/^Authentication-Results:/ REJECT no}, ";
    let Some(mail) = Mail::start(&format!("{refuses}{OWN}"), "") else { return };
    let (code, report, err) = mail.tried();
    assert_eq!((code, &report["verdict"]), (Some(0), &"proven".into()), "{err} {report}");
    assert_eq!(report["letters"][1]["obstacle"], "reply_550_at_message");
    assert_eq!(mail.explained(&in_days(1)).0, "pass");

    let Some(shut) = Mail::start(OWN, "smtpd_client_restrictions = reject\n") else { return };
    let (code, report, err) = shut.tried();
    assert_eq!((code, &report["verdict"]), (Some(5), &"unreached".into()), "{err} {report}");
    assert_eq!(fates(&report)[1].1, "not_taken", "the others were not sent: {report}");
    assert!(shut.explained(&in_days(1)).1.contains("nobody has proven"));
}

#[test]
fn an_mx_that_writes_no_results_of_that_name_names_nobody() {
    let Some(mail) = Mail::start(STRIPS.trim_end_matches(", "), "") else { return };
    let (code, report, err) = mail.tried();
    assert_eq!((code, &report["verdict"]), (Some(4), &"unsigned".into()), "{err} {report}");
    assert!(err.contains("names nobody"), "{err}");
    assert!(mail.explained(&in_days(1)).1.contains("did not find"));
}

/// The daemon reads the letters too, where they stay, and answers none; a customer's letter beside them is judged by the header.
#[test]
fn the_daemon_answers_none_of_them() {
    let Some(mail) = Mail::start(&format!("{STRIPS}{OWN}"), "") else { return };
    let said = mail.doctor(&["--yes", "--keep"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let letters = said.json()["letters"].as_array().expect("letters").len();
    let inbox = crate::support::imap::inbox(mail.dovecot.imap_port, SUPPORT);
    assert_eq!(inbox.len(), letters, "they stay, as was asked");
    for found in inbox {
        let text = String::from_utf8(found.bytes).expect("ASCII");
        assert!(text.contains("with ESMTPS "), "it came over TLS, which was offered: {text}");
        assert!(!found.flags.iter().any(|flag| flag == "\\Seen"), "they are as new as any other: {:?}", found.flags);
    }
    let customers = HONEST.replace("\r\n", "\n");
    mail.dovecot.deliver(SUPPORT, &[customers]);
    let counts = |shop: &Shop| shop.run(&["mailbox", "status", "-o", "json"]).json()["letters"].clone();
    mail.shop.daemon_until(|shop| counts(shop)["opened"] == 1 && counts(shop)["probe"] == letters);
    let all = counts(&mail.shop);
    assert_eq!(all.as_object().map(serde_json::Map::len), Some(2), "{all}");
    let trail = mail.shop.run(&["trail", "export"]).out;
    assert!(trail.contains("\"sender\":\"pass\""), "{trail}");
    let requests = mail.shop.run(&["requests", "list", "-o", "json"]).json();
    assert_eq!(requests.as_array().map(Vec::len), Some(1), "{requests}");
}

/// Without proof the header of our MX is passed over, and a person reads why.
#[test]
fn whoever_looks_at_a_request_reads_why_our_mx_did_not_count() {
    let Some(mail) = Mail::start(OWN, "") else { return };
    mail.dovecot.deliver(SUPPORT, &[HONEST.replace("\r\n", "\n")]);
    let opened = |shop: &Shop| shop.run(&["requests", "list", "-o", "json"]).json()[0]["reference"].clone();
    mail.shop.daemon_until(|shop| opened(shop).is_string());
    let reference = opened(&mail.shop);
    let shown = mail.shop.run(&["requests", "show", reference.as_str().expect("a reference")]);
    assert!(shown.out.contains("results of our MX") && shown.out.contains("nobody has proven yet"), "{}", shown.out);
    let trail = mail.shop.run(&["trail", "export"]).out;
    assert!(trail.contains("\"our_mx\":\"never\"") && !trail.contains("\"sender\":\"pass\""), "{trail}");
}

#[test]
fn without_a_name_there_is_nothing_to_try() {
    let shop = Shop::new();
    let said = shop.run(&["doctor", "mail", "--mx", "localhost", "--yes"]);
    said.failed(2, "set trusted_mx under [authentication]");
}
