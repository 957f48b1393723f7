//! Directories over the network: a real OpenLDAP and a signed service say who somebody is, and neither's silence is "nobody".

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use expunged::chance::OsChance;
use expunged::clock::SystemClock;
use expunged::domain::{Retry, Role, State};
use expunged::stores::http::{HttpLimits, SignedClient};
use expunged::verify::{
    Directory, DirectoryError, HttpLookup, LdapLookup, LdapSettings, Lookup, Queries, Refusal, SqlDirectory,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::recipients::partner::{Reply, Service};
use crate::support::free_port;
use crate::support::slapd::{BIND_DN, LIMITED_DN, PASSWORD, Slapd};
use crate::support::world::{Ground, plain};

/// 24 bytes.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const PEOPLE: &str = "dn: uid=7,dc=example,dc=com
objectClass: inetOrgPerson
uid: 7
o: A1
employeeType: admin
cn: Ann Example
sn: Example
mail: ann@example.org
mail: ann.old@example.org
preferredLanguage: de-AT

dn: uid=8,dc=example,dc=com
objectClass: inetOrgPerson
uid: 8
o: A1
employeeType: user
cn: Bo (Sales)
sn: Sales
mail: bo@example.org

dn: uid=9,dc=example,dc=com
objectClass: inetOrgPerson
uid: 9
o: A1
o: A2
employeeType: user
cn: Cy
sn: Cy
mail: cy@example.org

dn: uid=10,dc=example,dc=com
objectClass: inetOrgPerson
uid: 10
o: A1
employeeType: user
cn: Di
sn: Di
mail: di@example.org
";

fn over(source: Arc<dyn Lookup>, [find, target, owner]: [&str; 3]) -> SqlDirectory {
    let [find, target, owner] = [find, target, owner].map(str::to_owned);
    SqlDirectory::new(source, Queries { find, target, owner, ended: None, accounts: None, rows_max: 2 })
}

fn ldap(settings: LdapSettings) -> SqlDirectory {
    let filters = [
        "(&(objectClass=inetOrgPerson)(mail=:address))",
        "(&(o=:account)(|(mail=:identifier)(uid=:identifier)(cn=:identifier)))",
        "(&(o=:account)(employeeType=admin))",
    ];
    over(Arc::new(LdapLookup::new(settings, 2)), filters)
}

fn settings(url: String) -> LdapSettings {
    let columns = [
        ("account", "o"),
        ("role", "employeeType"),
        ("person", "uid"),
        ("address", "mail"),
        ("label", "cn"),
        ("locale", "preferredlanguage"),
    ];
    LdapSettings {
        url: url.parse().unwrap(),
        ca_file: None,
        bind: Some((BIND_DN.to_owned(), PASSWORD.to_owned().into())),
        base: "dc=example,dc=com".to_owned(),
        columns: columns.map(|(column, attribute)| (column.to_owned(), attribute.to_owned())).into(),
        roles: BTreeMap::from([("admin".to_owned(), Role::Owner)]),
        timeout: Duration::from_secs(5),
    }
}

#[tokio::test]
async fn an_ldap_server_says_who_somebody_is() {
    let slapd = Slapd::start(PEOPLE).await;
    let tls = LdapSettings {
        ca_file: Some(slapd.ca_file.clone()),
        ..settings(format!("ldaps://localhost:{}", slapd.ldaps_port))
    };
    for directory in [ldap(settings(format!("ldap://127.0.0.1:{}", slapd.ldap_port))), ldap(tls.clone())] {
        let ann = directory.find("Ann@Example.org").await.unwrap_or_else(|error| panic!("{error:?}")).pop().unwrap();
        assert_eq!((ann.account.as_str(), ann.role, ann.person_key.as_str()), ("A1", Role::Owner, "7"));
        assert_eq!((ann.address_on_file.as_str(), ann.locale.as_deref()), ("ann@example.org", Some("de-AT")));
        // Of several addresses the one that was asked for is the one on file.
        assert_eq!(directory.find("ann.old@example.org").await.unwrap()[0].address_on_file, "ann.old@example.org");
        assert!(directory.find("nobody@example.org").await.unwrap().is_empty());
        assert_eq!(directory.owner("A1").await.unwrap().unwrap().label, "Ann Example");
        assert!(directory.owner("A9").await.unwrap().is_none());
        // What is looked up is escaped: a name with brackets is found, and a star finds nobody.
        assert_eq!(directory.target("A1", "Bo (Sales)").await.unwrap()[0].key, "8");
        for nobody in ["*", "b*", "*)(uid=*", "x)(|(uid=8)"] {
            assert!(directory.target("A1", nobody).await.unwrap().is_empty(), "{nobody}");
            assert!(directory.find(nobody).await.unwrap().is_empty(), "{nobody}");
        }
        // In which of two accounts, nobody says.
        let several = directory.find("cy@example.org").await.unwrap_err();
        assert_eq!(several.retry(), Retry::Permanent, "{several:?}");
    }
    let wrong = LdapSettings { bind: Some((BIND_DN.to_owned(), "wrong-hunter3".to_owned().into())), ..tls.clone() };
    let untrusted = LdapSettings { ca_file: Some(other_authority()), ..tls.clone() };
    let away = settings(format!("ldap://127.0.0.1:{}", free_port()));
    for (settings, refusal) in [(wrong, Some(Refusal::Login)), (untrusted, None), (away, None)] {
        let error = ldap(settings).find("ann@example.org").await.unwrap_err();
        assert_eq!((error.retry(), error.refusal()), (Retry::Transient, refusal), "{error:?}");
        let said = format!("{error:?}");
        assert!(!said.contains("hunter") && !said.contains("ann@"), "{said}");
    }
    // A list that the server cuts at a limit of its own is not the whole, and nobody is taken for the only one in it.
    let limited = LdapSettings { bind: Some((LIMITED_DN.to_owned(), PASSWORD.to_owned().into())), ..tls.clone() };
    let two = over(Arc::new(LdapLookup::new(limited.clone(), 2)), ["(|(mail=:address)(uid=8))", "(uid=8)", "(uid=8)"]);
    let cut = two.find("ann@example.org").await.unwrap_err();
    assert_eq!((cut.retry(), cut.refusal()), (Retry::Transient, Some(Refusal::Question)), "{cut:?}");
    assert_eq!(ldap(limited).find("ann@example.org").await.unwrap().len(), 1, "one is within it");
    // More than may be: an error, and not the first two.
    let all = over(Arc::new(LdapLookup::new(tls, 2)), ["(|(mail=:address)(uid=8)(uid=10))", "(uid=*)", "(uid=*)"]);
    assert!(matches!(all.find("ann@example.org").await, Err(DirectoryError::TooManyRows { rows_max: 2, .. })));
}

/// The certificate of another server.
fn other_authority() -> std::path::PathBuf {
    let folder = tempfile::tempdir().unwrap().keep();
    crate::support::certificate::Certificate::create(&folder).cert_file
}

fn http(service: &Service, allow: &[&str]) -> Result<SqlDirectory, expunged::stores::AskError> {
    let allow = allow.iter().map(|ip| ip.parse().unwrap()).collect();
    let limits = HttpLimits { timeout: Duration::from_millis(500), ..HttpLimits::default() };
    let client = SignedClient::new(&service.url(), SECRET, allow, limits)?;
    let source = HttpLookup::new(client, Arc::new(SystemClock), Arc::new(OsChance));
    Ok(over(Arc::new(source), ["find", "target", "owner"]))
}

fn rows(rows: &str) -> Reply {
    Reply::Says(200, format!("{{\"rows\":[{rows}]}}"))
}

const ANN: &str = r#"{"account":1,"role":"owner","person":7,"address":"ann@example.org","label":"Ann","locale":null}"#;

#[tokio::test]
async fn a_service_is_asked_with_a_signature_and_says_who_somebody_is() {
    let service = Service::saying(rows(ANN)).await;
    let directory = http(&service, &["127.0.0.1"]).unwrap();
    let ann = directory.find("ann@example.org").await.unwrap().pop().unwrap();
    assert_eq!((ann.account.as_str(), ann.role, ann.person_key.as_str()), ("1", Role::Owner, "7"));
    assert_eq!(directory.target("1", "Ann").await.unwrap()[0].label, "Ann");
    assert!(directory.owner("2").await.is_err(), "a person of another account is never returned");
    let requests = service.requests();
    let bodies: Vec<serde_json::Value> =
        requests.iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect();
    assert_eq!(bodies[0], serde_json::json!({ "query": "find", "address": "ann@example.org" }));
    assert_eq!(bodies[1], serde_json::json!({ "query": "target", "account": "1", "identifier": "Ann" }));
    assert_eq!(bodies[2], serde_json::json!({ "query": "owner", "account": "2" }));
    let (first, second) = (&requests[0], &requests[1]);
    assert_ne!(first.header("webhook-id"), second.header("webhook-id"), "each is a message of its own");
    let key = BASE64.decode(SECRET.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", first.header("webhook-id"), first.header("webhook-timestamp")).as_bytes());
    mac.update(&first.body);
    assert_eq!(first.header("webhook-signature"), format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes())));
}

#[tokio::test]
async fn what_a_service_does_not_say_is_never_nobody() {
    let service = Service::saying(rows("")).await;
    let directory = http(&service, &["127.0.0.1"]).unwrap();
    assert!(directory.find("ann@example.org").await.unwrap().is_empty(), "an empty list is nobody");
    let (login, question) = (Some(Refusal::Login), Some(Refusal::Question));
    for (reply, refusal) in [
        (Reply::Says(200, "{}".to_owned()), question),
        (Reply::Says(200, "[]".to_owned()), question),
        (Reply::Says(200, String::new()), question),
        (rows(r#"{"account":["1"]}"#), question),
        (rows(r#"{"account":18446744073709551616}"#), question),
        (Reply::Says(401, String::new()), login),
        (Reply::Says(404, "{\"rows\":[]}".to_owned()), question),
        (Reply::Says(503, String::new()), None),
        (Reply::Elsewhere(service.url()), question),
        (Reply::Nothing, None),
        (Reply::Endless, question),
    ] {
        service.says(reply.clone());
        let error = directory.find("ann@example.org").await.unwrap_err();
        // What all are answered is waited for; nobody's letter is to blame.
        assert_eq!((error.retry(), error.refusal()), (Retry::Transient, refusal), "{reply:?}: {error:?}");
        assert!(!format!("{error:?}").contains("ann@"), "{error:?}");
    }
    service.says(rows(r#"{"account":"1","role":"king","person":"7","address":"a@b.example"}"#));
    let error = directory.find("ann@example.org").await.unwrap_err();
    assert_eq!((error.retry(), error.refusal()), (Retry::Permanent, None), "a row of one person: {error:?}");
    // An address of our own networks that is not listed is not asked.
    assert!(http(&service, &["10.0.0.7"]).unwrap().find("ann@example.org").await.is_err());
    assert!(http(&service, &[]).is_err(), "plain http is for a listed address");
}

/// The whole way with a service for a directory: the config, the challenge, and a service that is away for a while.
#[tokio::test]
async fn a_request_is_challenged_by_a_directory_of_a_service() {
    let service = Service::saying(rows("")).await;
    let url = service.url();
    let section = format!("[directory.http]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nallow = [\"127.0.0.1\"]\n");
    let ground = Ground::sqlite().await.with_config(|config| {
        let (before, _) = config.split_once("[directory.sql]").unwrap();
        format!("{before}{section}")
    });
    let world = ground.build().await;
    let story = async {
        let owner = "owner1@team.example";
        let row = r#"{"account":"a1","role":"owner","person":"u1","address":"owner1@team.example","label":"Owner"}"#;
        service.says(rows(row));
        let (_, request) = world.receive(&plain(owner, "Please", "Please delete my account.")).await;
        assert_eq!(world.state(request.unwrap()).await, State::AwaitingConfirmation);
        assert_eq!(world.fresh(owner).len(), 1);
        // The service refuses us for a night: what came meanwhile waits, and goes on by itself.
        service.says(Reply::Says(401, String::new()));
        let other = "owner2@team.example";
        let (_, request) = world.receive(&plain(other, "Please", "Please delete my account.")).await;
        assert_eq!(world.state(request.unwrap()).await, State::Received);
        world.hours_pass(9).await;
        assert_eq!(world.state(request.unwrap()).await, State::Received, "it waits, however long");
        service.says(rows(
            &row.replace("owner1", other.split('@').next().unwrap()).replace("a1", "a2").replace("u1", "u2"),
        ));
        world.hours_pass(1).await;
        assert_eq!(world.state(request.unwrap()).await, State::AwaitingConfirmation);
        assert_eq!(world.fresh(other).len(), 1);
    };
    world.live(story).await;
}
