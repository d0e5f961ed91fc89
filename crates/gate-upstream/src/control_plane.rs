//! The in-memory way to the control plane: for the data plane it is one more upstream.

use crate::DialError;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

/// Dials the control plane of this process.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    connections: mpsc::Sender<DuplexStream>,
}

/// The dialler, and the connections the control plane has to serve.
pub fn control_plane() -> (ControlPlane, mpsc::Receiver<DuplexStream>) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    (ControlPlane { connections: sender }, receiver)
}

impl ControlPlane {
    /// Opens a connection.
    ///
    /// # Errors
    /// [`DialError::ControlPlaneGone`] when nobody accepts.
    pub fn dial(&self) -> Result<DuplexStream, DialError> {
        let (ours, theirs) = duplex(BUFFER_BYTES);
        self.connections.try_send(theirs).map_err(|_| DialError::ControlPlaneGone)?;
        Ok(ours)
    }
}

/// As many connections may wait to be accepted as a listening socket usually lets wait.
const BACKLOG: usize = 1024;
/// As much as one relay buffer holds.
const BUFFER_BYTES: usize = 32 * 1024;
