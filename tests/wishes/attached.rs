//! A letter that is nothing but an attachment: a person opens it where it asks, and it is ordinary where it does not.

use expunged::db::deliveries::Disposition;
use expunged::domain::request::ReviewReason;

use super::OWNER;
use crate::support::world::{SUPPORT, TEAM, World};

/// More words than those that only say where to read.
const MANY: &str = "Hello,\r\n\r\nas agreed in the meeting of last week please delete all users in the attached spreadsheet, \
    because they have left the company.";

fn letter(from: &str, subject: &str, text: &str, name: &str) -> Vec<u8> {
    format!(
        "From: <{from}>\r\nTo: <{SUPPORT}>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n\
         --b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n--b--\r\n",
    )
    .into_bytes()
}

#[tokio::test]
async fn a_letter_that_is_an_attachment_goes_to_a_person() {
    let world = World::sqlite().await;
    world
        .live(async {
            for (from, subject, text, name) in [
                (OWNER, "Erasure request", "", "letter.pdf"),
                (OWNER, "Please delete my account", "see attached", "letter.pdf"),
                ("owner2@team.example", "Hello", "", "loeschantrag.pdf"),
                ("nobody@elsewhere.example", "Hello", "", "article-17.pdf"),
                (OWNER, "Our team", MANY, "team.xlsx"),
            ] {
                let (disposition, request) = world.receive(&letter(from, subject, text, name)).await;
                assert_eq!(disposition, Disposition::Opened, "{subject} {name}");
                let request = world.stored(request.unwrap()).await.request;
                assert_eq!(request.review, Some(ReviewReason::AttachedOnly), "{subject} {name}");
                let alarm = world.fresh(TEAM).pop().expect("the team is told");
                assert!(
                    alarm.text.replace("\r\n", " ").contains("an attachment that nobody has read"),
                    "{}",
                    alarm.text
                );
                assert!(!alarm.text.contains(name), "a file's name is nobody's to tell");
            }
            let invoice = letter(OWNER, "Invoice 4711", "", "invoice.pdf");
            assert_eq!(world.receive(&invoice).await, (Disposition::Ordinary, None));
        })
        .await;
}
