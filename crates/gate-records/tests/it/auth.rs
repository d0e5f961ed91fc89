//! Logging in over a real database (contract §1.4, §1.5, §1.6).

use gate_records::auth::{
    Authenticator, Credentials, FirstSuperuser, LoginError, Passwords, SetupError, SuperuserError,
    Superusers, UnverifiedToken,
};
use gate_records::collections::{SUPERUSERS, USERS};
use gate_store::{Location, Row, Store, StoreError, USERS as USERS_TABLE};
use std::net::{IpAddr, Ipv4Addr};
use std::time::SystemTime;
use tempfile::TempDir;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const EMAIL: &str = "root@example.com";
const PASSWORD: &str = "correct horse";

struct Fixture {
    _directory: TempDir,
    store: Store,
    superusers: Superusers,
    authenticator: Authenticator,
}

impl Fixture {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).await.unwrap();
        let superusers = Superusers::new(store.clone(), Passwords::default());
        let authenticator = Authenticator::open(store.clone(), Passwords::default()).await.unwrap();
        Fixture { _directory: directory, store, superusers, authenticator }
    }

    async fn with_superuser() -> Self {
        let fixture = Self::new().await;
        fixture.superusers.create(EMAIL, PASSWORD).await.unwrap();
        fixture
    }

    async fn with_user(id: &str) -> Self {
        let fixture = Self::with_superuser().await;
        let row = Row::new(&USERS_TABLE)
            .with("id", id)
            .with("email", "user@example.com")
            .with("name", "Ada")
            .with("password", Passwords::default().hash(PASSWORD).await.unwrap())
            .with("tokenKey", "k".repeat(50));
        let mut transaction = fixture.store.begin().await.unwrap();
        transaction.insert(&row).await.unwrap();
        transaction.commit().await.unwrap();
        fixture
    }

    async fn login(&self, identity: &str, password: &str) -> Result<String, LoginError> {
        let login = self.authenticator.auth_with_password(&SUPERUSERS, &says(identity, password), HERE).await;
        login.map(|login| login.token)
    }

    async fn is_valid(&self, token: &str) -> bool {
        self.authenticator.authenticate(token).await.unwrap().is_some()
    }
}

fn says(identity: &str, password: &str) -> Credentials {
    Credentials {
        identity: identity.to_owned(),
        password: password.to_owned(),
        identity_field: String::new(),
    }
}

#[tokio::test]
async fn a_password_gives_a_token_and_the_token_is_somebody() {
    let fixture = Fixture::with_superuser().await;
    let token = fixture.login(EMAIL, PASSWORD).await.unwrap();
    let somebody = fixture.authenticator.authenticate(&token).await.unwrap().unwrap();
    assert!(somebody.record.is_superuser() && somebody.claims.refreshable == Some(true));
    assert_eq!(somebody.record.value("email").unwrap(), EMAIL);
    let day = somebody.claims.expires_at().duration_since(SystemTime::now()).unwrap().as_secs();
    assert!((86_390..=86_400).contains(&day), "{day}");
}

#[tokio::test]
async fn whoever_is_not_known_or_has_another_password_gets_none() {
    let fixture = Fixture::with_user("abcdefghij01234").await;
    for (identity, password) in [
        (EMAIL, "wrong password"),
        ("ROOT@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("user@example.com", PASSWORD),
        ("' OR '1'='1", PASSWORD),
    ] {
        let outcome = fixture.login(identity, password).await;
        assert!(matches!(outcome, Err(LoginError::Failed)), "{identity}");
    }
}

#[tokio::test]
async fn what_is_missing_or_too_long_is_said_by_field() {
    let fixture = Fixture::with_superuser().await;
    let long = "x".repeat(256);
    for (identity, password, field, code) in [
        ("", PASSWORD, "identity", "validation_required"),
        (EMAIL, "", "password", "validation_required"),
        (long.as_str(), PASSWORD, "identity", "validation_length_out_of_range"),
    ] {
        let Err(LoginError::Invalid(errors)) = fixture.login(identity, password).await else {
            panic!("{identity} was let in")
        };
        assert_eq!(errors.field(field).unwrap().code, code);
    }
    let by_name = Credentials { identity_field: "name".to_owned(), ..says(EMAIL, PASSWORD) };
    let outcome = fixture.authenticator.auth_with_password(&SUPERUSERS, &by_name, HERE).await;
    assert!(matches!(outcome, Err(LoginError::Invalid(_))));
}

#[tokio::test]
async fn d10_ten_failures_a_minute_are_enough_and_a_success_is_none() {
    let fixture = Fixture::with_superuser().await;
    for _ in 0..10 {
        assert!(fixture.login(EMAIL, PASSWORD).await.is_ok());
        assert!(matches!(fixture.login(EMAIL, "wrong password").await, Err(LoginError::Failed)));
    }
    assert!(matches!(fixture.login(EMAIL, PASSWORD).await, Err(LoginError::Throttled(_))));
    let elsewhere: IpAddr = "192.0.2.1".parse().unwrap();
    let login =
        fixture.authenticator.auth_with_password(&SUPERUSERS, &says(EMAIL, PASSWORD), elsewhere).await;
    assert!(login.is_ok());
}

#[tokio::test]
async fn i_a_new_password_ends_every_token_and_so_does_deleting_the_record() {
    let fixture = Fixture::with_superuser().await;
    let token = fixture.login(EMAIL, PASSWORD).await.unwrap();
    assert!(fixture.is_valid(&token).await);
    fixture.superusers.update(EMAIL, "another horse").await.unwrap();
    assert!(!fixture.is_valid(&token).await);
    let token = fixture.login(EMAIL, "another horse").await.unwrap();
    fixture.superusers.create("second@example.com", PASSWORD).await.unwrap();
    fixture.superusers.delete(EMAIL).await.unwrap();
    assert!(!fixture.is_valid(&token).await);
}

#[tokio::test]
async fn i_a_token_is_good_for_its_own_collection_alone() {
    // The same id in both collections: only the key tells them apart.
    let fixture = Fixture::with_user("abcdefghij01234").await;
    let login = fixture.authenticator.impersonate(&USERS, "abcdefghij01234", 0).await.unwrap();
    assert!(fixture.is_valid(&login.token).await);
    let (head, rest) = login.token.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let claims = UnverifiedToken::parse(&login.token, SystemTime::now()).unwrap().claims().clone();
    for collection in [SUPERUSERS.id.as_str(), "users", "_superusers", "pbc_545340895"] {
        let forged = gate_records::auth::Claims { collection_id: collection.to_owned(), ..claims.clone() };
        let key = gate_records::auth::SigningKey::new(&"k".repeat(50), &"s".repeat(50)).unwrap();
        let forged = forged.sign(&key);
        let claims = forged.split('.').nth(1).unwrap();
        assert!(!fixture.is_valid(&forged).await);
        assert!(!fixture.is_valid(&format!("{head}.{claims}.{signature}")).await, "{collection}");
    }
}

#[tokio::test]
async fn a_token_is_refreshed_by_its_own_collection_and_only_if_it_may_be() {
    let fixture = Fixture::with_user("abcdefghij01234").await;
    let authenticator = &fixture.authenticator;
    let token = fixture.login(EMAIL, PASSWORD).await.unwrap();
    assert!(fixture.is_valid(&authenticator.auth_refresh(&SUPERUSERS, &token).await.unwrap().token).await);
    let wrong = authenticator.auth_refresh(&USERS, &token).await;
    assert!(matches!(wrong, Err(LoginError::OtherCollection(name)) if name == "_superusers"));
    let wrong = authenticator.auth_refresh(&USERS, "no token").await;
    assert!(matches!(wrong, Err(LoginError::NoToken(_))));
    let impersonated = authenticator.impersonate(&USERS, "abcdefghij01234", 60).await.unwrap().token;
    assert_eq!(authenticator.auth_refresh(&USERS, &impersonated).await.unwrap().token, impersonated);
}

#[tokio::test]
async fn somebody_is_impersonated_for_as_long_as_asked() {
    let fixture = Fixture::with_user("abcdefghij01234").await;
    for (asked, expected) in [(0, 432_000), (60, 60)] {
        let login = fixture.authenticator.impersonate(&USERS, "abcdefghij01234", asked).await.unwrap();
        let claims = UnverifiedToken::parse(&login.token, SystemTime::now()).unwrap().claims().clone();
        let seconds = claims.expires_at().duration_since(SystemTime::now()).unwrap().as_secs();
        assert!(
            (expected - 5..=expected).contains(&seconds) && claims.refreshable == Some(false),
            "{seconds}"
        );
    }
    let negative = fixture.authenticator.impersonate(&USERS, "abcdefghij01234", -1).await;
    let Err(LoginError::Invalid(errors)) = negative else { panic!("a negative duration") };
    assert_eq!(errors.field("duration").unwrap().code, "validation_min_greater_equal_than_required");
    let nobody = fixture.authenticator.impersonate(&USERS, "nobody", 0).await;
    assert!(matches!(nobody, Err(LoginError::NotFound)));
}

#[tokio::test]
async fn a_file_token_is_nobody() {
    let fixture = Fixture::with_superuser().await;
    let token = fixture.login(EMAIL, PASSWORD).await.unwrap();
    let file_token = fixture.authenticator.file_token(&token).await.unwrap();
    assert!(!fixture.is_valid(&file_token).await);
    assert!(fixture.authenticator.file_token(&file_token).await.is_err());
}

#[tokio::test]
async fn tokens_outlive_the_process() {
    let fixture = Fixture::with_superuser().await;
    let token = fixture.login(EMAIL, PASSWORD).await.unwrap();
    let again = Authenticator::open(fixture.store.clone(), Passwords::default()).await.unwrap();
    assert!(again.authenticate(&token).await.unwrap().is_some());
}

#[tokio::test]
async fn superusers_are_made_changed_and_deleted_down_to_the_last() {
    let fixture = Fixture::with_superuser().await;
    let superusers = &fixture.superusers;
    let Err(SuperuserError::Invalid(errors)) = superusers.create(EMAIL, PASSWORD).await else {
        panic!("two with one address")
    };
    assert_eq!(errors.field("email").unwrap().code, "validation_not_unique");
    let Err(SuperuserError::Invalid(errors)) = superusers.create("no address", "short").await else {
        panic!("neither was checked")
    };
    assert_eq!(errors.iter().count(), 2);
    assert!(matches!(superusers.delete(EMAIL).await, Err(SuperuserError::Last)));
    superusers.upsert("second@example.com", PASSWORD).await.unwrap();
    superusers.upsert(EMAIL, "another horse").await.unwrap();
    assert!(fixture.login(EMAIL, "another horse").await.is_ok());
    let emails: Vec<_> = superusers.list().await.unwrap().into_iter().map(|one| one.email).collect();
    assert_eq!(emails, [EMAIL, "second@example.com"]);
    superusers.delete("second@example.com").await.unwrap();
    assert!(matches!(superusers.delete("second@example.com").await, Err(SuperuserError::NotFound { .. })));
    assert_eq!(superusers.count().await.unwrap(), 1);
}

#[tokio::test]
async fn the_setup_link_makes_one_superuser_once() {
    let fixture = Fixture::new().await;
    let open = || FirstSuperuser::open(fixture.superusers.clone(), fixture.authenticator.clone());
    let (first, token) = open().await.unwrap();
    let token = token.unwrap();
    let wrong = first.create("wrong", EMAIL, PASSWORD, HERE).await;
    assert!(matches!(wrong, Err(SetupError::NotValid)));
    let short = first.create(&token, EMAIL, "short", HERE).await;
    assert!(matches!(short, Err(SetupError::Superuser(SuperuserError::Invalid(_)))));
    let login = first.create(&token, EMAIL, PASSWORD, HERE).await.unwrap();
    assert!(fixture.authenticator.authenticate(&login.token).await.unwrap().unwrap().record.is_superuser());
    let again = first.create(&token, "second@example.com", PASSWORD, HERE).await;
    assert!(matches!(again, Err(SetupError::NotValid)));
    assert!(open().await.unwrap().1.is_none());
}

#[tokio::test]
async fn the_setup_link_is_worth_nothing_when_somebody_else_was_first() {
    let fixture = Fixture::new().await;
    let opened = FirstSuperuser::open(fixture.superusers.clone(), fixture.authenticator.clone()).await;
    let (first, token) = opened.unwrap();
    fixture.superusers.create(EMAIL, PASSWORD).await.unwrap();
    let late = first.create(&token.unwrap(), "second@example.com", PASSWORD, HERE).await;
    assert!(matches!(late, Err(SetupError::NotValid)));
    assert_eq!(fixture.superusers.count().await.unwrap(), 1);
}

#[tokio::test]
async fn the_setup_link_is_not_guessed() {
    let fixture = Fixture::new().await;
    let opened = FirstSuperuser::open(fixture.superusers.clone(), fixture.authenticator.clone()).await;
    let (first, token) = opened.unwrap();
    for _ in 0..10 {
        assert!(matches!(first.create("wrong", EMAIL, PASSWORD, HERE).await, Err(SetupError::NotValid)));
    }
    let right = first.create(&token.unwrap(), EMAIL, PASSWORD, HERE).await;
    assert!(matches!(right, Err(SetupError::Throttled(_))));
}

#[tokio::test]
async fn while_the_database_is_away_nobody_is_anybody_and_a_gateway_starts() {
    let fixture = Fixture::with_superuser().await;
    let token = fixture.login(EMAIL, PASSWORD).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    // Nobody listens on port 1.
    let url = "postgres://user:password@127.0.0.1:1/pocketgate".to_owned();
    let away = Location::Postgres { url, directory: directory.path().to_owned() };
    let store = Store::open(away).await.unwrap();
    let authenticator = Authenticator::open(store.clone(), Passwords::default()).await.unwrap();
    assert!(matches!(authenticator.authenticate(&token).await, Err(StoreError::Unavailable(_))));
    let superusers = Superusers::new(store, Passwords::default());
    assert!(FirstSuperuser::open(superusers, authenticator).await.unwrap().1.is_none());
}
