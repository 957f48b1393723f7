//! No personal data in the logs at `trace`, none in the trail, and after the keys were destroyed none in the files of
//! the ledger: names that exist nowhere else are planted in a letter and in the shop, live a whole life, and are
//! looked for wherever the program writes. The net is shown to hold: a name that is logged is caught.

pub mod ledger;
pub mod logs;
pub mod needles;

use expunged::db::trail;
use expunged::domain::State;
use expunged::params;

use crate::support::world::{SUPPORT, Shop, World};
use needles::Net;

/// The owner who closes their account.
const OWNER: &str = "quaxhaven.zeb7731@postkanarie.example";
const NAME: &str = "Zebulonquax Wyrmlingtoft";
const PHONE: &str = "+49 151 70417731902";

/// What must be found nowhere: each word exists only in this story.
const PLANTED: &[&str] = &[
    OWNER,
    "quaxhaven.zeb7731",
    "postkanarie.example",
    "Zebulonquax",
    "Wyrmlingtoft",
    NAME,
    "70417731902",
    "konto-kanarie-6621",
    "person-kanarie-6622",
    "bestellung-kanarie-6623",
    "Krummhornpfad",
    "Subjektkanarie",
    "Leibkanarie",
    "Markupkanarie",
    "msgidkanarie",
    "anhangkanarie",
    "Inhaltkanarie",
    "zweitkanarie@gastkanarie.example",
    "Hermenegildquist",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite() {
    a_life_leaves_no_name(World::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres() {
    a_life_leaves_no_name(World::postgres().await).await;
}

/// The letter of the owner, with a name in every place that a letter has.
fn letter() -> Vec<u8> {
    let attachment = data_encoding::BASE64.encode(b"Inhaltkanarie: what I bought and when");
    format!(
        "From: {NAME} <{OWNER}>\r\nTo: <{SUPPORT}>\r\nSubject: Please close my account, Subjektkanarie\r\n\
         Date: Mon, 4 Jan 2027 10:00:00 +0000\r\nMessage-ID: <msgidkanarie.5567@postkanarie.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n\
         --outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n\
         --inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         Hello,\r\n\r\nplease delete my account and all data that belongs to it. Leibkanarie.\r\n\r\n{NAME}\r\n{PHONE}\r\n\
         --inner\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
         <html><body><p title=\"Markupkanarie\">Hello, please delete my account and all data that belongs to it. \
         Leibkanarie.</p><p>{NAME}, {PHONE}</p></body></html>\r\n\
         --inner--\r\n\
         --outer\r\nContent-Type: application/pdf; name=\"anhangkanarie.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"anhangkanarie.pdf\"\r\n\r\n{attachment}\r\n--outer--\r\n"
    )
    .into_bytes()
}

async fn plant(shop: &Shop) {
    shop.run(&format!(
        "INSERT INTO accounts VALUES ('konto-kanarie-6621', '{NAME} Ltd');
         INSERT INTO users VALUES ('person-kanarie-6622', 'konto-kanarie-6621', 'owner', '{OWNER}', '{NAME}', '{PHONE}');
         INSERT INTO end_users VALUES
           ('gast-1', 'konto-kanarie-6621', 'zweitkanarie@gastkanarie.example', 'Hermenegildquist', NULL);
         INSERT INTO orders VALUES
           ('bestellung-kanarie-6623', 'person-kanarie-6622', '2026-02-01', '{NAME}', 'Krummhornpfad 4417');"
    ))
    .await;
}

async fn a_life_leaves_no_name(world: World) {
    let logs = logs::listen();
    plant(&world.ground.shop).await;
    let mut net = Net::new(PLANTED);
    world
        .live(async {
            world.deliver(&letter());
            world.settle().await;
            ledger::search(&world, &net, "when it is challenged").await;
            let mut sealed = ledger::secrets(&world).await;
            let challenge = world.fresh(OWNER).pop().expect("the owner is challenged");
            let (token, code) = (token_of(&challenge.reply_to), challenge.code());
            net.add(&token);
            let (_, request) = world.receive(&challenge.answer(OWNER, &code)).await;
            let request = request.expect("the answer belongs to the request");
            assert_eq!(world.state(request).await, State::Scheduled);
            sealed.extend(ledger::secrets(&world).await);
            ledger::search(&world, &net, "when it is scheduled").await;
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::Completed);
            let told: Vec<String> = world.fresh(OWNER).into_iter().map(|letter| letter.text).collect();
            assert!(told.iter().any(|text| text.contains("erased")), "the owner is told: {told:#?}");
            ledger::search(&world, &net, "when it is completed").await;
            sealed.extend(ledger::secrets(&world).await);
            assert!(sealed.len() >= 8, "there are keys, and something that they open: {}", sealed.len());

            // The letters' key and the letters themselves, then the saved keys, then the record.
            world.days_pass(31).await;
            mailbox_is_empty(&world).await;
            assert_eq!(living(&world).await, ["kept", "record", "replay"]);
            world.days_pass(10).await;
            assert_eq!(living(&world).await, ["kept", "record"]);
            world.days_pass(u64::from(world.house.config.retention.record_days)).await;
            assert_eq!(living(&world).await, ["kept"]);
            // An order stays for ten years. Then it goes, in a request of its own, which is forgotten like any other.
            world.days_pass(3_000).await;
            world.days_pass(31).await;
            world.days_pass(u64::from(world.house.config.retention.record_days)).await;
            assert_eq!(living(&world).await, [""; 0]);
            net.add_in_logs(&code);
            // Of the daemon that runs on, not of files that somebody closed and cleaned up.
            ledger::files_are_clean(&world, &net, &sealed).await;
        })
        .await;
    ledger::search(&world, &net, "when it is forgotten").await;
    trail_is_clean(&world, &net).await;
    gone_from_the_shop(&world, &net).await;
    logs.check(&net);
}

/// Waits for the poll that expunges and records it, and looks into every file of the mailbox, its index too.
async fn mailbox_is_empty(world: &World) {
    let files = || -> Vec<_> {
        let folders = ["cur", "new", "tmp"].map(|name| world.ground.path("support").join(name));
        folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).collect()
    };
    for _ in 0..200 {
        let due = "SELECT COUNT(*) AS number FROM requests WHERE letters_due_at IS NOT NULL";
        if files().is_empty() && world.number(due, params![]).await == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{} letters lie in the mailbox after their term", files().len());
}

fn token_of(reply_to: &str) -> String {
    reply_to.split_once('+').and_then(|(_, rest)| rest.split_once('@')).expect("a plus address").0.to_owned()
}

/// The purposes of the keys that still open something.
async fn living(world: &World) -> Vec<String> {
    let mut tx = world.house.db.read().await.unwrap();
    let sql = "SELECT purpose FROM vault_keys WHERE wrapped IS NOT NULL ORDER BY purpose";
    tx.all(sql, params![]).await.unwrap().iter().map(|row| row.text("purpose").unwrap()).collect()
}

async fn trail_is_clean(world: &World, net: &Net) {
    let mut tx = world.house.db.read().await.unwrap();
    let leaves = trail::export(&mut tx, 0, 10_000).await.unwrap();
    assert!(leaves.len() > 10, "a life has many steps: {}", leaves.len());
    for leaf in leaves {
        net.check(&leaf.leaf.json, "the trail");
    }
}

async fn gone_from_the_shop(world: &World, net: &Net) {
    let Shop::Sqlite(path) = &world.ground.shop else { panic!("this shop is a file") };
    // The order stays by law; its own number is the shop's, and says nothing of anybody.
    let rows = ledger::sqlite_rows(path).await;
    net.without("bestellung-kanarie-6623").check(&rows, "the shop");
}

/// The net is no good unless it catches: each way in which a name could be written down is tried.
#[test]
fn the_net_holds() {
    let net = Net::new(&[OWNER]);
    let caught = |text: &[u8]| net.find(text).is_some();
    assert!(!caught(b"nobody@elsewhere.example was not planted"));
    assert!(caught(OWNER.as_bytes()));
    assert!(caught(OWNER.to_uppercase().as_bytes()));
    for before in ["", "a", "bc"] {
        let text = format!("{before}{OWNER} and more");
        assert!(caught(data_encoding::BASE64.encode(text.as_bytes()).as_bytes()), "base64 after {before:?}");
        assert!(
            caught(data_encoding::BASE64URL_NOPAD.encode(text.as_bytes()).as_bytes()),
            "base64url after {before:?}"
        );
    }
    assert!(caught(data_encoding::HEXLOWER.encode(OWNER.as_bytes()).as_bytes()));
    assert!(caught(data_encoding::HEXUPPER.encode(OWNER.as_bytes()).as_bytes()));
    assert!(caught(OWNER.replace('@', "=40").as_bytes()), "quoted-printable");
    assert!(caught(OWNER.replace('@', "%40").as_bytes()), "a url");
    assert!(caught(format!("{:?}", OWNER.as_bytes()).as_bytes()), "a list of bytes");
    let utf16: Vec<u8> = OWNER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(caught(&utf16));
}

/// And the log is really heard: what a library says at `trace` too.
#[tokio::test]
async fn the_ear_hears() {
    let logs = logs::listen();
    tracing::trace!(target: "sqlx::query", address = "hoerprobe@kanarie.example", "asked");
    let net = Net::new(&["hoerprobe@kanarie.example"]);
    assert!(logs.find(&net).is_some());
}
