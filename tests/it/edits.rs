//! Edits while requests run: none fails, and each is answered from one generation alone (H35).

use std::time::{Duration, Instant};

use gate_testkit::{BodyEnd, Echo, Gateway, Proxy, RawClient, Upstream};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::task::JoinSet;

const CLIENTS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h35_no_edit_fails_a_request_or_mixes_two_generations() {
    edited_for(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "ten thousand edits in two million requests; part of `make check`"]
async fn h35_ten_thousand_edits_fail_no_request_and_mix_no_two_generations() {
    edited_for(Duration::from_secs(240)).await;
}

/// Every edit moves the base path of the upstream, a header, a limit and a timeout on together.
async fn edited_for(duration: Duration) {
    let upstream = Upstream::start(Echo).await;
    let proxy = Proxy::new("/-/up", &format!("{}/0", upstream.url())).header("X-Generation: 0");
    let gateway = Gateway::start([proxy]).await;
    let ends = Instant::now() + duration;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let address = gateway.address;
        clients.spawn(async move {
            let mut client = RawClient::connect(address).await;
            let (mut requests, mut newest) = (0_u64, 0);
            while Instant::now() < ends {
                newest = one_generation(&mut client).await.max(newest);
                requests += 1;
            }
            (requests, newest)
        });
    }
    let edits = edit_until(&gateway, &upstream.url(), ends).await;
    let counts = clients.join_all().await;
    let newest = counts.iter().map(|count| count.1).max().unwrap();
    let requests: u64 = counts.iter().map(|count| count.0).sum();
    assert!(requests > edits, "{requests} requests during {edits} edits");
    assert!(edits > 50 && newest > edits / 2, "{edits} edits, the newest seen was {newest}");
}

/// One request; the generation it was answered from.
async fn one_generation(client: &mut RawClient) -> u64 {
    let response = client.get("/-/up").await;
    assert_eq!((response.status(), response.end), (200, BodyEnd::Complete), "{}", response.text());
    let echoed = response.json();
    let target = echoed["target"].as_str().unwrap().trim_start_matches('/').to_owned();
    let headers = echoed["headers"].as_array().unwrap();
    let header =
        headers.iter().find(|header| header[0].as_str().unwrap().eq_ignore_ascii_case("x-generation"));
    assert_eq!(header.unwrap()[1].as_str().unwrap(), target, "a mixture of two generations: {echoed}");
    target.parse().unwrap()
}

async fn edit_until(gateway: &Gateway, upstream: &str, ends: Instant) -> u64 {
    let options = SqliteConnectOptions::new().filename(gateway.directory().join("data.db"));
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let mut generation = 0;
    while Instant::now() < ends {
        generation += 1;
        sqlx::query("UPDATE _proxies SET upstream = ?, headers = ?, maxConcurrent = ?, timeout = ?")
            .bind(format!("{upstream}/{generation}"))
            .bind(format!("{{\"X-Generation\":\"{generation}\"}}"))
            .bind(i64::try_from(generation % 3 * 100).unwrap())
            .bind(f64::from(u32::try_from(generation % 50 + 10).unwrap()))
            .execute(&mut connection)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    connection.close().await.unwrap();
    generation
}
