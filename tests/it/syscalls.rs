//! What the kernel is asked for on the hot path. Needs `strace`; meant for the release binary.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;

use gate_testkit::{Echo, Gateway, PATIENCE, Proxy, Upstream, eventually, within};
use tokio::process::Command;

const REQUESTS: usize = 1000;

/// What may happen beside the requests while they are counted: a tick a second, the attaching itself.
const BESIDE: usize = 60;

const READS: [&str; 5] = ["read", "readv", "recvfrom", "recvmsg", "recv"];
const WRITES: [&str; 5] = ["write", "writev", "sendto", "sendmsg", "send"];
const CLOCKS_AND_TIMERS: [&str; 6] =
    ["clock_gettime", "gettimeofday", "time", "timerfd_settime", "timer_settime", "nanosleep"];

#[tokio::test]
#[ignore = "long: make check"]
async fn a_small_request_costs_two_reads_and_two_writes() {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::builder()
        .proxy(Proxy::new("/-/up", &upstream.url()))
        .arguments(["--workers", "1"])
        .start()
        .await;
    let mut client = gateway.connect().await;
    for _ in 0..100 {
        client.get("/-/up?bytes=100").await;
    }
    let counts = counted(&gateway, async {
        for _ in 0..REQUESTS {
            assert_eq!(client.get("/-/up?bytes=100").await.status(), 200);
        }
    })
    .await;
    let sum = |names: &[&str]| names.iter().filter_map(|name| counts.get(*name)).sum::<usize>();
    assert!(sum(&READS) >= 2 * REQUESTS, "the trace saw the requests: {counts:?}");
    assert!(sum(&READS) <= 2 * REQUESTS + BESIDE, "{counts:?}");
    assert!(sum(&WRITES) <= 2 * REQUESTS + BESIDE, "{counts:?}");
    assert!(sum(&["epoll_ctl"]) <= BESIDE, "{counts:?}");
    assert!(sum(&CLOCKS_AND_TIMERS) <= BESIDE, "{counts:?}");
    assert!(sum(&["futex", "mmap", "munmap", "madvise", "brk"]) <= BESIDE, "{counts:?}");
}

/// The thread of the one worker. The control plane's threads look after the store meanwhile, requests or not.
fn worker_of(gateway: &Gateway) -> u32 {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", gateway.pid())).unwrap();
    let mut threads = tasks.map(|task| task.unwrap().path());
    let is_worker =
        |task: &PathBuf| std::fs::read_to_string(task.join("comm")).unwrap().starts_with("worker-");
    let worker = threads.find(is_worker).expect("a thread named worker-0");
    worker.file_name().unwrap().to_str().unwrap().parse().unwrap()
}

/// Calls by name that the worker makes while `work` runs.
async fn counted(gateway: &Gateway, work: impl Future<Output = ()>) -> HashMap<String, usize> {
    let worker = worker_of(gateway);
    let directory = tempfile::tempdir().unwrap();
    let summary = directory.path().join("summary");
    let mut strace = Command::new("strace")
        .args(["-c", "-U", "name,calls", "-p", &worker.to_string(), "-o"])
        .arg(&summary)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("strace is installed");
    eventually(PATIENCE, || is_traced(worker)).await;
    work.await;
    let pid = strace.id().unwrap().to_string();
    Command::new("kill").args(["-s", "INT", &pid]).status().await.unwrap();
    within(PATIENCE, strace.wait()).await.unwrap();
    parse(&std::fs::read_to_string(summary).unwrap())
}

fn is_traced(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
}

fn parse(summary: &str) -> HashMap<String, usize> {
    let rows = summary.lines().filter_map(|line| {
        let mut cells = line.split_whitespace();
        Some((cells.next()?.to_owned(), cells.next()?.parse().ok()?))
    });
    rows.filter(|(name, _)| name != "total").collect()
}
