//! A collection as `GET /api/collections` shows it (contract §1.11).

use super::collection::{AuthOptions, Collection, CollectionKind, Index};
use super::{Field, PROXIES, USERS};
use serde_json::{Map, Value, json};

/// When the definitions last changed: they are part of the program, so nobody made them on an installation.
const DEFINED: &str = "2026-11-23 00:00:00.000Z";

impl Collection {
    /// The definition in PocketBase's shape, without the secrets of its tokens.
    pub fn to_json(&self) -> Map<String, Value> {
        let rules = self.rules;
        let mut document = object(json!({
            "id": self.id,
            "name": self.name,
            "type": if self.is_auth() { "auth" } else { "base" },
            "system": self.system,
            "listRule": rules.list,
            "viewRule": rules.view,
            "createRule": rules.create,
            "updateRule": rules.update,
            "deleteRule": rules.delete,
            "fields": self.fields.iter().map(Field::to_json).collect::<Vec<_>>(),
            "indexes": self.indexes.iter().map(|index| index.sql(self.name)).collect::<Vec<_>>(),
            "created": DEFINED,
            "updated": DEFINED,
        }));
        if let CollectionKind::Auth(options) = &self.kind {
            document.extend(auth_members(options));
        }
        document
    }
}

impl Index {
    /// The statement in PocketBase's spelling, which clients take apart.
    fn sql(&self, table: &str) -> String {
        let unique = if self.unique { " UNIQUE" } else { "" };
        let columns: Vec<String> = self.columns.iter().map(|column| format!("`{column}`")).collect();
        let columns = columns.join(", ");
        let condition = if self.not_empty { format!(" WHERE {columns} != ''") } else { String::new() };
        format!("CREATE{unique} INDEX `{}` ON `{table}` ({columns}){condition}", self.name)
    }
}

/// What a new collection of each type would begin with. Clients ask for it to draw a form that nobody can send here
/// (contract D-17), so it holds what is the same in all of them.
pub fn scaffolds() -> Value {
    let new = |kind: &str, fields: usize, from: &Collection| {
        let mut document = from.to_json();
        document.insert("id".to_owned(), json!(""));
        document.insert("name".to_owned(), json!(""));
        document.insert("type".to_owned(), json!(kind));
        document.insert("system".to_owned(), json!(false));
        document.insert("created".to_owned(), json!(""));
        document.insert("updated".to_owned(), json!(""));
        document.insert("indexes".to_owned(), json!([]));
        for rule in ["listRule", "viewRule", "createRule", "updateRule", "deleteRule"] {
            document.insert(rule.to_owned(), Value::Null);
        }
        if let Some(Value::Array(all)) = document.get_mut("fields") {
            all.truncate(fields);
        }
        document
    };
    let mut base = new("base", 1, &PROXIES);
    let mut view = new("view", 0, &PROXIES);
    base.remove("authRule");
    view.insert("viewQuery".to_owned(), json!(""));
    json!({"base": base, "auth": new("auth", AUTH_FIELDS, &USERS), "view": view})
}

/// The fields every auth collection begins with.
const AUTH_FIELDS: usize = 6;

fn auth_members(options: &AuthOptions) -> Map<String, Value> {
    // Mail is never sent (contract D-15): the templates are there because clients expect them.
    let template = json!({"subject": "", "body": ""});
    object(json!({
        "authRule": options.auth_rule,
        "manageRule": options.manage_rule,
        "authAlert": {"enabled": options.auth_alert, "emailTemplate": template},
        "oauth2": {
            "enabled": false,
            "providers": [],
            "mappedFields": {"id": "", "name": "", "username": "", "avatarURL": ""},
        },
        "passwordAuth": {"enabled": true, "identityFields": ["email"]},
        "mfa": {"enabled": false, "duration": 600, "rule": ""},
        "otp": {"enabled": false, "duration": 180, "length": 8, "emailTemplate": template},
        "authToken": {"duration": options.token_seconds},
        "passwordResetToken": {"duration": 1800},
        "emailChangeToken": {"duration": 1800},
        "verificationToken": {"duration": 86_400},
        "fileToken": {"duration": 180},
        "verificationTemplate": template,
        "resetPasswordTemplate": template,
        "confirmEmailChangeTemplate": template,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::SUPERUSERS;

    #[test]
    fn a_base_collection_has_pocketbases_shape() {
        let document = Value::Object(PROXIES.to_json());
        let keys: Vec<_> = PROXIES.to_json().keys().cloned().collect();
        let mut expected = vec![
            "id",
            "listRule",
            "viewRule",
            "createRule",
            "updateRule",
            "deleteRule",
            "name",
            "type",
            "fields",
            "indexes",
            "created",
            "updated",
            "system",
        ];
        expected.sort_unstable();
        let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!(document["type"], "base");
        assert_eq!(document["listRule"], Value::Null);
        assert_eq!(
            document["indexes"],
            json!([
                "CREATE UNIQUE INDEX `idx_proxies_path` ON `_proxies` (`path`)",
                "CREATE INDEX `idx_proxies_active` ON `_proxies` (`active`)",
            ])
        );
        let path = json!({
            "id": "text190089999", "name": "path", "type": "text", "system": true, "hidden": false,
            "presentable": false, "help": "", "required": true, "min": 2, "max": 500, "pattern": "",
            "autogeneratePattern": "", "primaryKey": false,
        });
        assert_eq!(document["fields"][1], path);
    }

    #[test]
    fn an_auth_collection_shows_how_to_log_in_and_no_secret() {
        let document = Value::Object(USERS.to_json());
        assert_eq!(document["passwordAuth"], json!({"enabled": true, "identityFields": ["email"]}));
        assert_eq!(document["authToken"], json!({"duration": 432_000}));
        assert_eq!((&document["authRule"], &document["manageRule"]), (&json!(""), &Value::Null));
        assert_eq!(
            document["indexes"][1],
            "CREATE UNIQUE INDEX `idx_email__pb_users_auth_` ON `users` (`email`) WHERE `email` != ''"
        );
        assert!(!document.to_string().contains("secret"));
        let password = SUPERUSERS.to_json()["fields"][1].clone();
        assert_eq!((&password["type"], &password["hidden"]), (&json!("password"), &json!(true)));
    }

    #[test]
    fn there_is_a_scaffold_of_each_type() {
        let scaffolds = scaffolds();
        for (kind, fields) in [("base", 1), ("auth", 6), ("view", 0)] {
            assert_eq!(scaffolds[kind]["type"], kind);
            assert_eq!(scaffolds[kind]["fields"].as_array().unwrap().len(), fields);
            assert_eq!(scaffolds[kind]["name"], "");
        }
    }
}
