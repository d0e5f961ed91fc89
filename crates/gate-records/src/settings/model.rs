//! What can be set.

use serde::{Deserialize, Serialize};

/// The settings as PocketBase shows them. What pocketgate does not do (mail, object storage) is there because clients
/// expect it, and cannot be switched on.
///
/// It holds no secrets: those of a PocketBase whose database this was stay in the database and are shown to nobody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// From where superusers may come; anywhere when it is empty.
    #[serde(rename = "superuserIPs")]
    pub superuser_ips: Vec<String>,
    /// Mail, which is not sent.
    pub smtp: Mail,
    /// Copies of the store.
    pub backups: Backups,
    /// Object storage, which is not used.
    pub s3: ObjectStorage,
    /// What the installation is called.
    pub meta: Meta,
    /// How often the API may be called.
    pub rate_limits: RateLimits,
    /// Which fields of a request name the client.
    pub trusted_proxy: TrustedProxyHeaders,
    /// Many writes in one request.
    pub batch: Batch,
    /// The log of requests to the control plane.
    pub logs: Logs,
}

/// How mail would be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mail {
    pub enabled: bool,
    pub port: u16,
    pub host: String,
    pub username: String,
    pub auth_method: String,
    pub tls: bool,
    pub local_name: String,
}

/// Copies of the store that are made by themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Backups {
    /// When: a cron expression, or empty for never.
    pub cron: String,
    /// How many are kept.
    pub cron_max_keep: u32,
    /// Where else they would be kept.
    pub s3: ObjectStorage,
}

/// An object storage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectStorage {
    pub enabled: bool,
    pub bucket: String,
    pub region: String,
    pub endpoint: String,
    pub access_key: String,
    pub force_path_style: bool,
}

/// What the installation is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// The colour of the page.
    pub accent_color: String,
    /// Its name.
    pub app_name: String,
    /// Where people reach it.
    #[serde(rename = "appURL")]
    pub app_url: String,
    /// Who mail would come from.
    pub sender_name: String,
    /// Who mail would come from.
    pub sender_address: String,
    /// Whether the page hides what changes collections.
    pub hide_controls: bool,
}

/// How often the API may be called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RateLimits {
    /// The first rule whose label fits counts (contract §1.8).
    pub rules: Vec<RateLimitRule>,
    /// Who is never limited.
    #[serde(rename = "excludedIPs")]
    pub excluded_ips: Vec<String>,
    /// Whether the rules apply.
    pub enabled: bool,
}

/// How often one thing may be called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RateLimitRule {
    /// What it is about: a path, a collection and an action, a tag.
    pub label: String,
    /// Everyone, `@guest` or `@auth`.
    pub audience: String,
    /// The length of a window in seconds.
    pub duration: u32,
    /// How many calls a window has.
    pub max_requests: u32,
}

/// Which fields of a request name the client. pocketgate takes its trusted proxies from `--trusted-proxy` instead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TrustedProxyHeaders {
    /// The names of the fields.
    pub headers: Vec<String>,
    /// Which address of a list counts.
    #[serde(rename = "useLeftmostIP")]
    pub use_leftmost_ip: bool,
}

/// Many writes in one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Batch {
    /// Whether those who are no superusers may send batches.
    pub enabled: bool,
    /// How many requests a batch may have.
    pub max_requests: u32,
    /// How many seconds it may take.
    pub timeout: u32,
    /// How many bytes its body may have; 0 stands for PocketBase's 128 MiB.
    pub max_body_size: u64,
}

/// The log of requests to the control plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Logs {
    /// How many days it reaches back; 0 switches it off.
    pub max_days: u32,
    /// The least important level that is kept: -4 debug, 0 info, 4 warning, 8 error.
    pub min_level: i32,
    /// Whether it names the address of the client.
    #[serde(rename = "logIP")]
    pub log_ip: bool,
    /// Whether it names the record of the caller.
    pub log_auth_id: bool,
}

impl Default for Mail {
    fn default() -> Self {
        Mail {
            enabled: false,
            port: 587,
            host: "smtp.example.com".to_owned(),
            username: String::new(),
            auth_method: String::new(),
            tls: false,
            local_name: String::new(),
        }
    }
}

impl Default for Backups {
    fn default() -> Self {
        Backups { cron: String::new(), cron_max_keep: 3, s3: ObjectStorage::default() }
    }
}

impl Default for Meta {
    fn default() -> Self {
        Meta {
            accent_color: "#1055c9".to_owned(),
            app_name: "Acme".to_owned(),
            app_url: "http://localhost:8090".to_owned(),
            sender_name: "Support".to_owned(),
            sender_address: "support@example.com".to_owned(),
            hide_controls: false,
        }
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        let rule = |label: &str, max_requests, duration| RateLimitRule {
            label: label.to_owned(),
            audience: String::new(),
            duration,
            max_requests,
        };
        let rules = vec![
            rule("*:auth", 2, 3),
            rule("*:create", 20, 5),
            rule("/api/batch", 3, 1),
            rule("/api/", 300, 10),
        ];
        RateLimits { rules, excluded_ips: Vec::new(), enabled: false }
    }
}

impl Default for Batch {
    fn default() -> Self {
        Batch { enabled: false, max_requests: 50, timeout: 3, max_body_size: 0 }
    }
}

impl Default for Logs {
    fn default() -> Self {
        Logs { max_days: 5, min_level: 0, log_ip: true, log_auth_id: false }
    }
}
