//! A recipient whose service is asked by HTTP: what it gets, what of its answers counts, and where the program never goes.

use std::time::Duration;

use data_encoding::BASE64;
use expunged::chance::SeededChance;
use expunged::domain::{Reference, Retry, Scope, State, SubjectKind, Timestamp};
use expunged::params;
use expunged::stores::http::{HttpLimits, HttpStore};
use expunged::stores::{AskError, Identity, Order, Progress, RequestStore};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::partner::{Reply, Service};
use super::{Partner, alarms, confirmation, erased, world_with};
use crate::support::http::Request;
use crate::support::world::World;

/// 24 bytes.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// The map of a service at this url.
pub fn map(url: &str) -> String {
    format!(
        "[store]\nname = \"parcels\"\nkind = \"http\"\nlabel = \"Parcel & Co.\"\ncategories = [\"contact\"]\n\
         url = \"{url}\"\nsecret = \"{SECRET}\"\nallow = [\"127.0.0.1\"]\nbackup_days = 0\n\n[tell]\nuser = [\"email\"]\n"
    )
}

struct ByHttp(Service);

impl ByHttp {
    async fn new() -> Self {
        Self(Service::saying(Reply::status("in_progress")).await)
    }

    /// It says so from now on, and is asked within a day.
    async fn answers(&self, world: &World, word: &str) {
        self.0.says(Reply::status(word));
        world.days_pass(1).await;
    }
}

impl Partner for ByHttp {
    fn map(&self) -> String {
        map(&self.0.url())
    }

    fn orders(&self, _world: &World) -> usize {
        let mut keys: Vec<String> =
            posts(&self.0).iter().map(|post| post.header("idempotency-key").to_owned()).collect();
        keys.dedup();
        keys.len()
    }

    fn told(&self, _world: &World) -> String {
        posts(&self.0).iter().map(|post| String::from_utf8(post.body.clone()).unwrap()).collect()
    }

    async fn says_done(&self, world: &World) {
        self.answers(world, "completed").await;
    }

    async fn refuses(&self, world: &World) {
        self.answers(world, "refused").await;
    }
}

fn posts(service: &Service) -> Vec<Request> {
    service.requests().into_iter().filter(|request| request.method == "POST").collect()
}

#[tokio::test]
async fn a_service_is_asked_and_its_answer_completes() {
    super::it_waits_until_the_partner_is_done(&ByHttp::new().await).await;
}

#[tokio::test]
async fn its_refusal_goes_to_a_person() {
    super::a_refusal_goes_to_a_person(&ByHttp::new().await).await;
}

#[tokio::test]
async fn its_done_after_a_refusal_counts() {
    super::done_after_a_refusal_counts(&ByHttp::new().await).await;
}

#[tokio::test]
async fn its_silence_is_escalated_and_closed() {
    super::silence_is_escalated_and_a_person_closes_it(&ByHttp::new().await).await;
}

/// A service that fails is asked again with the same key, later and later, and its recovery ends it.
#[tokio::test]
async fn a_service_that_is_down_is_asked_again_with_one_key() {
    let service = Service::saying(Reply::Says(503, "busy".to_owned())).await;
    let world = world_with(&map(&service.url())).await;
    world
        .live(async {
            let request = erased(&world).await;
            for minutes in [2, 5, 10, 30] {
                world.clock.advance(Duration::from_secs(minutes * 60));
                world.settle().await;
            }
            let asked = posts(&service);
            assert!((3..=6).contains(&asked.len()), "with growing waits: {}", asked.len());
            assert!(asked.iter().all(|post| post.header("idempotency-key") == asked[0].header("idempotency-key")));
            assert!(asked.iter().all(|post| post.body == asked[0].body), "the very same order");
            assert_eq!((world.state(request).await, alarms(&world)), (State::WaitingOnRecipients, 0));
            let failed = "SELECT COUNT(*) AS number FROM jobs WHERE request_id = $1 AND kind = 'ask' AND reason = 'recipient_status'";
            assert_eq!(world.number(failed, params![request]).await, 1, "people see why it waits");
            service.says(Reply::status("completed"));
            world.clock.advance(Duration::from_secs(3_700));
            world.settle().await;
            assert_eq!(world.state(request).await, State::Completed);
            assert!(confirmation(&world).is_some());
        })
        .await;
}

/// What passes by no time is told at once, and goes on when the cause is gone.
#[tokio::test]
async fn what_a_service_will_not_have_is_told_at_once() {
    let service = Service::saying(Reply::Says(401, String::new())).await;
    let world = world_with(&map(&service.url())).await;
    world
        .live(async {
            let request = erased(&world).await;
            assert_eq!(alarms(&world), 1);
            world.days_pass(1).await;
            assert_eq!((alarms(&world), world.state(request).await), (0, State::WaitingOnRecipients));
            service.says(Reply::status("completed"));
            world.days_pass(1).await;
            assert_eq!(world.state(request).await, State::Completed);
        })
        .await;
}

/// A row that plain SQL called done hides no answer of the service.
#[tokio::test]
async fn its_answer_counts_over_a_forged_row() {
    let service = ByHttp::new().await;
    let world = world_with(&service.map()).await;
    world
        .live(async {
            let request = erased(&world).await;
            world.try_sql(super::forged::DONE, params![request]).await.unwrap();
            world.days_pass(1).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients);
            service.refuses(&world).await;
            assert_eq!(alarms(&world), 1, "what they say goes to a person");
            world.try_sql(super::forged::DONE, params![request]).await.unwrap();
            service.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert!(confirmation(&world).is_some());
        })
        .await;
}

fn order() -> Order {
    let identity =
        Identity { subject: SubjectKind::User, kind: "email".to_owned(), value: "ada@home.example".to_owned() };
    Order {
        key: "5f2c0c7a9b3d4e6f8a1b2c3d4e5f6a7b".to_owned(),
        reference: Reference::new(&SeededChance::new(3)),
        received_at: NOW,
        due_on: NOW.plus_days(30).date(),
        scope: Scope::User,
        categories: vec!["contact".to_owned()],
        identities: vec![identity],
        part: None,
    }
}

fn store(url: &str, allow: &[&str]) -> HttpStore {
    patient(url, allow, Duration::from_secs(30))
}

fn patient(url: &str, allow: &[&str], timeout: Duration) -> HttpStore {
    let limits = HttpLimits { timeout, body_bytes_max: 2_000 };
    HttpStore::new(url, SECRET, allow.iter().map(|ip| ip.parse().unwrap()).collect(), limits).unwrap()
}

async fn ask(service: &Service) -> Result<Progress, AskError> {
    store(&service.url(), &["127.0.0.1"]).ask(&order(), NOW).await
}

/// By the specification alone, with none of the program's own code.
fn verify(request: &Request) {
    let mut mac = Hmac::<Sha256>::new_from_slice(&BASE64.decode(&SECRET.as_bytes()[6..]).unwrap()).unwrap();
    let (id, at) = (request.header("webhook-id"), request.header("webhook-timestamp"));
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(&request.body);
    let expected = format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()));
    assert_eq!(request.header("webhook-signature"), expected);
    assert_eq!(at, (NOW.as_micros() / 1_000_000).to_string());
}

#[tokio::test]
async fn every_request_is_signed_and_a_look_asks_for_the_order() {
    let service = Service::saying(Reply::status("pending")).await;
    assert_eq!(ask(&service).await.unwrap(), Progress::Pending);
    let store = store(&service.url(), &["127.0.0.1"]);
    assert_eq!(store.look(&order(), NOW).await.unwrap(), Progress::Pending);
    let requests = service.requests();
    requests.iter().for_each(verify);
    let [asked, looked] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/erasures"));
    assert_eq!(asked.header("webhook-id"), order().key);
    assert_eq!((looked.method.as_str(), looked.path.clone()), ("GET", format!("/erasures/{}", order().key)));
    assert_ne!(looked.header("webhook-id"), order().key, "no replay of the order");
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(body["request_type"], "erasure");
    assert_eq!(body["id"], order().key.as_str());
    assert_eq!(body["categories"], serde_json::json!(["contact"]));
    let identity = serde_json::json!([{ "subject": "user", "kind": "email", "value": "ada@home.example" }]);
    assert_eq!(body["identities"], identity);
}

#[tokio::test]
async fn only_its_own_words_say_how_far_it_is() {
    let service = Service::saying(Reply::Nothing).await;
    let said = [
        (200, r#"{"status":"completed"}"#, Some(Progress::Completed)),
        (200, r#"{"request_status":"in_progress","id":"7"}"#, Some(Progress::InProgress)),
        (200, r#"{"request_status":"cancelled"}"#, Some(Progress::Refused)),
        (202, "", Some(Progress::Pending)),
        // That it took the order says nothing of the data.
        (200, "", None),
        (200, "completed", None),
        (200, r#"{"status":"COMPLETED"}"#, None),
        (200, r#"{"status":"done"}"#, None),
        (200, r#"{}"#, None),
    ];
    for (status, body, expected) in said {
        service.says_first([Reply::Says(status, body.to_owned())]);
        let progress = ask(&service).await;
        match expected {
            Some(expected) => assert_eq!(progress.unwrap(), expected, "{status} {body}"),
            None => assert_eq!(progress.unwrap_err().retry(), Retry::Permanent, "{status} {body}"),
        }
    }
    for (status, retry) in
        [(500, Retry::Transient), (429, Retry::Transient), (404, Retry::Permanent), (403, Retry::Permanent)]
    {
        service.says_first([Reply::Says(status, r#"{"status":"completed"}"#.to_owned())]);
        let error = ask(&service).await.unwrap_err();
        assert!(matches!(error, AskError::Status(known) if known == status) && error.retry() == retry, "{error}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let (target, service) = (Service::saying(Reply::status("completed")).await, Service::saying(Reply::Nothing).await);
    service.says(Reply::Elsewhere(target.url()));
    assert!(matches!(ask(&service).await, Err(AskError::Status(307))));
    assert!(target.requests().is_empty(), "the person's data went nowhere else");
}

#[tokio::test]
async fn an_answer_has_its_time_and_its_length() {
    let service = Service::saying(Reply::Nothing).await;
    let hasty = patient(&service.url(), &["127.0.0.1"], Duration::from_secs(2));
    let began = std::time::Instant::now();
    assert!(matches!(hasty.ask(&order(), NOW).await, Err(AskError::Away(_))));
    assert!(began.elapsed() < Duration::from_secs(20));
    service.says(Reply::Endless);
    assert!(matches!(ask(&service).await, Err(AskError::Unreadable(_))));
}

#[tokio::test]
async fn no_address_of_our_own_networks_is_asked_unless_it_is_listed() {
    let service = Service::saying(Reply::status("completed")).await;
    let port = service.port();
    // A name that leads inside, and the address itself. The scheme tells that no certificate was reached either.
    for url in [format!("https://localhost:{port}/erasures"), format!("https://127.0.0.1:{port}/erasures")] {
        let error = store(&url, &[]).ask(&order(), NOW).await.unwrap_err();
        assert!(matches!(error, AskError::Inside(_)) && error.retry() == Retry::Permanent, "{url}: {error}");
        let other = store(&url, &["10.0.0.7"]).ask(&order(), NOW).await.unwrap_err();
        assert!(matches!(other, AskError::Inside(_)), "another one is listed: {other}");
    }
    assert!(service.requests().is_empty());
    // Listed, a name is connected to at the address that was checked.
    let listed = store(&format!("http://localhost:{port}/erasures"), &["127.0.0.1", "::1"]);
    assert_eq!(listed.ask(&order(), NOW).await.unwrap(), Progress::Completed);
    assert_eq!(service.requests()[0].header("host"), format!("localhost:{port}"));
}

#[test]
fn a_host_of_our_own_networks_is_told_without_asking_it() {
    for (url, allow, inside) in [
        ("https://127.0.0.1/erasures", &[][..], true),
        ("https://[::1]/erasures", &[], true),
        ("https://10.0.0.7/erasures", &["10.0.0.8"], true),
        ("https://localhost/erasures", &["10.0.0.8"], true),
        ("https://10.0.0.7/erasures", &["10.0.0.7"], false),
        ("http://localhost:8080/erasures", &["127.0.0.1"], false),
        ("https://93.184.216.34/erasures", &[], false),
        ("https://parcel.example/erasures", &[], false),
    ] {
        assert_eq!(store(url, allow).check_host().is_err(), inside, "{url}");
    }
}

#[tokio::test]
async fn a_map_that_cannot_work_is_refused() {
    let limits = HttpLimits::default();
    for (url, secret, allow) in [
        ("http://parcel.example/erasures", SECRET, vec![]),
        ("ftp://parcel.example/", SECRET, vec![]),
        ("https://user:word@parcel.example/", SECRET, vec![]),
        ("https://parcel.example/?key=1", SECRET, vec![]),
        ("https://parcel.example/erasures", "short", vec![]),
        ("parcel.example", SECRET, vec![]),
    ] {
        let refused = HttpStore::new(url, secret, allow, limits).unwrap_err();
        assert!(matches!(refused, AskError::Settings(_)), "{url}");
        assert!(!refused.to_string().contains("word"), "{refused}");
    }
    // Plain http to the open net, though an address is listed.
    let open = HttpStore::new("http://93.184.216.34/", SECRET, vec!["10.0.0.7".parse().unwrap()], limits).unwrap();
    assert!(matches!(open.ask(&order(), NOW).await, Err(AskError::Settings(_))));
}
