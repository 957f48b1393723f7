//! The servers that other tests stand on: each answers, and each is gone when its owner is.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use sqlx::{Connection, MySqlConnection, PgConnection};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::support::leash::{Folder, Leash};
use crate::support::mariadb::{fresh_mariadb, mariadb_url};
use crate::support::postfix::Postfix;
use crate::support::postgres::{fresh_postgres, postgres_url};
use crate::support::redis::{connect, fresh_redis, names, run};
use crate::support::s3::Bucket;

#[tokio::test]
async fn postgres_gives_each_test_an_empty_database() {
    let (one, other) = (fresh_postgres().await, fresh_postgres().await);
    assert!(one != other && one != postgres_url().await);
    for url in [one, other] {
        let mut connection = PgConnection::connect(&url).await.expect("PostgreSQL answers");
        sqlx::query("CREATE TABLE letters (id BIGINT PRIMARY KEY)")
            .execute(&mut connection)
            .await
            .expect("it is empty");
        let version: String =
            sqlx::query_scalar("SHOW server_version_num").fetch_one(&mut connection).await.expect("it knows itself");
        assert!(version.parse::<u32>().expect("a number") >= 150_000, "PostgreSQL 15 or later, not {version}");
    }
}

#[tokio::test]
async fn mariadb_gives_each_test_an_empty_database() {
    let (one, other) = (fresh_mariadb().await, fresh_mariadb().await);
    assert!(one != other && one != mariadb_url().await);
    for url in [one, other] {
        let mut connection = MySqlConnection::connect(&url).await.expect("MariaDB answers");
        sqlx::query("CREATE TABLE letters (id BIGINT PRIMARY KEY)")
            .execute(&mut connection)
            .await
            .expect("it is empty");
    }
}

#[tokio::test]
async fn redis_gives_each_test_an_empty_database() {
    let (one, other) = (fresh_redis().await, fresh_redis().await);
    assert_ne!(one, other);
    for url in [one, other] {
        let mut connection = connect(&url).await.expect("Redis answers");
        assert!(names(&mut connection).await.is_empty());
        run(&mut connection, &["SET letter 1"]).await;
    }
}

#[tokio::test]
async fn s3_keeps_versions_and_markers() {
    let (bucket, other) = (Bucket::versioned().await, Bucket::plain().await);
    for bucket in [&bucket, &other] {
        bucket.put("letter").await;
        bucket.put("letter").await;
        bucket.hide("letter").await;
    }
    assert_eq!(bucket.names().await, ["letter"; 3]);
    assert!(other.names().await.is_empty());
}

#[tokio::test]
async fn postfix_takes_a_letter_over_starttls_and_hands_it_on_by_lmtp() {
    let sink = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let lmtp_port = sink.local_addr().expect("a bound socket has an address").port();
    let Some(postfix) = Postfix::start(lmtp_port).await else { return };

    let authority = std::fs::read(&postfix.ca_file).expect("the certificate is there");
    let authority = lettre::transport::smtp::client::Certificate::from_pem(&authority).expect("it is PEM");
    let tls = TlsParameters::builder("localhost".to_owned()).add_root_certificate(authority).build().expect("TLS");
    let mailer = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(postfix.smtp_port)
        .tls(Tls::Required(tls))
        .build();
    let letter = lettre::Message::builder()
        .from("Ada <ada@customers.example>".parse().expect("an address"))
        .to("support+token@any-domain.example".parse().expect("an address"))
        .subject("A first letter")
        .body("Is anybody there?".to_owned())
        .expect("a letter");

    let (sent, received) =
        tokio::join!(mailer.send(letter), tokio::time::timeout(Duration::from_secs(30), one_letter(sink)));
    sent.expect("Postfix takes the letter");
    let received = received.unwrap_or_else(|_| panic!("no letter came:\n{}", postfix.mail_log()));
    assert!(received.contains("RCPT TO:<support+token@any-domain.example>"), "{received}");
    assert!(received.contains("Is anybody there?"), "{received}");
    assert!(received.contains("with ESMTPS "), "the letter came over TLS: {received}");
}

/// The smallest LMTP server (RFC 2033): says yes to everything until one letter is in, and returns all it heard.
async fn one_letter(sink: TcpListener) -> String {
    let (stream, _) = sink.accept().await.expect("Postfix connects");
    let mut stream = BufReader::new(stream);
    let (mut heard, mut in_letter) = (String::new(), false);
    stream.write_all(b"220 sink LMTP\r\n").await.expect("Postfix listens");
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.expect("Postfix speaks") == 0 {
            return heard;
        }
        heard.push_str(&line);
        let answer: &[u8] = match (in_letter, line.trim_end()) {
            (true, ".") => {
                stream.write_all(b"250 2.0.0 taken\r\n").await.expect("Postfix listens");
                return heard;
            }
            (true, _) => continue,
            (false, "DATA") => {
                in_letter = true;
                b"354 go on\r\n"
            }
            (false, _) => b"250 2.0.0 fine\r\n",
        };
        stream.write_all(answer).await.expect("Postfix listens");
    }
}

#[tokio::test]
async fn a_server_and_its_folder_are_gone_after_the_drop() {
    let leash = Leash::start(Folder::create(), "TERM", &["sleep", "600"]);
    let folder = leash.folder().to_owned();
    assert!(folder.exists());
    drop(leash);
    until_gone(&folder).await;
}

#[tokio::test]
async fn a_server_ends_when_its_owner_is_killed() {
    // The owner is a shell that holds the writing end of the leash's pipe, as a test process does.
    let mut leash = Leash::start(Folder::create(), "TERM", &["sleep", "600"]);
    let folder = leash.folder().to_owned();
    let mut owner =
        Command::new("sleep").arg("600").stdout(leash.hand_over()).stdin(Stdio::null()).spawn().expect("sleep");
    assert!(folder.exists());
    owner.kill().expect("the owner is our child");
    owner.wait().expect("the owner is our child");
    until_gone(&folder).await;
}

async fn until_gone(folder: &std::path::Path) {
    let start = Instant::now();
    while folder.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "the server's folder is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
