//! Reading and writing records over a real database.

use gate_records::auth::Passwords;
use gate_records::collections::{Collection, PROXIES, SECRETS, SUPERUSERS, USERS};
use gate_records::records::{
    Action, AuthRecord, BatchError, ListQuery, Record, RecordError, Records, RequestInfo, Write, WriteKind,
    Written,
};
use gate_records::secrets::{Keyring, Secrets};
use gate_records::{EnvironmentPolicy, FieldErrors, Publisher};
use gate_snapshot::{Published, UpstreamAddresses};
use gate_store::{Location, Row, Store, StoreError};
use gate_telemetry::metrics::ProcessMetrics;
#[cfg(unix)]
use gate_testkit::PostgreSql;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinSet;

const PASSWORD: &str = "correct horse";

pub(crate) struct Fixture {
    pub(crate) records: Records,
    store: Store,
    published: Arc<Published>,
    directory: TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).await.unwrap();
        Self::over(store, directory).await
    }

    async fn over(store: Store, directory: TempDir) -> Self {
        let published = Arc::new(Published::default());
        let environment = || EnvironmentPolicy::with_reader([], |_| None);
        let keyring = Keyring::open_or_create(directory.path(), |_| None).unwrap();
        let secrets = Secrets::new(store.clone(), Some(keyring), "");
        let publisher = Publisher::start(
            store.clone(),
            secrets.clone(),
            environment(),
            Arc::clone(&published),
            Arc::new(ProcessMetrics::new(1, true)),
        );
        let publisher = publisher.await.unwrap();
        let publishing = publisher.publishing();
        tokio::spawn(publisher.run(std::future::pending()));
        let records = Records::new(
            store.clone(),
            Passwords::default(),
            secrets,
            environment(),
            UpstreamAddresses::default(),
            publishing,
        );
        Fixture { records, store, published, directory }
    }

    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    async fn try_write(&self, write: Write) -> Result<Written, RecordError> {
        self.records.write(write).await
    }

    /// Writes, and returns the record as it is.
    async fn write(&self, write: Write) -> Record {
        self.try_write(write).await.unwrap().change.after.unwrap()
    }

    async fn row(&self, record: &Record) -> Row {
        let table =
            if record.collection().id == USERS.id { &gate_store::USERS } else { &gate_store::SUPERUSERS };
        self.store.find(table, "id", record.id()).await.unwrap().unwrap()
    }

    async fn user(&self, email: &str) -> Record {
        let body = json!({"email": email, "password": PASSWORD, "passwordConfirm": PASSWORD});
        self.write(create(&USERS, GUEST, body)).await
    }
}

const GUEST: Option<AuthRecord> = None;

fn superuser() -> AuthRecord {
    AuthRecord::local(&Record::new(&SUPERUSERS))
}

fn request(auth: impl Into<Option<AuthRecord>>, body: Value) -> RequestInfo {
    let Value::Object(body) = body else { panic!("a body is an object") };
    RequestInfo { auth: auth.into(), body, ..RequestInfo::default() }
}

fn create(collection: &'static Collection, auth: impl Into<Option<AuthRecord>>, body: Value) -> Write {
    Write { collection, kind: WriteKind::Create, request: request(auth, body) }
}

fn update(record: &Record, auth: impl Into<Option<AuthRecord>>, body: Value) -> Write {
    let kind = WriteKind::Update { id: record.id().to_owned() };
    Write { collection: record.collection(), kind, request: request(auth, body) }
}

fn delete(record: &Record, auth: impl Into<Option<AuthRecord>>) -> Write {
    let kind = WriteKind::Delete { id: record.id().to_owned() };
    Write { collection: record.collection(), kind, request: request(auth, json!({})) }
}

fn proxy(path: &str) -> Write {
    create(&PROXIES, superuser(), json!({"path": path, "upstream": "http://a"}))
}

/// The fields that were refused, with their codes.
#[track_caller]
fn refused(outcome: Result<Written, RecordError>) -> Vec<(String, &'static str)> {
    match outcome.map(drop).unwrap_err() {
        RecordError::NotCreated(errors) | RecordError::NotUpdated(errors) => codes(&errors),
        error => panic!("not about fields: {error}"),
    }
}

fn codes(errors: &FieldErrors) -> Vec<(String, &'static str)> {
    errors.iter().map(|(field, error)| (field, error.code)).collect()
}

fn code(field: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(field.to_owned(), code)]
}

#[tokio::test]
async fn r005_sc_002_a_proxy_is_published_when_its_write_returns() {
    let fixture = Fixture::new().await;
    let found = || fixture.published.load().routes().find(b"/-/a").map(|matched| matched.proxy.active);
    let created = fixture.write(proxy("/-/a")).await;
    assert_eq!(found(), Some(true));
    fixture.write(update(&created, superuser(), json!({"active": false}))).await;
    assert_eq!(found(), Some(false));
    fixture.try_write(delete(&created, superuser())).await.unwrap();
    assert_eq!(found(), None);
}

/// A PocketBase lets people choose the id of their record, and its collections have the ids of ours.
#[tokio::test]
async fn idor_somebody_of_a_pocketbase_with_the_id_of_our_record_does_not_own_it() {
    let fixture = Fixture::new().await;
    let user = fixture.user("ann@example.com").await;
    let remote = || {
        let Value::Object(values) = json!({"id": user.id(), "verified": true}) else { panic!("an object") };
        AuthRecord::remote(&USERS.id, "users", values, true)
    };
    let changed = fixture.try_write(update(&user, remote(), json!({"name": "taken over"}))).await;
    assert!(matches!(changed, Err(RecordError::NotFound)), "{changed:?}");
    assert!(matches!(fixture.try_write(delete(&user, remote())).await, Err(RecordError::NotFound)));
    let viewed = fixture.records.view(&USERS, user.id(), &request(remote(), json!({}))).await;
    assert!(matches!(viewed, Err(RecordError::NotFound)), "{viewed:?}");
}

#[tokio::test]
async fn a_write_is_told_of_once_it_is_durable() {
    let fixture = Fixture::new().await;
    let mut changes = fixture.records.changes();
    let created = fixture.write(proxy("/-/a")).await;
    fixture.write(update(&created, superuser(), json!({"timeout": 5}))).await;
    refused(fixture.try_write(proxy("/-/a")).await);
    fixture.try_write(delete(&created, superuser())).await.unwrap();
    for action in [Action::Create, Action::Update, Action::Delete] {
        let change = changes.try_recv().unwrap();
        assert_eq!((change.action(), change.record().unwrap().id()), (action, created.id()));
    }
    assert!(changes.try_recv().is_err(), "what was refused is no change");
}

#[tokio::test]
async fn a_write_nobody_waits_for_is_finished_and_told_of() {
    let fixture = Fixture::new().await;
    let mut changes = fixture.records.changes();
    let mut write = Box::pin(fixture.records.write(proxy("/-/a")));
    assert!(poll_once(write.as_mut()).await.is_none(), "it takes more than one step");
    drop(write);
    let change = tokio::time::timeout(Duration::from_secs(10), changes.recv()).await.unwrap().unwrap();
    assert_eq!(change.action(), Action::Create);
}

/// Polls a future once.
async fn poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut future).poll(context) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn values_that_must_be_unique_are_named() {
    let fixture = Fixture::new().await;
    let first = fixture.write(proxy("/-/a")).await;
    assert_eq!(refused(fixture.try_write(proxy("/-//a/")).await), code("path", "validation_not_unique"));
    let same_id =
        create(&PROXIES, superuser(), json!({"id": first.id(), "path": "/-/b", "upstream": "http://a"}));
    assert_eq!(refused(fixture.try_write(same_id).await), code("id", "validation_not_unique"));
    fixture.user("a@b.co").await;
    let body = json!({"email": "a@b.co", "password": PASSWORD, "passwordConfirm": PASSWORD});
    let again = fixture.try_write(create(&USERS, GUEST, body)).await;
    assert_eq!(refused(again), code("email", "validation_not_unique"));
}

#[tokio::test]
async fn an_account_has_a_hash_and_a_token_key_that_nobody_sees() {
    let fixture = Fixture::new().await;
    let user = fixture.user("a@b.co").await;
    let row = fixture.row(&user).await;
    assert!(row.text("password").starts_with("$2a$10$"));
    assert_eq!(row.text("tokenKey").len(), 50);
    assert!(Passwords::default().verify(PASSWORD, Some(row.text("password"))).await.unwrap());
}

#[tokio::test]
async fn tokens_die_with_a_new_password_or_address_and_with_nothing_else() {
    let fixture = Fixture::new().await;
    let user = fixture.user("a@b.co").await;
    let mut key = fixture.row(&user).await.text("tokenKey").to_owned();
    let password = "another horse";
    let owner = || AuthRecord::local(&user);
    for (auth, body, dies) in [
        (superuser(), json!({"name": "A"}), false),
        (owner(), json!({"name": "B", "tokenKey": "x".repeat(50), "tokenKey:autogenerate": ""}), false),
        (superuser(), json!({"email": "b@b.co"}), true),
        (superuser(), json!({"tokenKey:autogenerate": ""}), true),
        (superuser(), json!({"password": PASSWORD, "passwordConfirm": PASSWORD}), true),
        (owner(), json!({"password": password, "passwordConfirm": password, "oldPassword": PASSWORD}), true),
    ] {
        fixture.write(update(&user, auth, body.clone())).await;
        let row = fixture.row(&user).await;
        assert_eq!(row.text("tokenKey") != key, dies, "{body}");
        row.text("tokenKey").clone_into(&mut key);
    }
    let hash = fixture.row(&user).await.text("password").to_owned();
    assert!(Passwords::default().verify(password, Some(&hash)).await.unwrap());
}

#[tokio::test]
async fn an_owner_needs_the_old_password_and_cannot_vouch_for_themselves() {
    let fixture = Fixture::new().await;
    let user = fixture.user("a@b.co").await;
    let new = json!({"password": "another horse", "passwordConfirm": "another horse"});
    let with = |member: &str, value: Value| {
        let mut body = new.clone();
        body[member] = value;
        body
    };
    for (body, field, expected) in [
        (new.clone(), "oldPassword", "validation_required"),
        (with("oldPassword", json!("wrong horse")), "oldPassword", "validation_invalid_old_password"),
        (with("passwordConfirm", json!("x")), "passwordConfirm", "validation_values_mismatch"),
        (json!({"email": "b@b.co"}), "email", "validation_values_mismatch"),
        (json!({"verified": true}), "verified", "validation_values_mismatch"),
        (json!({"id": "abcdefghij01234"}), "id", "validation_pk_change"),
    ] {
        let outcome = fixture.try_write(update(&user, AuthRecord::local(&user), body.clone())).await;
        assert!(refused(outcome).contains(&(field.to_owned(), expected)), "{body}");
    }
    let row = fixture.row(&user).await;
    assert_eq!((row.text("email"), row.flag("verified")), ("a@b.co", false));
    assert!(Passwords::default().verify(PASSWORD, Some(row.text("password"))).await.unwrap());
}

#[tokio::test]
async fn ids_are_unique_over_all_accounts() {
    let fixture = Fixture::new().await;
    let user = fixture.user("a@b.co").await;
    let body = json!({"id": user.id(), "email": "s@b.co", "password": PASSWORD, "passwordConfirm": PASSWORD});
    let outcome = fixture.try_write(create(&SUPERUSERS, superuser(), body)).await;
    assert_eq!(refused(outcome), code("id", "validation_invalid_auth_id"));
}

#[tokio::test]
async fn the_last_superuser_stays() {
    let fixture = Fixture::new().await;
    let new = |email: &str| json!({"email": email, "password": PASSWORD, "passwordConfirm": PASSWORD});
    let first = fixture.write(create(&SUPERUSERS, superuser(), new("a@b.co"))).await;
    assert!(first.flag("verified"));
    let second = fixture.write(create(&SUPERUSERS, superuser(), new("b@b.co"))).await;
    fixture.try_write(delete(&first, superuser())).await.unwrap();
    let outcome = fixture.try_write(delete(&second, superuser())).await;
    assert!(matches!(outcome, Err(RecordError::LastSuperuser)));
}

#[tokio::test]
async fn of_many_who_take_one_path_at_a_time_one_gets_it() {
    let fixture = Fixture::new().await;
    let mut writes = JoinSet::new();
    for _ in 0..20 {
        let records = fixture.records.clone();
        writes.spawn(async move { records.write(proxy("/-/a")).await.is_ok() });
    }
    let made = writes.join_all().await.into_iter().filter(|made| *made).count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn of_two_superusers_deleted_at_a_time_one_stays() {
    let fixture = Fixture::new().await;
    let mut writes = Vec::new();
    for email in ["a@b.co", "b@b.co"] {
        let body = json!({"email": email, "password": PASSWORD, "passwordConfirm": PASSWORD});
        let record = fixture.write(create(&SUPERUSERS, superuser(), body)).await;
        writes.push(delete(&record, superuser()));
    }
    let mut deletes = JoinSet::new();
    for write in writes {
        let records = fixture.records.clone();
        deletes.spawn(async move { records.write(write).await.is_ok() });
    }
    let deleted = deletes.join_all().await.into_iter().filter(|deleted| *deleted).count();
    assert_eq!(deleted, 1);
}

#[tokio::test]
async fn d13_of_many_who_change_what_they_saw_one_does() {
    let fixture = Fixture::new().await;
    let seen = fixture.write(proxy("/-/a")).await;
    let mut writes = JoinSet::new();
    for timeout in 1..=20 {
        let records = fixture.records.clone();
        let write = update(&seen, superuser(), json!({"timeout": timeout, "updated": seen.text("updated")}));
        writes.spawn(async move { records.write(write).await.is_ok() });
    }
    let changed = writes.join_all().await.into_iter().filter(|changed| *changed).count();
    assert_eq!(changed, 1);
}

#[tokio::test]
async fn d13_a_change_of_what_somebody_else_changed_is_refused() {
    let fixture = Fixture::new().await;
    let seen = fixture.write(proxy("/-/a")).await;
    let newer = fixture
        .write(update(&seen, superuser(), json!({"updated": seen.text("updated"), "timeout": 5})))
        .await;
    assert!(newer.text("updated") > seen.text("updated"));
    let in_body = update(&seen, superuser(), json!({"updated": seen.text("updated"), "timeout": 6}));
    assert!(matches!(fixture.try_write(in_body).await, Err(RecordError::Stale)));
    let mut in_header = update(&seen, superuser(), json!({"timeout": 6}));
    in_header
        .request
        .headers
        .insert("if_unmodified_since_updated".to_owned(), seen.text("updated").to_owned());
    assert!(matches!(fixture.try_write(in_header).await, Err(RecordError::Stale)));
    let without = fixture.write(update(&seen, superuser(), json!({"timeout": 7}))).await;
    assert_eq!(*without.value("timeout"), json!(7));
}

#[tokio::test]
async fn a_batch_is_made_whole_or_not_at_all() {
    let fixture = Fixture::new().await;
    let mut changes = fixture.records.changes();
    let timeout = Duration::from_secs(10);
    let writes = vec![proxy("/-/a"), proxy("/-/b"), proxy("/-/a")];
    let BatchError { position, error } = fixture.records.batch(writes, timeout).await.unwrap_err();
    assert_eq!(position, Some(2));
    assert_eq!(refused(Err(error)), code("path", "validation_not_unique"));
    let all = fixture.records.list(&PROXIES, &everything(), &request(superuser(), json!({}))).await.unwrap();
    assert_eq!((all.total, all.records.len()), (0, 0));
    assert!(changes.try_recv().is_err(), "nothing happened");

    let written = fixture.records.batch(vec![proxy("/-/a"), proxy("/-/b")], timeout).await.unwrap();
    assert_eq!(written.len(), 2);
    assert_eq!(fixture.published.load().routes().proxies().len(), 2);
    assert!(changes.try_recv().is_ok() && changes.try_recv().is_ok() && changes.try_recv().is_err());
}

/// PocketBase's answer to a batch that took too long would say that the batch is to blame.
#[cfg(unix)]
#[tokio::test]
async fn a_batch_that_waits_for_a_database_that_does_not_answer_is_not_itself_too_long() {
    let server = PostgreSql::start();
    let directory = tempfile::tempdir().unwrap();
    let location = Location::Postgres { url: server.database(), directory: directory.path().to_owned() };
    let fixture = Fixture::over(Store::open(location).await.unwrap(), directory).await;
    server.freeze();
    let batch = fixture.records.batch(vec![proxy("/-/a")], Duration::from_millis(50)).await;
    server.thaw();
    let error = batch.unwrap_err().error;
    assert!(matches!(error, RecordError::Store(StoreError::Busy | StoreError::Unavailable(_))), "{error:?}");
}

#[tokio::test]
async fn a_batch_that_takes_too_long_is_undone() {
    let fixture = Fixture::new().await;
    let in_the_way = fixture.store.begin().await.unwrap();
    let batch = fixture.records.batch(vec![proxy("/-/a")], Duration::from_millis(50)).await;
    assert!(matches!(batch.unwrap_err().error, RecordError::TimedOut));
    drop(in_the_way);
    fixture.write(proxy("/-/a")).await;
}

fn everything() -> ListQuery {
    ListQuery { limit: 1000, ..ListQuery::default() }
}

#[tokio::test]
async fn d9_a_secret_is_written_and_never_read() {
    let fixture = Fixture::new().await;
    let body = json!({"key": "OPENAI_KEY", "value": "sk-canary-1234"});
    let secret = fixture.write(create(&SECRETS, superuser(), body.clone())).await;
    assert_eq!((secret.text("masked_value"), secret.text("env")), ("sk-can***", "global"));
    assert!(!secret.text("value").contains("canary"), "it is encrypted");
    let outcome = fixture.try_write(create(&SECRETS, superuser(), body)).await;
    assert_eq!(refused(outcome), code("key", "validation_not_unique"));
    let described = fixture.write(update(&secret, superuser(), json!({"description": "a key"}))).await;
    assert_eq!(described.text("masked_value"), "sk-can***");
    let changed = fixture.write(update(&secret, superuser(), json!({"value": "sk-another-1"}))).await;
    assert_eq!((changed.text("masked_value"), changed.text("description")), ("sk-ano***", "a key"));
    let renamed = fixture.try_write(update(&secret, superuser(), json!({"key": "OTHER"}))).await;
    assert_eq!(refused(renamed), code("key", "validation_values_mismatch"));
    let guest = fixture.try_write(create(&SECRETS, GUEST, json!({"key": "A", "value": "b"}))).await;
    assert!(matches!(guest, Err(RecordError::OnlySuperusers)));
}
