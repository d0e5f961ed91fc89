//! A TCP connection to one of the addresses of a name.

use crate::DialError;
use socket2::{SockRef, TcpKeepalive};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Connects to one of the addresses, the families in turn (RFC 8305 §4). How long that may take is up to the caller.
///
/// Cancel-safe: a dropped call closes what it had opened.
///
/// # Errors
/// [`DialError::Connect`] for the attempt that failed last.
pub(crate) async fn connect_any(addresses: &[IpAddr], port: u16) -> Result<TcpStream, DialError> {
    if let [address] = addresses {
        return attempt(SocketAddr::new(*address, port)).await;
    }
    // Boxed: most upstreams have one address, and a burst of streams is as many dials.
    let targets = alternate_families(addresses).into_iter();
    let racing = Box::pin(race(targets.map(|address| attempt(SocketAddr::new(address, port)))));
    racing.await.unwrap_or(Err(DialError::ConnectTimeout))
}

/// Begins the attempts in their order, each when one before it has failed, or when none has ended for
/// [`NEXT_ADDRESS_AFTER`]. None is given up for the next (RFC 8305 §5): an address that is slow may be the only one that
/// works. The first success drops all others. `None` when there was nothing to attempt.
async fn race<T, E, A>(mut attempts: impl ExactSizeIterator<Item = A>) -> Option<Result<T, E>>
where
    A: Future<Output = Result<T, E>>,
{
    let mut running = Vec::new();
    let mut last_failure = None;
    loop {
        running.extend(attempts.next().map(Box::pin));
        if running.is_empty() {
            return last_failure;
        }
        let patience = if attempts.len() == 0 { Duration::MAX } else { NEXT_ADDRESS_AFTER };
        match timeout(patience, first_to_end(&mut running)).await {
            Ok(Ok(success)) => return Some(Ok(success)),
            Ok(failure) => last_failure = Some(failure),
            Err(_) => {}
        }
    }
}

/// Waits for one of the attempts to end and takes it out. Cancel-safe: those that did not end go on when called anew.
fn first_to_end<A: Future>(running: &mut Vec<Pin<Box<A>>>) -> impl Future<Output = A::Output> {
    poll_fn(|context| {
        let ended = running.iter_mut().enumerate().find_map(|(index, attempt)| {
            let Poll::Ready(outcome) = attempt.as_mut().poll(context) else { return None };
            Some((index, outcome))
        });
        let Some((index, outcome)) = ended else { return Poll::Pending };
        running.remove(index);
        Poll::Ready(outcome)
    })
}

async fn attempt(target: SocketAddr) -> Result<TcpStream, DialError> {
    let connected = connect(target).await.and_then(prepared);
    connected.map_err(|cause| DialError::Connect { target: target.to_string(), cause })
}

/// Through a socket: the state of `TcpStream::connect` has room for the resolution of names as well.
async fn connect(target: SocketAddr) -> io::Result<TcpStream> {
    let socket = if target.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    socket?.connect(target).await
}

/// IPv6 and IPv4 in turn, beginning with the family the resolver put first.
fn alternate_families(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let Some(first) = addresses.first() else { return Vec::new() };
    let (same, other): (Vec<_>, Vec<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv6() == first.is_ipv6());
    let mut other = other.into_iter();
    let mut mixed: Vec<_> =
        same.into_iter().flat_map(|address| [Some(address), other.next()]).flatten().collect();
    mixed.extend(other);
    mixed
}

/// Small writes leave at once (a token is a small write), and a peer that vanished is noticed.
fn prepared(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_AFTER);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}

/// RFC 8305 §5 recommends 250 ms before the next address is tried.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
/// 30 s: below the idle timeouts of the middleboxes between two clouds.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use gate_testkit::{Blackhole, PATIENCE, within};
    use std::cell::Cell;
    use std::future::{pending, ready};
    use std::net::TcpListener;
    use std::pin::pin;
    use std::rc::Rc;
    use tokio::sync::Notify;
    use tokio::time::Instant;

    type Attempt<'a> = Pin<Box<dyn Future<Output = Result<&'static str, &'static str>> + 'a>>;

    #[track_caller]
    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_slow_address_is_connected_to_when_the_others_refuse() {
        let mut slow = Blackhole::start();
        let addresses = [slow.address().ip(), address("127.0.0.2")];
        let mut connecting = pin!(connect_any(&addresses, slow.address().port()));
        let soon = timeout(Duration::ZERO, connecting.as_mut()).await;
        assert!(soon.is_err(), "the first SYN is dropped");
        slow.make_room();
        let stream = within(PATIENCE, connecting).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), slow.address());
    }

    #[tokio::test]
    async fn an_attempt_goes_on_beside_those_after_it() {
        let second_began = Notify::new();
        let first = async {
            second_began.notified().await;
            tokio::task::yield_now().await;
            Ok("first")
        };
        let second = async {
            second_began.notify_one();
            Err("refused")
        };
        let attempts: [Attempt<'_>; 2] = [Box::pin(first), Box::pin(second)];
        assert_eq!(within(PATIENCE, race(attempts.into_iter())).await, Some(Ok("first")));
    }

    #[tokio::test]
    async fn the_first_success_drops_the_others_and_begins_none() {
        let held = Rc::new(());
        let (socket, begun) = (Rc::clone(&held), Cell::new(false));
        let silent = async move {
            pending::<()>().await;
            drop(socket);
            Err("never")
        };
        let third = async {
            begun.set(true);
            Err("refused")
        };
        let attempts: [Attempt<'_>; 3] = [Box::pin(silent), Box::pin(ready(Ok("second"))), Box::pin(third)];
        assert_eq!(within(PATIENCE, race(attempts.into_iter())).await, Some(Ok("second")));
        assert_eq!((Rc::strong_count(&held), begun.get()), (1, false));
    }

    #[tokio::test]
    async fn after_a_failure_the_next_does_not_wait() {
        let began = Instant::now();
        let attempts = [Err("a"), Err("b"), Ok("c")].map(ready);
        assert_eq!(race(attempts.into_iter()).await, Some(Ok("c")));
        assert!(began.elapsed() < NEXT_ADDRESS_AFTER);
    }

    #[tokio::test]
    async fn the_failure_is_that_of_the_attempt_that_failed_last() {
        let second_failed = Notify::new();
        let first = async {
            second_failed.notified().await;
            Err("unreachable")
        };
        let second = async {
            second_failed.notify_one();
            Err("refused")
        };
        let attempts: [Attempt<'_>; 2] = [Box::pin(first), Box::pin(second)];
        assert_eq!(within(PATIENCE, race(attempts.into_iter())).await, Some(Err("unreachable")));
        let none: [Attempt<'_>; 0] = [];
        assert_eq!(race(none.into_iter()).await, None);
    }

    #[tokio::test]
    async fn the_address_that_refused_is_named() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for addresses in [&[closed.ip()][..], &[address("::1"), closed.ip()]] {
            let error = connect_any(addresses, closed.port()).await.unwrap_err();
            assert!(error.to_string().starts_with(&format!("failed to connect to {closed}: ")), "{error}");
        }
    }

    #[test]
    fn families_alternate_beginning_with_the_first() {
        let (a, b, c) = (address("::1"), address("::2"), address("::3"));
        let x = address("127.0.0.1");
        assert_eq!(alternate_families(&[a, b, c, x]), [a, x, b, c]);
        assert_eq!(alternate_families(&[x, a]), [x, a]);
        assert!(alternate_families(&[]).is_empty());
    }
}
