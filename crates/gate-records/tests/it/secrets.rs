//! Secrets over a real database (contract §3.3, D-23).

use gate_records::secrets::{
    BlobError, Keyring, NewSecret, SecretChange, SecretError, SecretName, SecretValue, Secrets, Unresolvable,
};
use gate_store::{SECRETS, Select, Store};
use std::path::Path;
use tempfile::TempDir;

const VALUE: &str = "sk-canary-5f3a";

struct Fixture {
    directory: TempDir,
    store: Store,
    secrets: Secrets,
}

impl Fixture {
    async fn new() -> Self {
        Self::in_env("").await
    }

    async fn in_env(env: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).await.unwrap();
        let keyring = Keyring::open_or_create(directory.path(), nothing).unwrap();
        let secrets = Secrets::new(store.clone(), Some(keyring), env);
        Fixture { directory, store, secrets }
    }

    /// Another process on the same data directory.
    fn other(&self) -> Secrets {
        Secrets::new(self.store.clone(), keyring(self.directory.path(), nothing), "")
    }

    async fn create(&self, key: &str, env: Option<&str>, value: &str) {
        let env = env.map(str::to_owned);
        let new = NewSecret {
            key: key.to_owned(),
            value: SecretValue::new(value),
            env,
            description: String::new(),
        };
        self.secrets.create(new).await.unwrap();
    }

    async fn stored(&self) -> Vec<String> {
        let rows = self.store.select(&Select::all(&SECRETS)).await.unwrap();
        rows.iter().map(|row| row.text("value").to_owned()).collect()
    }
}

fn nothing(_: &str) -> Option<String> {
    None
}

fn keyring(directory: &Path, read: impl Fn(&str) -> Option<String>) -> Option<Keyring> {
    Keyring::open(directory, read).unwrap()
}

fn named<'a>(key: &'a str, env: Option<&'a str>) -> SecretName<'a> {
    SecretName::Key { key, env }
}

fn new(key: &str, value: &str) -> NewSecret {
    NewSecret {
        key: key.to_owned(),
        value: SecretValue::new(value),
        env: None,
        description: "for tests".to_owned(),
    }
}

#[tokio::test]
async fn r005_us3_ac2_a_secret_comes_back_and_the_database_holds_no_trace_of_it() {
    let fixture = Fixture::new().await;
    let made = fixture.secrets.create(new("OPENAI_KEY", VALUE)).await.unwrap();
    assert_eq!((made.env.as_str(), made.masked_value.as_str()), ("global", "sk-can***"));
    let name = named("OPENAI_KEY", None);
    assert_eq!(fixture.secrets.view(name).await.unwrap(), made);
    assert_eq!(fixture.secrets.reveal(name).await.unwrap().expose(), VALUE);
    assert_eq!(fixture.secrets.list().await.unwrap(), [made]);
    fixture.store.clone().close().await;
    for file in std::fs::read_dir(fixture.directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes()));
    }
}

#[tokio::test]
async fn d23_a_second_secret_of_the_same_key_is_refused_and_the_first_one_stays() {
    let fixture = Fixture::new().await;
    fixture.create("KEY", None, VALUE).await;
    let Err(SecretError::Invalid(errors)) = fixture.secrets.create(new("KEY", "other")).await else {
        panic!("a duplicate was written")
    };
    assert_eq!(errors.field("key").unwrap().code, "validation_not_unique");
    assert_eq!(fixture.secrets.reveal(named("KEY", None)).await.unwrap().expose(), VALUE);
    fixture.create("KEY", Some("dev"), "in dev").await;
    assert_eq!(fixture.secrets.list().await.unwrap().len(), 2);
}

#[tokio::test]
async fn d23_a_change_keeps_what_it_does_not_name() {
    let fixture = Fixture::new().await;
    let made = fixture.secrets.create(new("KEY", VALUE)).await.unwrap();
    let value = Some(SecretValue::new("the new value"));
    let change = SecretChange { value, description: None };
    let changed = fixture.secrets.update(named("KEY", None), change).await.unwrap();
    assert_eq!((&changed.description, &changed.created), (&made.description, &made.created));
    assert!(changed.updated > made.updated);
    assert_eq!(fixture.secrets.reveal(named("KEY", None)).await.unwrap().expose(), "the new value");
    let change = SecretChange { value: None, description: Some(String::new()) };
    let changed = fixture.secrets.update(SecretName::Id(&made.id), change).await.unwrap();
    assert_eq!((changed.description.as_str(), changed.masked_value.as_str()), ("", "the ne***"));
}

#[tokio::test]
async fn d23_a_secret_that_is_not_there_is_neither_changed_nor_deleted_nor_made() {
    let fixture = Fixture::new().await;
    fixture.create("KEY", Some("dev"), VALUE).await;
    for name in [named("NONE", None), named("KEY", None), SecretName::Id("none")] {
        assert!(matches!(fixture.secrets.view(name).await, Err(SecretError::NotFound)));
        assert!(matches!(fixture.secrets.reveal(name).await, Err(SecretError::NotFound)));
        assert!(matches!(fixture.secrets.delete(name).await, Err(SecretError::NotFound)));
        let change = SecretChange { value: Some(SecretValue::new("x")), description: None };
        assert!(matches!(fixture.secrets.update(name, change).await, Err(SecretError::NotFound)));
    }
    fixture.secrets.delete(named("KEY", Some("dev"))).await.unwrap();
    assert!(fixture.secrets.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_fields_of_a_secret_are_checked() {
    let fixture = Fixture::new().await;
    let long = "K".repeat(257);
    let value = "v".repeat(4097);
    for (key, value, field, code) in [
        ("", "v", "key", "validation_required"),
        (long.as_str(), "v", "key", "validation_max_text_constraint"),
        ("1KEY", "v", "key", "validation_invalid_format"),
        ("A-KEY", "v", "key", "validation_invalid_format"),
        ("KÉY", "v", "key", "validation_invalid_format"),
        ("KEY", "", "value", "validation_required"),
        ("KEY", value.as_str(), "value", "validation_max_text_constraint"),
        ("KEY", "a\r\nX-Injected: b", "value", "validation_invalid_format"),
    ] {
        let Err(SecretError::Invalid(errors)) = fixture.secrets.create(new(key, value)).await else {
            panic!("{key:?} was written")
        };
        assert_eq!(errors.field(field).map(|error| error.code), Some(code), "{key:?}");
        assert_eq!(errors.iter().count(), 1);
    }
    let wrong_env = NewSecret { env: Some("a b".to_owned()), ..new("KEY", "v") };
    assert!(matches!(fixture.secrets.create(wrong_env).await, Err(SecretError::Invalid(_))));
    let with_nul = NewSecret { description: "a\0b".to_owned(), ..new("KEY", "v") };
    assert!(matches!(fixture.secrets.create(with_nul).await, Err(SecretError::Invalid(_))));
    fixture.create(&"K".repeat(256), None, &"v".repeat(4096)).await;
    fixture.create("_key_1", None, "v").await;
}

#[tokio::test]
async fn a_template_finds_the_secret_of_its_environment_and_else_the_global_one() {
    let fixture = Fixture::in_env("dev").await;
    for (key, env) in [("BOTH", "global"), ("BOTH", "dev"), ("GLOBAL", "global"), ("PROD", "prod")] {
        fixture.create(key, Some(env), &format!("of {env}")).await;
    }
    let resolved = fixture.secrets.resolved().await.unwrap();
    let value = |name| resolved.value(name).map(SecretValue::expose);
    assert_eq!(value("BOTH"), Ok("of dev"));
    assert_eq!(value("GLOBAL"), Ok("of global"));
    assert_eq!(value("PROD"), Err(Unresolvable::Unknown));
}

#[tokio::test]
async fn without_a_master_key_nothing_is_read_or_written_and_templates_say_why() {
    let fixture = Fixture::new().await;
    fixture.create("KEY", None, VALUE).await;
    let disabled = Secrets::new(fixture.store.clone(), None, "");
    assert!(matches!(disabled.list().await, Err(SecretError::Disabled)));
    assert!(matches!(disabled.create(new("OTHER", "v")).await, Err(SecretError::Disabled)));
    assert!(matches!(disabled.delete(named("KEY", None)).await, Err(SecretError::Disabled)));
    assert_eq!(disabled.resolved().await.unwrap().value("KEY").err(), Some(Unresolvable::Disabled));
}

#[tokio::test]
async fn a_rotation_is_not_noticed_by_a_gateway_that_runs() {
    let fixture = Fixture::new().await;
    fixture.create("ONE", None, "the first").await;
    fixture.create("TWO", None, "the second").await;
    let before = fixture.stored().await;
    assert_eq!(fixture.other().rotate().await.unwrap(), 2);
    let after = fixture.stored().await;
    assert!(before.iter().all(|blob| !after.contains(blob)));
    assert_eq!(fixture.secrets.reveal(named("ONE", None)).await.unwrap().expose(), "the first");
    fixture.create("THREE", None, "the third").await;
    // Whoever starts now has the new key alone, and reads what the running gateway wrote.
    let restarted = fixture.other().resolved().await.unwrap();
    for (name, value) in [("ONE", "the first"), ("TWO", "the second"), ("THREE", "the third")] {
        assert_eq!(restarted.value(name).map(SecretValue::expose), Ok(value));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotations_at_the_same_time_lose_no_secret() {
    let fixture = Fixture::new().await;
    fixture.create("KEY", None, VALUE).await;
    for _ in 0..10 {
        let rotations: Vec<_> = (0..4)
            .map(|_| {
                let process = fixture.other();
                tokio::spawn(async move { process.rotate().await })
            })
            .collect();
        let mut rotated = 0;
        for rotation in rotations {
            match rotation.await.unwrap() {
                Ok(_) => rotated += 1,
                Err(error) => {
                    let reason = "the master key is being changed already; try again when that has ended";
                    assert_eq!(error.to_string(), reason);
                }
            }
        }
        assert!(rotated > 0);
        let restarted = fixture.other();
        assert_eq!(restarted.reveal(named("KEY", None)).await.unwrap().expose(), VALUE);
    }
}

#[tokio::test]
async fn a_key_moves_from_the_file_into_the_environment() {
    let fixture = Fixture::new().await;
    fixture.create("KEY", None, VALUE).await;
    let environment = |name: &str| (name == "POCKETGATE_MASTER_KEY").then(|| "ab".repeat(32));
    let directory = fixture.directory.path();
    let both = Secrets::new(fixture.store.clone(), keyring(directory, environment), "");
    assert_eq!(both.rotate().await.unwrap(), 1);
    assert_eq!(both.rotate().await.unwrap(), 0);
    std::fs::remove_file(directory.join("master.key")).unwrap();
    let alone = Secrets::new(fixture.store.clone(), keyring(directory, environment), "");
    assert_eq!(alone.reveal(named("KEY", None)).await.unwrap().expose(), VALUE);
}

#[tokio::test]
async fn a_rotation_that_cannot_read_a_secret_changes_nothing() {
    let fixture = Fixture::new().await;
    fixture.create("KEY", None, VALUE).await;
    let other = |name: &str| (name == "PB_MASTER_KEY").then(|| "ab".repeat(32));
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = Secrets::new(fixture.store.clone(), keyring(elsewhere.path(), other), "");
    let before = fixture.stored().await;
    let error = stranger.rotate().await.unwrap_err().to_string();
    assert_eq!(error, "the secret KEY is encrypted with another master key than the gateway has");
    assert_eq!(fixture.stored().await, before);
    let listed = stranger.list().await.unwrap().remove(0);
    assert_eq!((listed.masked_value.as_str(), listed.unreadable), ("***", Some(BlobError::UnknownKey)));
    assert_eq!(fixture.secrets.list().await.unwrap()[0].unreadable, None);
}
