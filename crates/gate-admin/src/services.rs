//! What the control plane's routes call.

use crate::gateway::{LastMinute, MetricsAccess};
use crate::rate_limit::Windows;
use crate::realtime::Hub;
use gate_records::LiveSettings;
use gate_records::auth::{Authenticator, FirstSuperuser, Unavailable};
use gate_records::backups::Backups;
use gate_records::records::{AuthRecord, Records};
use gate_records::request_log::RequestLog;
use gate_records::secrets::Secrets;
use gate_snapshot::Published;
use gate_telemetry::access_log::AccessLogs;
use gate_telemetry::in_flight::InFlight;
use gate_telemetry::metrics::ProcessMetrics;
use gate_telemetry::trace::TraceCounts;
use gate_upstream::HttpClient;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Everything behind the routes; they hold no state of their own. Put together by the composition root.
pub struct Services {
    /// Who a token belongs to.
    pub authenticate: Authenticate,
    /// Logs people in.
    pub authenticator: Authenticator,
    /// Makes the first superuser.
    pub first_superuser: FirstSuperuser,
    /// Reads and writes records.
    pub records: Records,
    /// Keeps secrets.
    pub secrets: Secrets,
    /// Whether superusers see secrets in the clear, as in the fork (contract D-9).
    pub reveal_secrets: bool,
    /// What the data plane works with.
    pub published: Arc<Published>,
    /// Asks upstreams, when somebody wants to know whether they answer.
    pub client: HttpClient,
    /// Whether the gateway stands in front of a PocketBase, which then gets what is not ours of `/api` and `/_`.
    pub has_pocketbase: bool,
    /// Who listens to changes.
    pub hub: Hub,
    /// The settings in force.
    pub settings: LiveSettings,
    /// The log of requests.
    pub request_log: RequestLog,
    /// Where the line of each request goes; says what is masked in a target.
    pub access_log: AccessLogs,
    /// What runs.
    pub in_flight: InFlight,
    /// What became of the requests that were recorded for a trace.
    pub traced: Arc<TraceCounts>,
    /// Copies of the store.
    pub backups: Backups,
    /// What the rate limits have counted.
    pub windows: Windows,
    /// What the last minute was like.
    pub last_minute: LastMinute,
    /// What the data plane counts.
    pub metrics: Arc<ProcessMetrics>,
    /// Who may see that besides superusers.
    pub metrics_access: MetricsAccess,
    /// The word for the database the records are in.
    pub store_kind: &'static str,
}

/// Asks whose token it is; `None` for one that is expired, revoked, foreign or no token at all.
pub type Authenticate = Arc<dyn Fn(String) -> Authenticating + Send + Sync>;

/// The answer, when it is there. Dropping it has no effect.
pub type Authenticating = Pin<Box<dyn Future<Output = Result<Option<AuthRecord>, Unavailable>> + Send>>;

/// What handlers take: `State(services): State<Shared>`.
pub(crate) type Shared = Arc<Services>;
