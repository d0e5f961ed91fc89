//! A gateway that has nothing to do lets the processor sleep.

use gate_testkit::{Echo, Gateway, Proxy, Upstream};
use std::time::Duration;
use tokio::time::sleep;

const CONNECTIONS: usize = 200;
const IDLE: Duration = Duration::from_secs(3);
/// Over all of [`IDLE`], of a process that has just been started, without optimisation: it uses 15 to 20 ms. One with optimisation
/// that looked at its database fifty times a second, and moved its clock ten times, used 50 to 67.
const SPENT_MAX: Duration = Duration::from_millis(40);

#[tokio::test]
async fn a_gateway_hardly_works_while_its_connections_are_idle() {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut idle = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let mut client = gateway.connect().await;
        assert_eq!(client.get("/-/up").await.status(), 200);
        idle.push(client);
    }
    let before = gateway.processor_time();
    sleep(IDLE).await;
    let spent = gateway.processor_time().saturating_sub(before);
    println!("{spent:?} in {IDLE:?}");
    assert!(spent < SPENT_MAX, "{spent:?} in {IDLE:?}");
    assert_eq!(idle[0].get("/-/up").await.status(), 200);
}
