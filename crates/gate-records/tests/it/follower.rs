//! Who is told of which writes.

use gate_records::auth::{Passwords, Superusers};
use gate_records::collections::PROXIES;
use gate_records::records::{Action, AuthRecord, Record, RecordChange, RequestInfo, Write, WriteKind};
use gate_store::{Change, ProxyRow, Store};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::records::Fixture;

/// A gateway with a follower, and another process's store on its directory.
struct Followed {
    fixture: Fixture,
    other: Store,
    listened: watch::Sender<bool>,
    told: Receiver<RecordChange>,
}

impl Followed {
    async fn start() -> Self {
        let fixture = Fixture::new().await;
        let other = Store::open(fixture.directory()).await.unwrap();
        let listened = watch::Sender::new(false);
        let follower = fixture.records.follow(listened.subscribe()).await.unwrap();
        let told = follower.changes();
        tokio::spawn(follower.run());
        Followed { fixture, other, listened, told }
    }

    /// Has somebody listen; returns when what others write is told.
    async fn listen(&mut self) {
        self.listened.send_replace(true);
        let row = row("/-/listened");
        // The first look may come after the first write, which it then does not tell.
        loop {
            let updated = gate_records::Timestamp::now().to_string();
            let write = match self.other.proxy(&row.id).await.unwrap() {
                None => Change::Insert(row.clone()),
                Some(_) => {
                    Change::Update { row: ProxyRow { updated, ..row.clone() }, expected_updated: None }
                }
            };
            self.other.apply(&[write]).await.unwrap();
            if timeout(Duration::from_secs(1), self.told.recv()).await.is_ok() {
                return;
            }
        }
    }

    async fn next(&mut self) -> RecordChange {
        timeout(Duration::from_secs(5), self.told.recv()).await.unwrap().unwrap()
    }

    /// Nothing more is told.
    async fn assert_quiet(&mut self) {
        let more = timeout(Duration::from_millis(600), self.told.recv()).await;
        assert!(more.is_err(), "{more:?}");
    }
}

fn row(path: &str) -> ProxyRow {
    let mut record = gate_records::ProxyRecord::default();
    let Value::Object(fields) = json!({"path": path, "upstream": "http://a"}) else { panic!("an object") };
    record.merge(fields).unwrap();
    record.check().unwrap().new_row()
}

fn told(change: &RecordChange) -> (Action, &str, &str) {
    let record = change.record().unwrap();
    (change.action(), record.collection().name, record.id())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_writes_is_told_with_what_was_there_before() {
    let mut followed = Followed::start().await;
    followed.listen().await;
    let new = row("/-/new");
    followed.other.apply(&[Change::Insert(new.clone())]).await.unwrap();
    let change = followed.next().await;
    assert_eq!(told(&change), (Action::Create, "_proxies", new.id.as_str()));
    // Dates have milliseconds.
    sleep(Duration::from_millis(2)).await;
    let updated = gate_records::Timestamp::now().to_string();
    let edited = ProxyRow { timeout: 5.0, updated, ..new.clone() };
    followed.other.apply(&[Change::Update { row: edited, expected_updated: None }]).await.unwrap();
    let change = followed.next().await;
    assert_eq!(told(&change), (Action::Update, "_proxies", new.id.as_str()));
    let timeouts =
        [&change.before, &change.after].map(|record| record.as_ref().unwrap().value("timeout").clone());
    assert_eq!(timeouts, [json!(30), json!(5)]);
    followed.other.apply(&[Change::Delete { id: new.id.clone() }]).await.unwrap();
    let change = followed.next().await;
    assert_eq!(told(&change), (Action::Delete, "_proxies", new.id.as_str()));
    Superusers::new(followed.other.clone(), Passwords::default())
        .create("a@example.com", "correct horse")
        .await
        .unwrap();
    let change = followed.next().await;
    assert_eq!(
        (change.action(), change.record().unwrap().collection().name),
        (Action::Create, "_superusers")
    );
    followed.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_writes_are_told_once() {
    let mut followed = Followed::start().await;
    followed.listen().await;
    let auth = || Some(AuthRecord::local(&Record::new(&gate_records::collections::SUPERUSERS)));
    let write = |kind, body: Value| {
        let Value::Object(body) = body else { panic!("an object") };
        Write {
            collection: &PROXIES,
            kind,
            request: RequestInfo { auth: auth(), body, ..RequestInfo::default() },
        }
    };
    let records = followed.fixture.records.clone();
    let mut expected = Vec::new();
    for number in 0..20 {
        let body = json!({"path": format!("/-/{number}"), "upstream": "http://a"});
        let made = records.write(write(WriteKind::Create, body)).await.unwrap();
        let id = made.change.record().unwrap().id().to_owned();
        records.write(write(WriteKind::Update { id: id.clone() }, json!({"timeout": 5}))).await.unwrap();
        if number % 2 == 0 {
            records.write(write(WriteKind::Delete { id: id.clone() }, json!({}))).await.unwrap();
        }
        expected.push((id, number % 2 == 0));
    }
    let last = json!({"path": "/-/last", "upstream": "http://a"});
    let last = records.write(write(WriteKind::Create, last)).await.unwrap();
    let last = last.change.record().unwrap().id().to_owned();
    let mut changes: HashMap<String, Vec<RecordChange>> = HashMap::new();
    loop {
        let change = followed.next().await;
        let id = told(&change).2.to_owned();
        if id == last {
            break;
        }
        changes.entry(id).or_default().push(change);
    }
    // A look may be faster than a notice and tell of several writes as one, or of none if nothing is left of them, but never of
    // one twice.
    let all = [Action::Create, Action::Update, Action::Delete];
    for (id, is_deleted) in expected {
        let told = changes.remove(&id).unwrap_or_default();
        let mut places = told.iter().map(|change| all.iter().position(|known| *known == change.action()));
        assert!(places.by_ref().is_sorted_by(|a, b| a < b), "{told:?}");
        let left =
            told.last().map(|change| change.after.as_ref().map(|record| record.value("timeout").clone()));
        let is_right =
            if is_deleted { matches!(left, None | Some(None)) } else { left == Some(Some(json!(5))) };
        assert!(is_right, "{told:?}");
    }
    followed.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_nobody_listened_is_not_told() {
    let mut followed = Followed::start().await;
    followed.other.apply(&[Change::Insert(row("/-/before"))]).await.unwrap();
    followed.assert_quiet().await;
    followed.listen().await;
    followed.listened.send_replace(false);
    followed.other.apply(&[Change::Insert(row("/-/meanwhile"))]).await.unwrap();
    followed.assert_quiet().await;
    followed.listened.send_replace(true);
    followed.assert_quiet().await;
}

/// A row for each of these paths, in one transaction.
async fn insert(store: &Store, paths: impl Iterator<Item = String>) -> Vec<String> {
    let rows: Vec<_> = paths.map(|path| row(&path)).collect();
    let ids = rows.iter().map(|row| row.id.clone()).collect();
    let changes: Vec<_> = rows.into_iter().map(Change::Insert).collect();
    store.apply(&changes).await.unwrap();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_becomes_too_large_to_look_at_and_shrinks_again_is_no_news() {
    let mut followed = Followed::start().await;
    let ids = insert(&followed.other, (0..9_999).map(|number| format!("/-/{number}"))).await;
    // With one more, which `listen` makes, it is as large as it may be.
    followed.listen().await;
    insert(&followed.other, std::iter::once("/-/one-more".to_owned())).await;
    followed.assert_quiet().await;
    let deleted: Vec<_> = ids.into_iter().take(9).map(|id| Change::Delete { id }).collect();
    followed.other.apply(&deleted).await.unwrap();
    followed.assert_quiet().await;
    // It is looked at again.
    let told_again = async {
        for number in 0.. {
            let [id] = &insert(&followed.other, std::iter::once(format!("/-/again-{number}"))).await[..]
            else {
                panic!("one")
            };
            if let Ok(change) = timeout(Duration::from_secs(1), followed.told.recv()).await {
                let change = change.unwrap();
                assert_eq!(told(&change), (Action::Create, "_proxies", id.as_str()));
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), told_again).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_told_although_another_process_has_deleted_a_record_of_that_id_before() {
    let mut followed = Followed::start().await;
    followed.listen().await;
    let row = row("/-/again");
    followed.other.apply(&[Change::Insert(row.clone())]).await.unwrap();
    assert_eq!(told(&followed.next().await).0, Action::Create);
    followed.other.apply(&[Change::Delete { id: row.id.clone() }]).await.unwrap();
    assert_eq!(told(&followed.next().await).0, Action::Delete);
    for _ in 0..2 {
        let auth = Some(AuthRecord::local(&Record::new(&gate_records::collections::SUPERUSERS)));
        let body = json!({"id": row.id, "path": "/-/again", "upstream": "http://a"});
        let request =
            RequestInfo { auth, body: body.as_object().cloned().unwrap(), ..RequestInfo::default() };
        let records = &followed.fixture.records;
        let create = Write { collection: &PROXIES, kind: WriteKind::Create, request: request.clone() };
        records.write(create).await.unwrap();
        assert_eq!(told(&followed.next().await), (Action::Create, "_proxies", row.id.as_str()));
        let records = &followed.fixture.records;
        let kind = WriteKind::Delete { id: row.id.clone() };
        records.write(Write { collection: &PROXIES, kind, request }).await.unwrap();
        assert_eq!(told(&followed.next().await), (Action::Delete, "_proxies", row.id.as_str()));
    }
    followed.assert_quiet().await;
}
