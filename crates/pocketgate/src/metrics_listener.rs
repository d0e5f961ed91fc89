//! A second listener, for the metrics alone (H62).

use crate::failure::Failure;
use gate_admin::Services;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// Answers to everybody who can connect.
pub(crate) struct MetricsListener {
    listener: TcpListener,
}

impl MetricsListener {
    /// Listens.
    ///
    /// # Errors
    /// Somebody else listens there, or it is not allowed.
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, Failure> {
        let bound = TcpListener::bind(address).await;
        let listener = bound.map_err(|error| {
            Failure::other(format_args!("cannot listen on {address} for metrics: {error}"))
        })?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "metrics are at /metrics");
        }
        Ok(MetricsListener { listener })
    }

    /// Answers for ever, a few at a time. Dropping it ends the listening; what is being answered still is.
    pub(crate) async fn serve(self, services: Arc<Services>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((connection, _)) => {
                    let services = Arc::clone(&services);
                    tokio::spawn(async move {
                        gate_admin::serve_metrics(connection, services).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection for metrics was not accepted");
                    sleep(BACK_OFF).await;
                }
            }
        }
    }
}

/// More than anybody has who collects metrics; the others wait in the system's queue.
const CONNECTIONS_MAX: usize = 8;
/// Without descriptors, accepting again at once would only burn the processor.
const BACK_OFF: Duration = Duration::from_millis(50);
