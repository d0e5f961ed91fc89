//! An address where a connection attempt gets no answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// On loopback a listener with room completes a handshake at once: no answer in this time means full.
const FULL_AFTER: Duration = Duration::from_millis(200);

/// A listener that accepts nothing and whose backlog is full, so that the kernel drops every
/// further SYN: a dial hangs until its timeout.
pub struct Blackhole {
    listener: Socket,
    filling: Vec<Socket>,
}

impl Blackhole {
    /// Listens on IPv4 loopback and fills the backlog.
    pub fn start() -> Self {
        let listener = socket();
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("loopback has a free port");
        listener.listen(0).expect("a bound socket can listen");
        let address = listener.local_addr().expect("a bound socket has an address");
        let mut filling = Vec::new();
        loop {
            let client = socket();
            let connected = client.connect_timeout(&address, FULL_AFTER);
            filling.push(client);
            if connected.is_err() {
                return Self { listener, filling };
            }
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        let address = self.listener.local_addr().expect("a bound socket has an address");
        address.as_socket().expect("an IPv4 address")
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// From now on it has room for a connection: a dial that hangs gets through when its kernel repeats the SYN, which on
    /// Linux is a second after the first one.
    pub fn make_room(&mut self) {
        self.filling.clear();
        self.listener.set_nonblocking(true).expect("a socket can be made not to wait");
        while self.listener.accept().is_ok() {}
    }
}

fn socket() -> Socket {
    Socket::new(Domain::IPV4, Type::STREAM, None).expect("the test has descriptors left")
}
