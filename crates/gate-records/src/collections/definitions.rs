//! The definitions of the four collections.

use super::checksum::crc32;
use super::collection::{AuthOptions, Collection, CollectionKind, Index, Rules};
use super::field::{Autogenerate, Field, FieldKind, Pattern};
use crate::record_id;
use std::sync::LazyLock;

/// Who may do everything (contract §1.4).
pub static SUPERUSERS: LazyLock<Collection> = LazyLock::new(|| {
    let options = AuthOptions {
        auth_rule: Some(""),
        manage_rule: None,
        token_seconds: SUPERUSER_TOKEN_SECONDS,
        auth_alert: true,
    };
    let [created, updated] = dates();
    let fields = auth_fields().into_iter().chain([created.system(), updated.system()]).collect();
    let id = collection_id("auth", "_superusers");
    let indexes = auth_indexes(&id);
    let kind = CollectionKind::Auth(options);
    Collection { id, name: "_superusers", kind, system: true, fields, rules: Rules::default(), indexes }
});

/// Whose tokens the access rules of proxies ask about (contract §1.4).
pub static USERS: LazyLock<Collection> = LazyLock::new(|| {
    let options = AuthOptions {
        auth_rule: Some(""),
        manage_rule: None,
        token_seconds: USER_TOKEN_SECONDS,
        auth_alert: true,
    };
    let own = [Field::text("name", 255), Field::new("avatar", FieldKind::File)];
    let fields = auth_fields().into_iter().chain(own).chain(dates()).collect();
    // Not by the rule of the other ids: PocketBase writes this one out.
    let id = "_pb_users_auth_".to_owned();
    let indexes = auth_indexes(&id);
    let kind = CollectionKind::Auth(options);
    Collection { id, name: "users", kind, system: false, fields, rules: USERS_RULES, indexes }
});

/// The proxies (contract §3.1).
pub static PROXIES: LazyLock<Collection> = LazyLock::new(|| {
    let [created, updated] = dates();
    let json = |name| Field::new(name, FieldKind::Json { bytes_max: 1000 });
    let path =
        FieldKind::Text { min: 2, max: 500, pattern: Pattern::Any, autogenerate: None, primary_key: false };
    let fields = [
        id(),
        Field::new("path", path).required(),
        Field::new("upstream", FieldKind::Url).required(),
        Field::text("name", 100),
        Field::text("description", 500),
        Field::new("active", FieldKind::Bool),
        Field::new("stripPath", FieldKind::Bool),
        Field::text("accessRule", 2000),
        Field::new("headers", FieldKind::Json { bytes_max: 10_000 }),
        Field::number("timeout", 86_400.0, false),
        json("timeoutConfig"),
        Field::number("maxConcurrent", 10_000.0, true),
        json("circuitBreaker"),
        json("queueConfig"),
        json("limits"),
        json("rateLimit"),
        json("retryConfig"),
        Field::new("forwardAuth", FieldKind::Bool),
        Field::new("forwardEncoding", FieldKind::Bool),
        Field::new("forwardPreflight", FieldKind::Bool),
        created,
        updated,
    ];
    let fields = fields.into_iter().map(Field::system).collect();
    let index =
        |name: &str, columns, unique| Index { name: name.to_owned(), columns, unique, not_empty: false };
    let indexes =
        vec![index("idx_proxies_path", &["path"], true), index("idx_proxies_active", &["active"], false)];
    base("_proxies", fields, indexes)
});

/// The secrets, whose values are only ever written (contract D-9).
pub static SECRETS: LazyLock<Collection> = LazyLock::new(|| {
    let [created, updated] = dates();
    let fields = [
        id(),
        Field::text("key", 256).required(),
        Field::text("value", 4096).required().write_only(),
        Field::text("masked_value", 0),
        Field::text("env", 0),
        Field::text("description", 0),
        created,
        updated,
    ];
    let fields = fields.into_iter().map(Field::system).collect();
    let unique = Index {
        name: "idx_secrets_key_env".to_owned(),
        columns: &["key", "env"],
        unique: true,
        not_empty: false,
    };
    base("_secrets", fields, vec![unique])
});

fn base(name: &'static str, fields: Vec<Field>, indexes: Vec<Index>) -> Collection {
    let id = collection_id("base", name);
    Collection {
        id,
        name,
        kind: CollectionKind::Base,
        system: true,
        fields,
        rules: Rules::default(),
        indexes,
    }
}

fn collection_id(kind: &str, name: &str) -> String {
    format!("pbc_{}", crc32(&format!("{kind}{name}")))
}

fn id() -> Field {
    let kind = FieldKind::Text {
        min: record_id::LENGTH,
        max: record_id::LENGTH,
        pattern: Pattern::LowerCaseAndDigits,
        autogenerate: Some(Autogenerate::Id),
        primary_key: true,
    };
    Field::new("id", kind).required().system()
}

/// What every auth collection begins with.
fn auth_fields() -> [Field; 6] {
    let token_key = FieldKind::Text {
        min: 30,
        max: 60,
        pattern: Pattern::Any,
        autogenerate: Some(Autogenerate::TokenKey),
        primary_key: false,
    };
    [
        id(),
        Field::new("password", FieldKind::Password).required().system().write_only(),
        Field::new("tokenKey", token_key).required().system().write_only(),
        Field::new("email", FieldKind::Email).required().system(),
        Field::new("emailVisibility", FieldKind::Bool).system(),
        Field::new("verified", FieldKind::Bool).system(),
    ]
}

fn auth_indexes(id: &str) -> Vec<Index> {
    let unique = |column, columns, not_empty| Index {
        name: format!("idx_{column}_{id}"),
        columns,
        unique: true,
        not_empty,
    };
    vec![unique("tokenKey", &["tokenKey"], false), unique("email", &["email"], true)]
}

fn dates() -> [Field; 2] {
    [false, true]
        .map(|on_update| (if on_update { "updated" } else { "created" }, FieldKind::Autodate { on_update }))
        .map(|(name, kind)| Field::new(name, kind))
}

/// Everyone may sign up; after that an account is its owner's.
const USERS_RULES: Rules = {
    let owner = Some("id = @request.auth.id");
    Rules { list: owner, view: owner, create: Some(""), update: owner, delete: owner }
};

/// PocketBase's durations (contract §1.6): a day, and five.
const SUPERUSER_TOKEN_SECONDS: u64 = 86_400;
const USER_TOKEN_SECONDS: u64 = 432_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_have_the_ids_clients_rely_on() {
        assert_eq!(SUPERUSERS.id, "pbc_3142635823");
        assert_eq!(PROXIES.id, "pbc_545340895");
        assert_eq!(SECRETS.id, "pbc_4281647728");
        assert_eq!(USERS.id, "_pb_users_auth_");
    }

    #[test]
    fn r005_fr_001_proxies_have_the_forks_fields_with_their_ids() {
        for (name, id) in [
            ("id", "text3208210256"),
            ("path", "text190089999"),
            ("upstream", "url751931145"),
            ("stripPath", "bool549580966"),
            ("accessRule", "text3418441693"),
            ("headers", "json4144189317"),
            ("timeout", "number2168550802"),
            ("active", "bool1260321794"),
            ("maxConcurrent", "number3272918105"),
            ("circuitBreaker", "json3299410282"),
            ("timeoutConfig", "json1910881362"),
            ("created", "autodate2990389176"),
            ("updated", "autodate3332085495"),
        ] {
            let field = PROXIES.field(name).unwrap();
            assert_eq!(field.id, id, "{name}");
            assert!(field.system, "{name}");
        }
    }

    #[test]
    fn auth_collections_have_pocketbases_fields() {
        let names =
            |collection: &Collection| -> Vec<_> { collection.fields.iter().map(|f| f.name).collect() };
        let own = ["id", "password", "tokenKey", "email", "emailVisibility", "verified"];
        assert_eq!(names(&SUPERUSERS), [&own[..], &["created", "updated"]].concat());
        assert_eq!(names(&USERS), [&own[..], &["name", "avatar", "created", "updated"]].concat());
        for (name, id) in [
            ("password", "password901924565"),
            ("tokenKey", "text2504183744"),
            ("email", "email3885137012"),
            ("emailVisibility", "bool1547992806"),
            ("verified", "bool256245529"),
            ("name", "text1579384326"),
            ("avatar", "file376926767"),
        ] {
            assert_eq!(USERS.field(name).unwrap().id, id, "{name}");
        }
    }

    #[test]
    fn a_collection_is_found_by_its_id_or_its_name_in_any_case() {
        for known in ["_proxies", "_PROXIES", "_Proxies", "pbc_545340895"] {
            assert_eq!(Collection::find(known).unwrap().name, "_proxies", "{known}");
        }
        for unknown in ["", "proxies", "PBC_545340895", "_pb_users_AUTH_", "users' --"] {
            assert!(Collection::find(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn d9_d19_only_keys_and_values_of_secrets_are_never_seen_again() {
        let write_only: Vec<_> = Collection::all()
            .iter()
            .flat_map(|collection| collection.fields.iter().map(|field| (collection.name, field)))
            .filter(|(_, field)| field.write_only)
            .map(|(collection, field)| (collection, field.name))
            .collect();
        let expected = [
            ("_superusers", "password"),
            ("_superusers", "tokenKey"),
            ("users", "password"),
            ("users", "tokenKey"),
            ("_secrets", "value"),
        ];
        assert_eq!(write_only, expected);
    }
}
