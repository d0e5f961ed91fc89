//! Who the data plane is told a request is made for (contract §1.7).

use gate_records::auth::{
    Authenticator, Claims, HoldTimes, Identities, Identity, Introspection, IntrospectionConfig, Passwords,
    SigningKey, Superusers, TokenKind, Unavailable,
};
use gate_records::collections::SUPERUSERS;
use gate_snapshot::Upstream;
use gate_store::Store;
use gate_testkit::{PATIENCE, Peer, Upstream as TestUpstream, eventually, within};
use gate_upstream::{Dialer, DialerConfig, ForwardProxies, HttpClient, Resolver, control_plane};
use serde_json::json;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::runtime::Handle;

const EMAIL: &str = "root@example.com";
const PASSWORD: &str = "correct horse";

struct Local {
    _directory: TempDir,
    superusers: Superusers,
    authenticator: Authenticator,
}

async fn local() -> Local {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).await.unwrap();
    let superusers = Superusers::new(store.clone(), Passwords::default());
    superusers.create(EMAIL, PASSWORD).await.unwrap();
    let authenticator = Authenticator::open(store, Passwords::default()).await.unwrap();
    Local { _directory: directory, superusers, authenticator }
}

impl Local {
    async fn token(&self) -> String {
        let all = self.superusers.list().await.unwrap();
        self.authenticator.impersonate(&SUPERUSERS, &all.first().unwrap().id, 0).await.unwrap().token
    }
}

fn client() -> HttpClient {
    let (control_plane, _) = control_plane();
    let resolver = Resolver::new(Handle::current());
    let forward_proxies = ForwardProxies::default();
    HttpClient::new(Dialer::new(DialerConfig {
        resolver,
        control_plane,
        forward_proxies,
        addresses: gate_snapshot::UpstreamAddresses::default(),
    }))
}

fn introspection(pocketbase: &TestUpstream, trust_superusers: bool) -> Introspection {
    introspection_that_holds(pocketbase, trust_superusers, HoldTimes::default())
}

/// One that asks again and again, because no answer holds.
fn forgetful(pocketbase: &TestUpstream) -> Introspection {
    let never = Duration::ZERO;
    introspection_that_holds(
        pocketbase,
        false,
        HoldTimes { somebody: never, nobody: never, no_answer: never },
    )
}

fn introspection_that_holds(
    pocketbase: &TestUpstream,
    trust_superusers: bool,
    hold: HoldTimes,
) -> Introspection {
    let service = Upstream::parse(&pocketbase.url()).unwrap();
    Introspection::new(client(), IntrospectionConfig { service, trust_superusers, hold })
}

/// A PocketBase that knows every token it is shown as one of `record`, and everything else of its claims.
async fn pocketbase(status: u16, record: serde_json::Value) -> TestUpstream {
    let body = json!({"record": record, "token": "a fresh one"}).to_string();
    let answer = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    TestUpstream::start(move |peer| serve(peer, format!("{answer}{body}"))).await
}

async fn serve(mut peer: Peer, answer: String) -> io::Result<()> {
    while peer.read_request().await?.is_some() {
        peer.send(&answer).await?;
    }
    Ok(())
}

fn user() -> serde_json::Value {
    json!({"id": "remoteremote001", "collectionId": "_pb_users_auth_", "collectionName": "users",
           "email": "ada@example.com", "level": 7, "roles": ["a", "b"]})
}

/// A token that only the PocketBase that made it could verify.
fn foreign(collection_id: &str, id: &str, seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = Claims {
        collection_id: collection_id.to_owned(),
        exp: (now + seconds).cast_signed(),
        id: id.to_owned(),
        refreshable: Some(true),
        kind: TokenKind::Auth,
    };
    claims.sign(&SigningKey::new(&"k".repeat(50), &"s".repeat(50)).unwrap())
}

fn of_user() -> String {
    foreign("_pb_users_auth_", "remoteremote001", 3600)
}

fn seconds_left(identity: &Identity) -> u64 {
    identity.expires_at.duration_since(SystemTime::now()).unwrap().as_secs()
}

#[tokio::test]
async fn our_own_tokens_are_somebody_until_they_expire() {
    let local = local().await;
    let identities = Identities::new(local.authenticator.clone());
    let somebody = identities.authenticate(&local.token().await).await.unwrap().unwrap();
    assert!(somebody.record.is_superuser());
    assert!((86_300..=86_400).contains(&seconds_left(&somebody)));
    assert!(identities.authenticate(&of_user()).await.unwrap().is_none());
    assert!(identities.authenticate("no token").await.unwrap().is_none());
}

#[tokio::test]
async fn the_epoch_goes_up_within_a_second_after_somebody_changed() {
    let local = local().await;
    let identities = Identities::new(local.authenticator.clone());
    let changes = identities.changes().await.unwrap();
    let epoch = identities.epoch();
    let watching = tokio::spawn(identities.clone().watch(changes));
    let token = local.token().await;
    assert!(identities.authenticate(&token).await.unwrap().is_some());
    let before = epoch.load(Ordering::Acquire);
    local.superusers.update(EMAIL, "another horse").await.unwrap();
    eventually(Duration::from_secs(1), || epoch.load(Ordering::Acquire) > before).await;
    assert!(identities.authenticate(&token).await.unwrap().is_none());
    watching.abort();
}

#[tokio::test]
async fn a_pocketbase_is_asked_once_and_its_record_is_somebody() {
    let pocketbase = pocketbase(200, user()).await;
    let local = local().await;
    let identities =
        Identities::new(local.authenticator.clone()).with_introspection(introspection(&pocketbase, false));
    // Made once: a second later it would be another one.
    let token = of_user();
    for _ in 0..3 {
        let somebody = identities.authenticate(&token).await.unwrap().unwrap();
        assert_eq!(somebody.record.value("level").unwrap(), 7);
        assert!(!somebody.record.is_superuser());
        assert!(seconds_left(&somebody) <= 60);
    }
    let asked = pocketbase.ledger.only_request().head;
    assert_eq!(asked.target, "/api/collections/_pb_users_auth_/auth-refresh");
    assert_eq!(asked.headers.values("authorization").len(), 1);
    // Our own tokens never leave.
    assert!(identities.authenticate(&local.token().await).await.unwrap().is_some());
    assert_eq!(pocketbase.ledger.request_count(), 1);
}

#[tokio::test]
async fn an_answer_holds_for_a_while_and_never_beyond_the_token() {
    let pocketbase = pocketbase(200, user()).await;
    let (introspection, forgetful) = (introspection(&pocketbase, false), forgetful(&pocketbase));
    let token = of_user();
    for (asked, questions) in [(&introspection, 1), (&introspection, 1), (&forgetful, 2), (&forgetful, 3)] {
        assert!(asked.authenticate(&token).await.unwrap().is_some());
        assert_eq!(pocketbase.ledger.request_count(), questions);
    }
    let short = foreign("_pb_users_auth_", "remoteremote001", 10);
    assert!(seconds_left(&introspection.authenticate(&short).await.unwrap().unwrap()) <= 10);
}

#[tokio::test]
async fn nobody_is_nobody_for_a_while() {
    for status in [400, 401, 403, 404] {
        let pocketbase = pocketbase(status, json!({})).await;
        let (introspection, forgetful) = (introspection(&pocketbase, false), forgetful(&pocketbase));
        let token = of_user();
        for (asked, questions) in [(&introspection, 1), (&introspection, 1), (&forgetful, 2), (&forgetful, 3)]
        {
            assert!(asked.authenticate(&token).await.unwrap().is_none(), "{status}");
            assert_eq!(pocketbase.ledger.request_count(), questions);
        }
    }
}

#[tokio::test]
async fn no_answer_is_not_nobody() {
    for status in [200, 204, 302, 429, 500] {
        let pocketbase = pocketbase(status, json!("no record")).await;
        let (introspection, forgetful) = (introspection(&pocketbase, false), forgetful(&pocketbase));
        let token = of_user();
        for (asked, questions) in [(&introspection, 1), (&introspection, 1), (&forgetful, 2), (&forgetful, 3)]
        {
            assert_eq!(asked.authenticate(&token).await.err(), Some(Unavailable), "{status}");
            assert_eq!(pocketbase.ledger.request_count(), questions);
        }
    }
    let gone = pocketbase(200, user()).await;
    let introspection = introspection(&gone, false);
    drop(gone);
    assert_eq!(introspection.authenticate(&of_user()).await.err(), Some(Unavailable));
}

#[tokio::test]
async fn those_who_ask_about_one_token_at_the_same_time_ask_once() {
    let pocketbase = pocketbase(200, user()).await;
    let introspection = Arc::new(introspection(&pocketbase, false));
    let token = of_user();
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let (introspection, token) = (Arc::clone(&introspection), token.clone());
            tokio::spawn(async move { introspection.authenticate(&token).await })
        })
        .collect();
    for answer in asking {
        assert!(answer.await.unwrap().unwrap().is_some());
    }
    assert_eq!(pocketbase.ledger.request_count(), 1);
}

#[tokio::test]
async fn what_cannot_be_a_token_is_never_sent() {
    let pocketbase = pocketbase(200, user()).await;
    let introspection = introspection(&pocketbase, false);
    let unsigned = "eyJhbGciOiJub25lIn0.e30.";
    for token in [
        "junk",
        unsigned,
        &foreign("_pb_users_auth_", "remoteremote001", 0),
        &foreign("../../settings", "remoteremote001", 60),
        &foreign("users?x=", "remoteremote001", 60),
        &foreign("", "remoteremote001", 60),
    ] {
        assert!(introspection.authenticate(token).await.unwrap().is_none(), "{token}");
    }
    assert!(pocketbase.ledger.is_untouched());
}

#[tokio::test]
async fn an_answer_about_somebody_else_is_nobody() {
    let pocketbase = pocketbase(200, user()).await;
    let introspection = introspection(&pocketbase, false);
    for token in [foreign("_pb_users_auth_", "someone00000000", 60), foreign("other", "remoteremote001", 60)]
    {
        assert!(introspection.authenticate(&token).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_superuser_of_a_pocketbase_is_one_here_only_where_that_was_asked_for() {
    let record =
        json!({"id": "remoteremote001", "collectionId": SUPERUSERS.id, "collectionName": "_superusers"});
    let pocketbase = pocketbase(200, record).await;
    let token = foreign(&SUPERUSERS.id, "remoteremote001", 60);
    for trusted in [false, true] {
        let introspection = introspection(&pocketbase, trusted);
        let somebody = introspection.authenticate(&token).await.unwrap().unwrap();
        assert_eq!(somebody.record.is_superuser(), trusted);
    }
}

#[tokio::test]
async fn whoever_stops_asking_lets_the_next_one_ask() {
    let answers = Arc::new(AtomicBool::new(false));
    let answering = Arc::clone(&answers);
    let pocketbase = TestUpstream::start(move |mut peer: Peer| {
        let answering = Arc::clone(&answering);
        async move {
            if !answering.load(Ordering::Acquire) {
                peer.read_request().await?;
                return peer.until_closed().await;
            }
            let body = json!({"record": user()}).to_string();
            serve(peer, format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await
        }
    })
    .await;
    let introspection = Arc::new(introspection(&pocketbase, false));
    let token = of_user();
    let first = {
        let (introspection, token) = (Arc::clone(&introspection), token.clone());
        tokio::spawn(async move { introspection.authenticate(&token).await })
    };
    eventually(PATIENCE, || pocketbase.ledger.request_count() == 1).await;
    first.abort();
    answers.store(true, Ordering::Release);
    assert!(within(PATIENCE, introspection.authenticate(&token)).await.unwrap().is_some());
}
