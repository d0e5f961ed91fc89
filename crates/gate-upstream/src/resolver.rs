//! Names to addresses: TTLs honoured, the last answer kept when the name servers fail.
//!
//! One resolver per process. Lookups run on the control plane's runtime, so that a slow name server costs a worker nothing
//! but the one request that waits for it.

use crate::DialError;
use hickory_resolver::TokioResolver;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Resolves names and remembers the answers. Cheap to clone.
#[derive(Clone)]
pub struct Resolver {
    shared: Arc<Shared>,
}

/// The addresses of one name.
type Addresses = Arc<[IpAddr]>;

struct Shared {
    /// Where lookups run; its event loop owns the sockets to the name servers.
    runtime: Handle,
    /// Built at the first lookup: a gateway whose upstreams are all addresses never reads `resolv.conf`.
    servers: Mutex<Option<Arc<TokioResolver>>>,
    answers: Mutex<HashMap<String, Answer>>,
}

struct Answer {
    /// Never empty. Kept after it expired, for as long as the name servers do not answer.
    addresses: Addresses,
    expires: Instant,
}

impl Resolver {
    /// A resolver that uses the system's configuration (`resolv.conf`, `hosts`) and looks names up on `runtime`.
    pub fn new(runtime: Handle) -> Self {
        let shared = Shared { runtime, servers: Mutex::default(), answers: Mutex::default() };
        Resolver { shared: Arc::new(shared) }
    }

    /// The addresses of `host`, from memory while the TTL lasts.
    ///
    /// Cancel-safe: a dropped call lets its lookup finish for the next one to find.
    ///
    /// # Errors
    /// [`DialError::Resolve`] when the name has no address and never had one.
    pub async fn resolve(&self, host: &str) -> Result<Addresses, DialError> {
        if let Some(addresses) = self.remembered(host, Instant::now()) {
            return Ok(addresses);
        }
        let lookup = self.shared.runtime.spawn(look_up(Arc::clone(&self.shared), host.to_owned()));
        let failed = |cause: String| DialError::Resolve { host: host.to_owned(), cause };
        match lookup.await {
            Ok(answer) => answer.map_err(failed),
            Err(_) => Err(failed("the lookup was cancelled".to_owned())),
        }
    }

    fn remembered(&self, host: &str, now: Instant) -> Option<Addresses> {
        let answers = locked(&self.shared.answers);
        answers.get(host).filter(|answer| answer.expires > now).map(|answer| Arc::clone(&answer.addresses))
    }
}

async fn look_up(shared: Arc<Shared>, host: String) -> Result<Addresses, String> {
    match ask(&shared, &host).await {
        Ok((addresses, expires)) => {
            let answer = Answer { addresses: Arc::clone(&addresses), expires };
            locked(&shared.answers).insert(host, answer);
            Ok(addresses)
        }
        Err(cause) => keep_last(&shared, &host, cause),
    }
}

/// Asks the name servers; the expiry is the answer's TTL within [`TTL_MIN`] and [`TTL_MAX`].
async fn ask(shared: &Shared, host: &str) -> Result<(Addresses, Instant), String> {
    let servers = shared.servers()?;
    let answer = servers.lookup_ip(host).await.map_err(|error| error.to_string())?;
    let addresses: Addresses = answer.iter().collect();
    if addresses.is_empty() {
        return Err("the name has no addresses".to_owned());
    }
    let now = Instant::now();
    let expires = answer.valid_until().clamp(now + TTL_MIN, now + TTL_MAX);
    Ok((addresses, expires))
}

/// Name servers that fail do not take a working upstream away: its last addresses stay, and are asked for again soon.
fn keep_last(shared: &Shared, host: &str, cause: String) -> Result<Addresses, String> {
    let mut answers = locked(&shared.answers);
    let Some(last) = answers.get_mut(host) else { return Err(cause) };
    tracing::warn!(host, cause, "name lookup failed, keeping the last answer");
    last.expires = Instant::now() + RETRY_AFTER_FAILURE;
    Ok(Arc::clone(&last.addresses))
}

impl Shared {
    fn servers(&self) -> Result<Arc<TokioResolver>, String> {
        let mut servers = locked(&self.servers);
        if let Some(servers) = &*servers {
            return Ok(Arc::clone(servers));
        }
        let builder = TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
        let built = Arc::new(builder.build().map_err(|error| error.to_string())?);
        *servers = Some(Arc::clone(&built));
        Ok(built)
    }
}

/// The maps stay consistent at every point where a panic could happen, so a poisoned lock is as good as another.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A TTL of 0 would cost a lookup per connection.
const TTL_MIN: Duration = Duration::from_secs(1);
/// Longer TTLs exist; nobody who moves an upstream wants to wait for them.
const TTL_MAX: Duration = Duration::from_secs(3600);
/// How soon failing name servers are asked again.
const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(5);

#[cfg(test)]
impl Resolver {
    /// A resolver that asks the name server at that address and nobody else.
    pub(crate) fn asking(server: std::net::SocketAddr) -> Self {
        use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
        use hickory_resolver::net::runtime::TokioRuntimeProvider;
        let mut connection = ConnectionConfig::udp();
        connection.port = server.port();
        let mut name_server = NameServerConfig::udp(server.ip());
        name_server.connections = vec![connection];
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![name_server]);
        let servers =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build().unwrap();
        let resolver = Resolver::new(Handle::current());
        *locked(&resolver.shared.servers) = Some(Arc::new(servers));
        resolver
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remember(resolver: &Resolver, host: &str, address: &str, expires: Instant) {
        let addresses = Arc::from([address.parse::<IpAddr>().unwrap()]);
        locked(&resolver.shared.answers).insert(host.to_owned(), Answer { addresses, expires });
    }

    #[tokio::test]
    async fn the_hosts_file_is_consulted() {
        let resolver = Resolver::new(Handle::current());
        let addresses = resolver.resolve("localhost").await.unwrap();
        assert!(addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
    }

    #[tokio::test]
    async fn an_answer_is_remembered_until_it_expires() {
        let resolver = Resolver::new(Handle::current());
        let now = Instant::now();
        remember(&resolver, "host.invalid", "127.0.0.9", now + Duration::from_secs(1));
        assert!(resolver.remembered("host.invalid", now).is_some());
        assert!(resolver.remembered("host.invalid", now + Duration::from_secs(1)).is_none());
    }

    #[tokio::test]
    async fn the_last_answer_is_kept_when_the_lookup_fails() {
        let resolver = Resolver::new(Handle::current());
        remember(&resolver, "host.invalid", "127.0.0.9", Instant::now());
        let kept = keep_last(&resolver.shared, "host.invalid", "servfail".to_owned()).unwrap();
        assert_eq!(&*kept, ["127.0.0.9".parse::<IpAddr>().unwrap()]);
        assert!(resolver.remembered("host.invalid", Instant::now()).is_some());
        assert!(keep_last(&resolver.shared, "other.invalid", "servfail".to_owned()).is_err());
    }
}
