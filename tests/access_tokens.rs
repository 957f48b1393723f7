//! Mail accounts that ask for access tokens in the place of a password: a real Dovecot asks a provider whether each is good, and a
//! real Postfix asks that Dovecot.

use std::time::Duration;

use expunged::domain::Retry;
use expunged::mailbox::imap::ImapMailbox;
use expunged::mailbox::settings::{ImapSettings, Login, Security};
use expunged::mailbox::{Mailbox, MailboxError};
use expunged::oauth::{AccessTokens, Grant, OauthError, OauthRefusal, OauthSettings};
use expunged::reply::compose::Outgoing;
use expunged::reply::mailer::{Accepted, Mailer, Obstacle, Reached, SendError, SmtpMailer};
use expunged::reply::settings::SmtpSettings;
use secrecy::{ExposeSecret, SecretString};

use crate::support::dovecot::Dovecot;
use crate::support::free_port;
use crate::support::postfix::Postfix;
use crate::support::provider::{CLIENT_SECRET, OWNER, Provider, REFRESH};

fn oauth(provider: &Provider, grant: Grant) -> OauthSettings {
    OauthSettings {
        endpoint: provider.endpoint().parse().unwrap(),
        client_id: "expunged-tests".to_owned(),
        client_secret: Some(SecretString::from(CLIENT_SECRET)),
        grant,
        scope: vec!["https://mail.example/imap".to_owned()],
        section: "mailbox.imap.oauth",
    }
}

fn refresh() -> Grant {
    Grant::Refresh { token: SecretString::from(REFRESH), renewed_file: None }
}

fn tokens(provider: &Provider) -> AccessTokens {
    AccessTokens::new(oauth(provider, refresh()))
}

fn imap(dovecot: &Dovecot, tokens: &AccessTokens) -> ImapSettings {
    ImapSettings {
        host: "localhost".into(),
        port: dovecot.imaps_port,
        security: Security::Tls,
        ca_file: Some(dovecot.ca_file.clone()),
        user: OWNER.into(),
        login: Login::Oauth(tokens.clone()),
        folder: "INBOX".into(),
        keyword: "$Expunged".into(),
        step_timeout: Duration::from_secs(10),
        batch_bytes_max: 4 << 20,
    }
}

/// A Dovecot whose users log in with this provider's tokens, and what must live as long as it does.
async fn dovecot(provider: &Provider, more: &str) -> (Dovecot, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Dovecot::start_with(&(provider.for_dovecot(&folder) + more)).await, folder)
}

/// No secret, and nothing of what an endpoint said of accounts.
fn is_clean(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = format!("{error:?}");
    let mut next = Some(error);
    while let Some(error) = next {
        text = format!("{text} | {error}");
        next = error.source();
    }
    assert!(!text.contains("hunter2") && !text.contains(OWNER), "{text}");
    text
}

#[tokio::test]
async fn a_mailbox_is_read_by_token_and_a_revoked_one_is_asked_for_anew_once() {
    let provider = Provider::start().await;
    let (dovecot, _folder) = dovecot(&provider, "").await;
    dovecot.deliver(OWNER, &["Subject: one\n\nHello\n".to_owned()]);
    let tokens = tokens(&provider);
    let mut mailbox = ImapMailbox::new(imap(&dovecot, &tokens));
    mailbox.open().await.unwrap_or_else(|error| panic!("{error}: {}", dovecot.mail_log()));
    assert_eq!(mailbox.list(0, 10).await.unwrap().letters.len(), 1);
    // A second connection takes the same token.
    ImapMailbox::read_only(imap(&dovecot, &tokens)).open().await.unwrap();
    assert_eq!(provider.asked(), 1);
    // Revoked before its end: the next connection asks anew, and goes on.
    provider.revoke_all();
    let mut again = ImapMailbox::new(imap(&dovecot, &tokens));
    again.open().await.unwrap_or_else(|error| panic!("{error}: {}", dovecot.mail_log()));
    assert_eq!(provider.asked(), 2);
    assert!(provider.behaviour().asked[0].contains("grant_type=refresh_token"));
    // The account is another's: one renewal, and then an error that says where to look.
    let other = ImapSettings { user: "other@example.org".into(), ..imap(&dovecot, &tokens) };
    let error = ImapMailbox::new(other).open().await.unwrap_err();
    assert_eq!(provider.asked(), 3);
    assert!(matches!(error, MailboxError::TokenRefused { .. }) && error.needs_a_person(), "{error:?}");
    assert!(is_clean(&error).contains("[mailbox.imap.oauth]"));
}

#[tokio::test]
async fn a_server_without_xoauth2_hears_no_token() {
    let provider = Provider::start().await;
    let dovecot = Dovecot::start().await;
    let error = ImapMailbox::new(imap(&dovecot, &tokens(&provider))).open().await.unwrap_err();
    assert!(matches!(error, MailboxError::NotOffered { capability: "AUTH=XOAUTH2", .. }), "{error}");
    is_clean(&error);
}

#[tokio::test]
async fn a_refused_grant_is_told_with_what_to_do_and_an_endpoint_that_is_away_is_not_final() {
    let provider = Provider::start().await;
    let tokens = tokens(&provider);
    provider.behaviour().refresh = "another".to_owned();
    let error = tokens.access().await.unwrap_err();
    assert!(matches!(error, OauthError::Refused { refusal: OauthRefusal::Grant, .. }), "{error:?}");
    let error = MailboxError::from(error);
    assert!(error.needs_a_person());
    let told = is_clean(&error);
    for words in ["token endpoint at 127.0.0.1 said invalid_grant", "consent again", "[mailbox.imap.oauth]"] {
        assert!(told.contains(words), "{told}");
    }
    for (status, body, retry, words) in [
        (401, r#"{"error":"invalid_client","error_description":"hunter2"}"#, Retry::Permanent, "client_secret"),
        (400, r#"{"error":"interaction_required","error_codes":[50076]}"#, Retry::Permanent, "consent"),
        (400, r#"{"error":"temporarily_unavailable"}"#, Retry::Transient, "asked again"),
        (503, "<html>hunter2</html>", Retry::Transient, "503"),
        (404, "hunter2", Retry::Permanent, "404"),
        (200, "hunter2", Retry::Transient, "endpoint"),
    ] {
        provider.behaviour().says = Some((status, body));
        let error = tokens.access().await.unwrap_err();
        assert_eq!(error.retry(), retry, "{error}");
        assert!(is_clean(&error).contains(words), "{error}");
    }
    provider.behaviour().says = None;
    provider.behaviour().refresh = REFRESH.to_owned();
    tokens.access().await.expect("it is given again");
    let endpoint = format!("http://127.0.0.1:{}/token", free_port()).parse().unwrap();
    let away = AccessTokens::new(OauthSettings { endpoint, ..oauth(&provider, refresh()) });
    assert_eq!(away.access().await.unwrap_err().retry(), Retry::Transient);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_and_shared_until_then() {
    let provider = Provider::start().await;
    provider.behaviour().life_seconds = 4;
    let tokens = tokens(&provider);
    let (one, two) = tokio::join!(tokens.access(), tokens.access());
    assert_eq!(one.unwrap().expose_secret(), two.unwrap().expose_secret());
    assert_eq!(provider.asked(), 1);
    // After half of so short a life.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(tokens.access().await.unwrap().expose_secret(), "access-hunter2-2");
}

#[tokio::test]
async fn an_application_asks_for_itself() {
    let provider = Provider::start().await;
    let tokens = AccessTokens::new(oauth(&provider, Grant::Client));
    tokens.access().await.unwrap();
    let asked = provider.behaviour().asked[0].clone();
    assert!(asked.contains("grant_type=client_credentials") && !asked.contains("refresh"), "{asked}");
    assert!(asked.contains("scope=https%3A%2F%2Fmail.example%2Fimap"), "{asked}");
}

#[tokio::test]
async fn a_newer_refresh_token_is_kept_for_the_next_start_and_the_configured_one_stands_in() {
    let provider = Provider::start().await;
    provider.behaviour().rotates = true;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("renewed");
    let start = || {
        let token = SecretString::from(REFRESH);
        AccessTokens::new(oauth(&provider, Grant::Refresh { token, renewed_file: Some(file.clone()) }))
    };
    start().access().await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "refresh-hunter2-1\n");
    // The first is not good any more: the kept one is what the next start asks with.
    start().access().await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "refresh-hunter2-2\n");
    // The owner consented again, and a person put the new one into the config.
    provider.behaviour().refresh = REFRESH.to_owned();
    start().access().await.unwrap();
    assert_eq!(provider.asked(), 4);
}

#[tokio::test]
async fn letters_leave_by_token_and_a_revoked_one_is_asked_for_anew_once() {
    let provider = Provider::start().await;
    let sasl_port = free_port();
    let auth = format!("service auth {{\n  inet_listener {{\n    port = {sasl_port}\n  }}\n}}\n");
    let (dovecot, _folder) = dovecot(&provider, &auth).await;
    let sasl = format!(
        "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = inet:127.0.0.1:{sasl_port}\n\
         smtpd_sasl_security_options = noanonymous\nsmtpd_relay_restrictions = permit_sasl_authenticated, reject\n\
         smtpd_recipient_restrictions = permit_sasl_authenticated, reject\n"
    );
    let Some(postfix) = Postfix::start_with(dovecot.lmtp_port, &sasl).await else { return };
    let mailer = |user: &str, tokens: &AccessTokens| {
        SmtpMailer::new(SmtpSettings {
            host: "localhost".to_owned(),
            port: postfix.smtp_port,
            security: Security::StartTls,
            ca_file: Some(postfix.ca_file.clone()),
            login: Some((user.to_owned(), Login::Oauth(tokens.clone()))),
            send_timeout: Duration::from_secs(20),
        })
        .unwrap()
    };
    let letter = Outgoing {
        message_id: "abc@shop.example".to_owned(),
        envelope_from: "bounces+abc@shop.example".to_owned(),
        to: OWNER.to_owned(),
        bytes: b"Message-ID: <abc@shop.example>\r\nSubject: x\r\n\r\nHello\r\n".to_vec(),
    };
    let tokens = tokens(&provider);
    let accepted = Ok(Accepted { code: Some(250) });
    let ours = mailer(OWNER, &tokens);
    let logs = || format!("{}\n{}", postfix.mail_log(), dovecot.mail_log());
    assert_eq!(ours.send(&letter).await, accepted, "{}", logs());
    assert_eq!(provider.asked(), 1);
    provider.revoke_all();
    assert_eq!(ours.send(&letter).await, accepted, "{}", logs());
    assert_eq!(provider.asked(), 2);
    let shut = mailer("other@example.org", &tokens).try_login().await.unwrap_err();
    assert!(shut.trouble.unwrap().to_string().contains("a new one"), "{shut:?}");
    assert_eq!(provider.asked(), 3);
    provider.behaviour().says = Some((400, r#"{"error":"invalid_grant"}"#));
    tokens.forget(&tokens.access().await.unwrap()).await;
    let no_token = SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Token };
    assert_eq!(ours.send(&letter).await, Err(no_token));
    assert_eq!(no_token.word(), "token_before_letter");
}
