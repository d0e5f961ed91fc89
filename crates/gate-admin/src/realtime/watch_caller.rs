//! Noticing that somebody who listens is not who they were.

use super::hub::Hub;
use crate::services::Authenticate;
use std::time::Duration;
use tokio::time::sleep;

/// Asks again and again whose token a client listens with, for ever: it may expire, and what a PocketBase knows of its
/// accounts, or another gateway did to one of ours, no change of a record tells. Cancel-safe.
pub(super) async fn watch_caller(hub: Hub, client_id: String, authenticate: Authenticate) {
    loop {
        sleep(ASKED_EVERY).await;
        if let Some(token) = hub.token(&client_id) {
            let answer = authenticate(token.0.clone()).await;
            hub.caller_is(&client_id, &token, answer);
        }
    }
}

/// Some seconds more than the data plane takes to notice; with all the clients there may be, a thousand questions a second,
/// each a look into the store.
const ASKED_EVERY: Duration = Duration::from_secs(10);
