//! What both kinds of exchange have in common while a response is relayed.

use crate::client::Client;
use crate::fault::Fault;
use crate::pipeline::Next;
use crate::request_transfer::RequestTransfer;
use crate::transfer::{Transfer, TransferFault, Waiting};
use gate_snapshot::Timeouts;
use gate_telemetry::Reason;
use std::task::Poll;

/// Ready when neither body has moved for too long.
pub(crate) fn poll_idle(
    client: &Client,
    request: &mut RequestTransfer,
    download: &mut Transfer,
    timeouts: &Timeouts,
) -> Poll<Fault> {
    // Both are asked, so that both forget.
    if std::mem::take(&mut download.moved) | request.take_moved() {
        client.deadline.set_after(timeouts.body_idle);
    } else if client.deadline.is_due() {
        let reason = match download.waiting_for {
            Waiting::Source => Reason::TimeoutBodyIdle,
            Waiting::Sink => Reason::TimeoutClientWrite,
        };
        return Poll::Ready(reason.into());
    }
    Poll::Pending
}

/// What becomes of the client's connection after a response was relayed whole.
pub(crate) fn next(request_is_sent: bool, closes: bool) -> Next {
    match (request_is_sent, closes) {
        // What is left of the request stands in the way of the next one.
        (false, _) => Next::Linger,
        (true, true) => Next::Close,
        (true, false) => Next::KeepAlive,
    }
}

/// What it means for the request that its response could not be relayed.
pub(crate) fn fault(fault: TransferFault) -> Fault {
    match fault {
        TransferFault::Sink => Reason::ClientClosed.into(),
        TransferFault::Source(error) => Fault::because(Reason::UpstreamTruncated, error),
        TransferFault::Truncated => Reason::UpstreamTruncated.into(),
        TransferFault::Malformed(error) => Fault::because(Reason::UpstreamProtocol, error),
    }
}
