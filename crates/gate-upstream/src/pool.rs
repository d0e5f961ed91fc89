//! The connections a worker keeps for the next request: last in, first out.
//!
//! LIFO keeps the few connections that are needed busy (and their kernel memory warm) and lets the others age.
//! A connection goes back only when its response was read to the end; the pool itself refuses nothing and asks nobody.
//!
//! # Limits
//! The limits hold for connections that *stay* idle. Between two sweeps a burst may leave more behind: the pool then keeps
//! what the burst's next requests will take, and closes at the sweep only what nobody took since the last one.

use crate::UpstreamStream;
use crate::http2_connection::{Http2Connection, StreamLease};
use bytes::Bytes;
use gate_snapshot::UpstreamId;
use h2::client::SendRequest;
use rustc_hash::FxHashMap;
use std::net::SocketAddr;
use std::time::Instant;

/// The idle connections of one worker, by upstream.
#[derive(Debug)]
pub struct Pool {
    limits: PoolLimits,
    upstreams: FxHashMap<UpstreamId, Idle>,
}

/// How many connections may stay idle in one worker.
#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// Over all upstreams.
    pub total: usize,
    /// To one upstream.
    pub per_upstream: usize,
}

/// A connection for one request.
#[derive(Debug)]
pub enum Lease {
    /// An HTTP/1.1 connection, ours alone until it is put back.
    Http1 {
        /// The connection.
        stream: UpstreamStream,
        /// Where it leads, for the log.
        address: Option<SocketAddr>,
    },
    /// One stream of a shared HTTP/2 connection.
    Http2 {
        /// Sends the request.
        sender: SendRequest<Bytes>,
        /// Counts the stream until it is dropped, and knows what came over the connection meanwhile.
        stream: StreamLease,
        /// Where the connection leads, for the log.
        address: Option<SocketAddr>,
    },
}

#[derive(Debug, Default)]
struct Idle {
    http1: Vec<IdleHttp1>,
    /// The fewest connections that were idle since the last sweep: nobody needed these.
    unused: usize,
    http2: Vec<SharedHttp2>,
}

#[derive(Debug)]
struct IdleHttp1 {
    stream: UpstreamStream,
    address: Option<SocketAddr>,
    expires: Instant,
}

#[derive(Debug)]
struct SharedHttp2 {
    connection: Http2Connection,
    address: Option<SocketAddr>,
    expires: Instant,
}

impl PoolLimits {
    /// One worker's share of what the process may keep (020-FR-005: 1,000 in total; 020-FR-006: 100 to one upstream).
    pub fn per_worker(workers: usize) -> Self {
        let share = |all: usize| all.div_ceil(workers.max(1));
        PoolLimits { total: share(Self::TOTAL), per_upstream: share(Self::PER_UPSTREAM) }
    }

    const TOTAL: usize = 1000;
    const PER_UPSTREAM: usize = 100;
}

impl Pool {
    /// An empty pool.
    pub fn new(limits: PoolLimits) -> Self {
        Pool { limits, upstreams: FxHashMap::default() }
    }

    /// Takes the connection that was put back last, if one is left that the upstream has not closed.
    ///
    /// `expires` = when an HTTP/2 connection that is used now may be closed if nobody uses it again.
    pub fn take(&mut self, upstream: &UpstreamId, expires: Instant) -> Option<Lease> {
        let idle = self.upstreams.get_mut(upstream)?;
        while let Some(mut connection) = idle.http1.pop() {
            idle.unused = idle.unused.min(idle.http1.len());
            if connection.stream.is_quiet() {
                return Some(Lease::Http1 { stream: connection.stream, address: connection.address });
            }
        }
        idle.http2.retain_mut(|shared| shared.connection.is_open());
        let shared = idle.http2.iter_mut().find(|shared| shared.connection.has_room())?;
        shared.expires = expires;
        Some(shared.lease())
    }

    /// Puts an HTTP/1.1 connection back whose last response was read to its end and not a byte further.
    pub fn put(
        &mut self,
        upstream: &UpstreamId,
        stream: UpstreamStream,
        address: Option<SocketAddr>,
        expires: Instant,
    ) {
        // Looked up before it is inserted, so that the key is cloned once per upstream, not once per request.
        if !self.upstreams.contains_key(upstream) {
            self.upstreams.insert(upstream.clone(), Idle::default());
        }
        if let Some(idle) = self.upstreams.get_mut(upstream) {
            idle.http1.push(IdleHttp1 { stream, address, expires });
        }
    }

    /// Adds a new HTTP/2 connection and takes its first stream.
    pub fn share(
        &mut self,
        upstream: &UpstreamId,
        connection: Http2Connection,
        address: Option<SocketAddr>,
        expires: Instant,
    ) -> Lease {
        let shared = SharedHttp2 { connection, address, expires };
        let lease = shared.lease();
        self.upstreams.entry(upstream.clone()).or_default().http2.push(shared);
        lease
    }

    /// Closes what expired, what the upstream closed or does not answer on any more, and what stayed idle beyond the limits. Called
    /// once a second.
    pub fn sweep(&mut self, now: Instant) {
        let mut total = 0;
        for idle in self.upstreams.values_mut() {
            idle.sweep(now, self.limits.per_upstream);
            total += idle.http1.len();
        }
        let mut surplus = total.saturating_sub(self.limits.total);
        for idle in self.upstreams.values_mut() {
            let closing = surplus.min(idle.unused);
            idle.close_oldest(closing);
            surplus -= closing;
            idle.unused = idle.http1.len();
        }
        self.upstreams.retain(|_, idle| !idle.http1.is_empty() || !idle.http2.is_empty());
    }

    /// Closes every HTTP/1.1 connection that is idle, and says how many that were: somebody needs their descriptors more.
    pub fn close_idle(&mut self) -> usize {
        self.upstreams.values_mut().map(|idle| idle.http1.drain(..).count()).sum()
    }

    /// How many HTTP/1.1 connections are idle.
    pub fn idle_count(&self) -> usize {
        self.upstreams.values().map(|idle| idle.http1.len()).sum()
    }
}

impl Idle {
    fn sweep(&mut self, now: Instant, limit: usize) {
        let surplus = self.http1.len().saturating_sub(limit);
        self.close_oldest(surplus.min(self.unused));
        self.http1.retain_mut(|connection| connection.expires > now && connection.stream.is_quiet());
        self.http2.retain_mut(|SharedHttp2 { connection, expires, .. }| {
            connection.is_needed(*expires <= now) && connection.is_open() && connection.is_alive(now)
        });
        self.unused = self.unused.min(self.http1.len());
    }

    fn close_oldest(&mut self, count: usize) {
        self.http1.drain(..count.min(self.http1.len()));
    }
}

impl SharedHttp2 {
    fn lease(&self) -> Lease {
        let (sender, stream) = self.connection.lease();
        Lease::Http2 { sender, stream, address: self.address }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate_snapshot::Upstream;
    use std::time::Duration;
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::LocalSet;

    fn pool(total: usize, per_upstream: usize) -> Pool {
        Pool::new(PoolLimits { total, per_upstream })
    }

    fn upstream(name: &str) -> UpstreamId {
        Upstream::parse(&format!("http://{name}")).unwrap().id
    }

    fn put(pool: &mut Pool, upstream: &UpstreamId, expires: Instant) -> DuplexStream {
        let (ours, theirs) = duplex(64);
        pool.put(upstream, UpstreamStream::Memory(ours), None, expires);
        theirs
    }

    #[test]
    fn a_connection_that_is_quiet_is_taken_once() {
        let (mut pool, a, now) = (pool(10, 10), upstream("a"), Instant::now());
        let _peer = put(&mut pool, &a, now + Duration::from_secs(90));
        assert!(pool.take(&upstream("b"), now).is_none());
        assert!(pool.take(&a, now).is_some());
        assert!(pool.take(&a, now).is_none());
    }

    #[tokio::test]
    async fn what_the_upstream_closed_or_wrote_to_is_never_handed_out() {
        let (mut pool, a, now) = (pool(10, 10), upstream("a"), Instant::now());
        drop(put(&mut pool, &a, now + Duration::from_secs(90)));
        let mut chatty = put(&mut pool, &a, now + Duration::from_secs(90));
        chatty.write_all(b"HTTP/1.1 408\r\n\r\n").await.unwrap();
        assert!(pool.take(&a, now).is_none());
        assert_eq!(pool.idle_count(), 0);
    }

    #[test]
    fn a_sweep_closes_what_expired_and_what_was_closed() {
        let (mut pool, a, now) = (pool(10, 10), upstream("a"), Instant::now());
        let _expired = put(&mut pool, &a, now);
        let _kept = put(&mut pool, &a, now + Duration::from_secs(90));
        drop(put(&mut pool, &a, now + Duration::from_secs(90)));
        pool.sweep(now);
        assert_eq!(pool.idle_count(), 1);
    }

    #[test]
    fn r020_fr_006_only_what_nobody_took_since_the_last_sweep_is_closed_beyond_the_limit() {
        let (mut pool, a, now) = (pool(10, 2), upstream("a"), Instant::now());
        let later = now + Duration::from_secs(90);
        let _peers: Vec<_> = (0..6).map(|_| put(&mut pool, &a, later)).collect();
        pool.sweep(now);
        assert_eq!(pool.idle_count(), 6, "all of them arrived since the last sweep");
        let taken: Vec<_> = (0..3).map(|_| pool.take(&a, later)).collect();
        pool.sweep(now);
        assert_eq!(pool.idle_count(), 2, "three were needed; of the others one too many stayed");
        drop(taken);
    }

    #[test]
    fn r020_fr_005_the_total_is_limited_too() {
        let (mut pool, now) = (pool(3, 2), Instant::now());
        let later = now + Duration::from_secs(90);
        let peers: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .flat_map(|name| [name, name])
            .map(|name| put(&mut pool, &upstream(name), later))
            .collect();
        pool.sweep(now);
        pool.sweep(now);
        assert_eq!(pool.idle_count(), 3);
        drop(peers);
    }

    #[tokio::test]
    async fn every_stream_of_an_http2_connection_knows_where_it_leads() {
        let (mut pool, a, now) = (pool(10, 10), upstream("a"), Instant::now());
        let (ours, _theirs) = duplex(1024);
        let tasks = LocalSet::new();
        let connection = tasks.run_until(Http2Connection::open(ours)).await.unwrap();
        let there = SocketAddr::from(([192, 0, 2, 1], 443));
        let first = pool.share(&a, connection, Some(there), now);
        for lease in [Some(first), pool.take(&a, now)] {
            let Some(Lease::Http2 { address, .. }) = lease else { panic!("{lease:?}") };
            assert_eq!(address, Some(there));
        }
    }

    #[test]
    fn r020_fr_005_r020_fr_006_limits_are_shared_out_to_the_workers() {
        let limits = PoolLimits::per_worker(3);
        assert_eq!((limits.total, limits.per_upstream), (334, 34));
    }
}
