//! Flags of `pocketgate serve` that cannot both be meant. Those of which only one may be given at all say so where they are
//! declared.

use super::ServeArgs;
use crate::failure::Failure;
use std::net::SocketAddr;

/// Refuses what contradicts itself, before anything is touched: whoever starts a second gateway by mistake has changed nothing.
pub(super) fn check(arguments: &ServeArgs) -> Result<(), Failure> {
    let metrics = &arguments.metrics;
    let listeners = [
        ("--http", Some(arguments.http)),
        ("--admin-listen", arguments.admin_listen),
        ("--metrics-listen", metrics.listen),
    ];
    if let Some((one, other)) = same_address(listeners) {
        return Err(Failure::usage(format_args!("{one} and {other} name the same address")));
    }
    if metrics.listen.is_some() && !metrics.is_on() {
        return Err(Failure::usage("there is nothing for --metrics-listen to show with --metrics off"));
    }
    let has_pocketbase = arguments.pocketbase.is_some()
        || arguments.pocketbase_db.is_some()
        || arguments.pocketbase_upstream.is_some();
    if arguments.trust_remote_superusers && !has_pocketbase {
        return Err(Failure::usage(
            "--trust-remote-superusers needs --pocketbase, --pocketbase-db or --pocketbase-upstream to say whose",
        ));
    }
    Ok(())
}

/// The first two listeners that are in each other's way.
fn same_address<const N: usize>(
    listeners: [(&'static str, Option<SocketAddr>); N],
) -> Option<(&'static str, &'static str)> {
    let given: Vec<_> = listeners.into_iter().filter_map(|(flag, address)| Some((flag, address?))).collect();
    let pairs =
        given.iter().enumerate().flat_map(|(i, one)| given.iter().skip(i + 1).map(move |it| (one, it)));
    pairs.into_iter().find(|(one, other)| collide(one.1, other.1)).map(|(one, other)| (one.0, other.0))
}

/// Whether one of two sockets could not listen beside the other. Port 0 is another one each time; a wildcard takes its port at
/// every address of its family, and that of IPv6 takes it for IPv4 as well.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let covers = |wildcard: SocketAddr, address: SocketAddr| {
        wildcard.ip().is_unspecified() && (wildcard.is_ipv6() || address.is_ipv4())
    };
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || covers(one, other) || covers(other, one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, other: &str, expected: bool) {
        let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
        assert_eq!((collide(one, other), collide(other, one)), (expected, expected), "{one} {other}");
    }

    #[test]
    fn a_port_is_taken_once_at_an_address() {
        check("127.0.0.1:80", "127.0.0.1:80", true);
        check("127.0.0.1:80", "127.0.0.2:80", false);
        check("127.0.0.1:80", "127.0.0.1:81", false);
        check("127.0.0.1:0", "127.0.0.1:0", false);
        check("0.0.0.0:80", "127.0.0.1:80", true);
        check("[::]:80", "127.0.0.1:80", true);
        check("[::]:80", "[::1]:80", true);
        check("0.0.0.0:80", "[::1]:80", false);
        check("0.0.0.0:80", "[::]:80", true);
        check("0.0.0.0:80", "127.0.0.1:81", false);
    }
}
