//! Connections that were used once and then wait: what they cost in memory, and in time.

use std::io;

use clap::Args;
use serde::Serialize;

use crate::connection::{Connection, ConnectionError};
use crate::load::exchange;
use crate::target::{SOURCES_MAX, Target};
use crate::watch::Watched;
use crate::window::{Shared, Window};

/// Which connections to keep open where.
#[derive(Args, Debug)]
pub(crate) struct IdleOptions {
    /// Where to, as http://ADDRESS:PORT/path
    pub target: Target,
    /// Connections to keep open
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub connections: usize,
    /// Spread the connections over this many loopback addresses
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=i64::from(SOURCES_MAX)))]
    pub sources: u8,
    #[command(flatten)]
    pub window: Window,
}

/// What became of them. The processor time watched is that of the wait alone.
#[derive(Debug, Serialize)]
pub(crate) struct IdleReport {
    pub connections: usize,
    /// Connections that did not answer a second request after the wait.
    pub errors: usize,
    pub seconds: f64,
    pub watched: Option<Watched>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum IdleError {
    #[error("connection {number} was not answered")]
    NotAnswered { number: usize, source: ConnectionError },
    #[error("connection {number} was answered with status {status}")]
    Refused { number: usize, status: u16 },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Opens the connections one after another, each with one request, waits, and asks each once more.
pub(crate) async fn run(options: IdleOptions) -> Result<IdleReport, IdleError> {
    let before = options.window.usage_before()?;
    let request = options.target.get(&[]);
    let mut connections = Vec::with_capacity(options.connections);
    for number in 0..options.connections {
        let mut connection = options.target.connect(number, options.sources).await?;
        let answered = exchange(&mut connection, &request).await;
        match answered.map_err(|source| IdleError::NotAnswered { number, source })?.status {
            200 => connections.push(connection),
            status => return Err(IdleError::Refused { number, status }),
        }
    }
    let measured = options.window.measure(&Shared::<()>::default(), before).await?;
    let errors = unanswered(&mut connections, &request).await;
    let connections = connections.len();
    Ok(IdleReport { connections, errors, seconds: measured.seconds, watched: measured.watched })
}

async fn unanswered(connections: &mut [Connection], request: &[u8]) -> usize {
    let mut unanswered = 0;
    for connection in connections {
        let answered = exchange(connection, request).await;
        unanswered += usize::from(!answered.is_ok_and(|answer| answer.status == 200));
    }
    unanswered
}
