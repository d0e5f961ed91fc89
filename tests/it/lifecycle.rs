//! How the process starts, how it says no, and how it ends.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use gate_testkit::{
    BodyEnd, Gateway, PATIENCE, Pocketgate, ProcessOutput, Proxy, RawClient, Signal, SseStream, SseUpstream,
    eventually,
};

use tokio::net::TcpListener;
use tokio::process::Command;

use crate::setup::in_front_of_echo;

async fn serve(directory: &Path, further: &[&str]) -> ProcessOutput {
    let path = directory.to_str().unwrap();
    Pocketgate::run(["serve", "--http", "127.0.0.1:0", "--dir", path].iter().chain(further)).await
}

/// One sentence as the last of standard error, nothing on standard output, that exit code.
#[track_caller]
fn assert_says_no(output: &ProcessOutput, code: i32, words: &[&str]) {
    assert_eq!((output.code, output.stdout.as_str()), (Some(code), ""), "{output:#?}");
    let sentences: Vec<_> = output.stderr.lines().filter(|line| line.starts_with("pocketgate: ")).collect();
    assert!(sentences.len() == 1 && output.stderr.trim_end().ends_with(sentences[0]), "{output:#?}");
    for word in words {
        assert!(sentences[0].contains(word), "{word} is not in {:?}", sentences[0]);
    }
    assert!(!output.stderr.contains("panicked"), "{output:#?}");
}

#[tokio::test]
async fn bad_usage_is_one_sentence_and_exit_2() {
    let directory = tempfile::tempdir().unwrap();
    for further in [
        ["--no-such-flag", "x"],
        ["--workers", "0"],
        ["--workers", "many"],
        ["--log-format", "xml"],
        ["--drain-timeout", "soon"],
        ["--trusted-proxy", "everybody"],
    ] {
        assert_says_no(&serve(directory.path(), &further).await, 2, &[further[0]]);
    }
    assert_says_no(&Pocketgate::run(["serve", "--http", "nonsense"]).await, 2, &["--http"]);
    assert_says_no(&Pocketgate::run(["no-such-command"]).await, 2, &["no-such-command"]);
}

#[tokio::test]
async fn a_port_that_is_taken_is_one_sentence_and_exit_1() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let directory = tempfile::tempdir().unwrap();
    let address = gateway.address.to_string();
    let path = directory.path().to_str().unwrap();
    let output = Pocketgate::run(["serve", "--http", &address, "--dir", path]).await;
    assert_says_no(&output, 1, &[&address]);
    assert_eq!(gateway.get("/-/up").await.status(), 200, "the first one is not disturbed");
}

#[tokio::test]
async fn a_directory_that_is_a_file_is_one_sentence_and_exit_1() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("taken");
    fs::write(&file, "precious").unwrap();
    assert_says_no(&serve(&file, &[]).await, 1, &["taken"]);
    assert_says_no(&serve(&file.join("below"), &[]).await, 1, &["taken"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_one_sentence_and_exit_1() {
    // Permissions do not bind root, a file system without room for anything does.
    assert_says_no(&serve(Path::new("/proc/pocketgate"), &[]).await, 1, &["/proc/pocketgate"]);
}

#[tokio::test]
async fn a_corrupt_database_is_one_sentence_and_exit_1_and_stays_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    drop(Gateway::builder().directory(directory.path()).start().await);
    let database = directory.path().join("data.db");
    for name in ["data.db-wal", "data.db-shm"] {
        let _may_be_gone: std::io::Result<()> = fs::remove_file(directory.path().join(name));
    }
    let corrupt = b"this is no database at all, however long one looks at it".repeat(200);
    fs::write(&database, &corrupt).unwrap();
    assert_says_no(&serve(directory.path(), &[]).await, 1, &["data.db"]);
    let output = Pocketgate::run(["proxies", "list", "--dir", directory.path().to_str().unwrap()]).await;
    assert_says_no(&output, 1, &["data.db"]);
    assert_eq!(fs::read(&database).unwrap(), corrupt, "nothing is damaged further");
}

#[tokio::test]
async fn standard_output_is_one_line() {
    let (mut gateway, _upstream) = in_front_of_echo().await;
    gateway.get("/-/up").await;
    gateway.get("/-/none").await;
    gateway.signal(Signal::Terminate);
    assert_eq!(gateway.exit_code().await, Some(0));
    assert_eq!(gateway.further_stdout(), Vec::<String>::new());
}

#[tokio::test]
async fn every_line_of_the_json_log_is_json() {
    let (mut gateway, upstream) = in_front_of_echo().await;
    drop(upstream);
    gateway.get("/-/up").await;
    gateway.signal(Signal::Terminate);
    gateway.exit_code().await;
    for line in gateway.log() {
        let json: serde_json::Value =
            serde_json::from_str(&line.text).unwrap_or_else(|_| panic!("{}", line.text));
        assert!(json.is_object(), "{json}");
    }
    assert!(!gateway.log().is_empty());
}

#[tokio::test]
async fn the_text_log_names_reason_and_request() {
    let gateway = Gateway::builder().log_as_text().start().await;
    let response = gateway.get("/-/none").await;
    let id = response.header("x-request-id").unwrap();
    let line = gateway.logged(|line| line.text.contains(id)).await;
    assert!(line.text.contains("not_found") && !line.text.contains('\u{1b}'), "{}", line.text);
}

#[tokio::test]
async fn the_link_for_the_first_superuser_leads_somewhere_whatever_it_listens_on() {
    for (listen, host) in [("0.0.0.0:0", "127.0.0.1"), ("[::]:0", "[::1]"), ("127.0.0.1:0", "127.0.0.1")] {
        let gateway = Gateway::builder().listen(listen).start().await;
        let link = gateway.logged(|line| line.field("link").contains("/setup/")).await.field("link");
        let expected = format!("http://{host}:{}/_/#/setup/", gateway.address.port());
        assert!(link.starts_with(&expected), "{link}");
    }
}

#[tokio::test]
async fn it_listens_on_ipv6() {
    let upstream = gate_testkit::Upstream::start(gate_testkit::Echo).await;
    let proxy = Proxy::new("/-/up", &upstream.url());
    let gateway = Gateway::builder().proxy(proxy).listen("[::1]:0").start().await;
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    assert_eq!(upstream.ledger.only_request().head.headers.values("x-forwarded-for"), ["::1"]);
}

#[tokio::test]
async fn both_signals_end_an_idle_gateway_with_0() {
    for signal in [Signal::Terminate, Signal::Interrupt] {
        let (mut gateway, _upstream) = in_front_of_echo().await;
        let mut idle = gateway.connect().await;
        idle.get("/-/up").await;
        let started = Instant::now();
        gateway.signal(signal);
        assert_eq!(gateway.exit_code().await, Some(0));
        assert!(started.elapsed() < Duration::from_secs(5), "an idle connection is not waited for");
        idle.expect_closed().await;
    }
}

/// Somebody is there and says nothing, as a database does whose machine hangs.
#[tokio::test]
async fn both_signals_end_a_start_that_waits_for_its_database() {
    for signal in ["TERM", "INT"] {
        let database = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://gate@{}/gate", database.local_addr().unwrap());
        let directory = tempfile::tempdir().unwrap();
        let mut command = Pocketgate::command();
        command.args(["serve", "--http", "127.0.0.1:0", "--db-url", &url, "--dir"]).arg(directory.path());
        let starting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _connection = gate_testkit::within(PATIENCE, database.accept()).await.unwrap();
        let pid = starting.id().unwrap().to_string();
        Command::new("kill").args(["-s", signal, &pid]).status().await.unwrap();
        let output = gate_testkit::within(PATIENCE, starting.wait_with_output()).await.unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b""[..]), "{log}");
        assert!(!log.contains("the database is away"), "it waited: {log}");
    }
}

/// A gateway with one open event stream through it.
async fn with_stream(arguments: &[&str]) -> (Gateway, SseUpstream, RawClient, SseStream) {
    let mut upstream = SseUpstream::start().await;
    let proxy = Proxy::new("/-/up", &upstream.url());
    let gateway = Gateway::builder().proxy(proxy).arguments(arguments).start().await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let stream = upstream.open_stream().await;
    client.read_head().await.unwrap();
    (gateway, upstream, client, stream)
}

#[tokio::test]
async fn a_drain_lets_what_runs_finish_and_takes_nothing_new() {
    let (mut gateway, _upstream, mut client, mut stream) = with_stream(&[]).await;
    gateway.signal(Signal::Terminate);
    let address = gateway.address;
    // New connections are refused, or closed without an answer while the listener goes away.
    gate_testkit::within(PATIENCE, async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    for _ in 0..3 {
        stream.send_event("still here").await.unwrap();
        assert!(client.read_part().await.unwrap().is_some());
    }
    assert!(!gateway.has_ended());
    stream.end().await.unwrap();
    assert_eq!(client.read_body().await.unwrap().1, BodyEnd::Complete);
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_drain_ends_at_its_timeout() {
    let (mut gateway, _upstream, mut client, _stream) = with_stream(&["--drain-timeout", "1"]).await;
    let started = Instant::now();
    gateway.signal(Signal::Terminate);
    assert_eq!(gateway.exit_code().await, Some(0));
    assert!(
        (Duration::from_millis(800)..Duration::from_secs(4)).contains(&started.elapsed()),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(client.read_body().await.unwrap().1, BodyEnd::Truncated);
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let (mut gateway, _upstream, mut client, mut stream) = with_stream(&[]).await;
    gateway.signal(Signal::Terminate);
    stream.send_event("draining").await.unwrap();
    assert!(client.read_part().await.unwrap().is_some());
    let started = Instant::now();
    // Two signals that are pending at the same time are one: the first must have been taken.
    while !gateway.has_ended() {
        gateway.signal(Signal::Interrupt);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(started.elapsed() < Duration::from_secs(5), "still draining");
    }
    assert_eq!(client.read_body().await.unwrap().1, BodyEnd::Truncated);
}

#[tokio::test]
async fn killed_it_starts_again_on_the_same_directory() {
    let directory = tempfile::tempdir().unwrap();
    let upstream = gate_testkit::Upstream::start(gate_testkit::Echo).await;
    for number in 0..5 {
        let proxy = Proxy::new(&format!("/-/p{number}"), &upstream.url());
        let mut gateway = Gateway::builder().directory(directory.path()).proxy(proxy).start().await;
        for earlier in 0..=number {
            assert_eq!(gateway.get(&format!("/-/p{earlier}")).await.status(), 200);
        }
        gateway.signal(Signal::Kill);
        assert_eq!(gateway.exit_code().await, None);
    }
}

#[tokio::test]
async fn two_gateways_may_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let upstream = gate_testkit::Upstream::start(gate_testkit::Echo).await;
    let one = Gateway::builder().directory(directory.path()).start().await;
    let two = Gateway::builder().directory(directory.path()).start().await;
    one.add(&Proxy::new("/-/x", &upstream.url())).await;
    for gateway in [&one, &two] {
        gate_testkit::within(PATIENCE, async { while gateway.get("/-/x").await.status() != 200 {} }).await;
    }
}

#[tokio::test]
async fn frozen_and_thawed_it_goes_on() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    client.get("/-/up").await;
    gateway.signal(Signal::Stop);
    eventually(PATIENCE, || gateway.is_stopped()).await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    assert!(client.is_silent_for(Duration::from_millis(300)).await);
    gateway.signal(Signal::Continue);
    assert_eq!(client.read_response().await.unwrap().status(), 200);
    eventually(PATIENCE, || upstream.ledger.complete_count() == 2).await;
}
