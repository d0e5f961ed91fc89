//! Edits while requests run: none fails, and each is answered from one generation alone (H35).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gate_testkit::{BodyEnd, Echo, Gateway, Proxy, RawClient, Upstream};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::task::JoinSet;

const CLIENTS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h35_no_edit_fails_a_request_or_mixes_two_generations() {
    edited(100, 1_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: make check"]
async fn h35_ten_thousand_edits_fail_no_request_and_mix_no_two_generations() {
    edited(10_000, 2_000_000).await;
}

/// Every edit moves the base path of the upstream, a header, a limit and a timeout on together. Goes on until there were
/// as many edits and as many requests at least.
async fn edited(edits: u64, requests: u64) {
    let upstream = Upstream::start(Echo).await;
    let proxy = Proxy::new("/-/up", &format!("{}/0", upstream.url())).header("X-Generation: 0");
    let gateway = Gateway::start([proxy]).await;
    let (served, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (address, served, is_over) = (gateway.address, Arc::clone(&served), Arc::clone(&is_over));
        clients.spawn(async move {
            let mut client = RawClient::connect(address).await;
            let mut newest = 0;
            while !is_over.load(Ordering::Relaxed) {
                newest = one_generation(&mut client).await.max(newest);
                served.fetch_add(1, Ordering::Relaxed);
            }
            newest
        });
    }
    let mut editor = Editor::of(&gateway, &upstream.url()).await;
    while editor.generation < edits || served.load(Ordering::Relaxed) < requests {
        editor.edit().await;
        assert!(clients.try_join_next().is_none(), "a client has given up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    let newest = clients.join_all().await.into_iter().max().unwrap();
    let edits = editor.generation;
    assert!(newest > edits / 2, "{edits} edits, the newest seen was {newest}");
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

/// Moves everything on to the next generation, in the database itself.
struct Editor {
    connection: SqliteConnection,
    upstream: String,
    generation: u64,
}

impl Editor {
    async fn of(gateway: &Gateway, upstream: &str) -> Self {
        let options = SqliteConnectOptions::new().filename(gateway.directory().join("data.db"));
        let connection = SqliteConnection::connect_with(&options).await.unwrap();
        Self { connection, upstream: upstream.to_owned(), generation: 0 }
    }

    async fn edit(&mut self) {
        self.generation += 1;
        let generation = self.generation;
        sqlx::query("UPDATE _proxies SET upstream = ?, headers = ?, maxConcurrent = ?, timeout = ?")
            .bind(format!("{}/{generation}", self.upstream))
            .bind(format!("{{\"X-Generation\":\"{generation}\"}}"))
            .bind(i64::try_from(generation % 3 * 100).unwrap())
            .bind(f64::from(u32::try_from(generation % 50 + 10).unwrap()))
            .execute(&mut self.connection)
            .await
            .unwrap();
    }
}
