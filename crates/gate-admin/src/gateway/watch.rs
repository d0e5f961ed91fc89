//! `@gateway/status`: the same as it changes, for superusers who listen.

use super::last_minute::LastMinute;
use super::status::Status;
use crate::realtime::Hub;
use gate_snapshot::Published;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// Tells whoever listens how every proxy is, once a second, for ever. Does nothing while nobody listens.
///
/// Cancel-safe: dropping it ends the telling.
pub async fn tell_status(hub: Hub, published: Arc<Published>, last_minute: LastMinute) -> Infallible {
    let status = || Status::of(&published.load(), &last_minute, Instant::now());
    let status = || serde_json::to_string(&status()).unwrap_or_default();
    loop {
        hub.status_is_wanted().await;
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if !hub.tell_status(status) {
                break;
            }
        }
    }
}

/// As often as a person can follow.
const EVERY: Duration = Duration::from_secs(1);
