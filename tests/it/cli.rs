//! The command line: `version`, `completions`, help, and `proxies` on a data directory.

use std::path::Path;

use gate_testkit::{Pocketgate, ProcessOutput};

pub(crate) const UPSTREAM: &str = "http://127.0.0.1:9";

/// Runs `pocketgate proxies …` on that directory.
pub(crate) async fn proxies(directory: &Path, arguments: &[&str]) -> ProcessOutput {
    let directory = ["--dir", directory.to_str().unwrap()];
    Pocketgate::run(["proxies"].iter().chain(arguments).chain(&directory)).await
}

/// Adds a proxy with that path.
pub(crate) async fn add(directory: &Path, path: &str, further: &[&str]) -> ProcessOutput {
    // With `=`, because a path to be refused may look like a flag.
    let path = format!("--path={path}");
    let arguments = [&["add", &path, "--upstream", UPSTREAM], further].concat();
    proxies(directory, &arguments).await
}

/// Exit code 1 or 2, nothing on standard output, an explanation that holds those words.
#[track_caller]
pub(crate) fn assert_refuses(output: &ProcessOutput, words: &[&str]) {
    assert!(matches!(output.code, Some(1 | 2)) && output.stdout.is_empty(), "{output:#?}");
    assert!(output.stderr.starts_with("pocketgate: ") && !output.stderr.contains("panicked"), "{output:#?}");
    for word in words {
        assert!(output.stderr.contains(word), "{word} is not in {:?}", output.stderr);
    }
}

#[tokio::test]
async fn version_and_help_are_for_people() {
    let version = Pocketgate::run(["version"]).await.succeeded();
    assert!(version.contains("pocketgate") && version.contains(char::is_numeric), "{version}");
    assert_eq!(
        Pocketgate::run(["--version"]).await.succeeded().split_whitespace().next(),
        Some("pocketgate")
    );
    let help = Pocketgate::run(["--help"]).await.succeeded();
    for word in ["serve", "proxies", "version", "completions"] {
        assert!(help.contains(word), "{help}");
    }
    let serve = Pocketgate::run(["serve", "--help"]).await.succeeded();
    for flag in [
        "--http",
        "--dir",
        "--workers",
        "--env-allow",
        "--log-format",
        "--dev-proxy",
        "--drain-timeout",
        "POCKETGATE_HTTP",
    ] {
        assert!(serve.contains(flag), "{flag} is not in {serve}");
    }
}

#[tokio::test]
async fn completions_exist_for_the_usual_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Pocketgate::run(["completions", shell]).await.succeeded();
        assert!(script.contains("drain-timeout"), "{shell}");
    }
}

#[tokio::test]
async fn a_flag_can_be_an_environment_variable() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Pocketgate::command();
    command.env("POCKETGATE_DIR", directory.path()).args([
        "proxies",
        "add",
        "--path",
        "/-/x",
        "--upstream",
        UPSTREAM,
    ]);
    Pocketgate::finish(command).await.succeeded();
    assert!(proxies(directory.path(), &["list"]).await.succeeded().contains("/-/x"));
}

#[tokio::test]
async fn r005_us1_ac1_r005_us1_ac2_what_was_added_is_listed() {
    let directory = tempfile::tempdir().unwrap();
    assert_refuses(&proxies(directory.path(), &["list"]).await, &["no database"]);
    for number in 0..45 {
        let path = format!("/-/p{number}");
        add(directory.path(), &path, &["--name", &format!("proxy {number}")]).await.succeeded();
    }
    let list = proxies(directory.path(), &["list"]).await.succeeded();
    for number in 0..45 {
        assert!(list.contains(&format!("/-/p{number}")), "{list}");
    }
    assert!(list.contains(UPSTREAM), "{list}");
}

#[tokio::test]
async fn a_path_is_added_once_and_removed_once() {
    let directory = tempfile::tempdir().unwrap();
    add(directory.path(), "/-/x", &[]).await.succeeded();
    assert_refuses(&add(directory.path(), "/-/x", &[]).await, &["/-/x"]);
    proxies(directory.path(), &["remove", "/-/x"]).await.succeeded();
    assert_refuses(&proxies(directory.path(), &["remove", "/-/x"]).await, &["/-/x"]);
    assert!(!proxies(directory.path(), &["list"]).await.succeeded().contains("/-/x"));
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    add(directory.path(), "/-/x", &["--name", "first", "--timeout", "7"]).await.succeeded();
    let before = proxies(directory.path(), &["export"]).await.succeeded();
    proxies(directory.path(), &["update", "/-/x", "--name", "second"]).await.succeeded();
    let after = proxies(directory.path(), &["export"]).await.succeeded();
    assert_eq!(after, before.replace("first", "second"));
    assert_refuses(&proxies(directory.path(), &["update", "/-/none", "--name", "x"]).await, &["/-/none"]);
}

#[tokio::test]
async fn r005_us4_ac1_r005_us4_ac2_reserved_paths_are_rejected() {
    let directory = tempfile::tempdir().unwrap();
    for path in [
        "/api",
        "/api/",
        "/api/users",
        "/_",
        "/_/admin",
        "/API/x",
        "/Api",
        "/%61pi/x",
        "/%5f/x",
        "//api",
        "/",
        "//",
        "",
        "api",
        "-/x",
        "/a?b",
        "/a#b",
        "/a b",
        "/a%2fb",
        "/./x",
        "/../x",
        "/x/../api",
        "/\u{7f}",
    ] {
        let output = add(directory.path(), path, &[]).await;
        assert_refuses(&output, &["path"]);
    }
    add(directory.path(), "/-/x", &[]).await.succeeded();
    assert_eq!(
        proxies(directory.path(), &["export"]).await.succeeded().matches(UPSTREAM).count(),
        1,
        "nothing else"
    );
}

#[tokio::test]
async fn r005_us4_ac3_other_paths_are_accepted() {
    let directory = tempfile::tempdir().unwrap();
    for path in ["/-/gpt4", "/v1/chat/completions", "/apis", "/a-b_c.d~e", "/__", "/x/api", "/-/trailing/"] {
        add(directory.path(), path, &[]).await.succeeded();
    }
}

#[tokio::test]
async fn values_out_of_their_range_are_rejected() {
    let directory = tempfile::tempdir().unwrap();
    for further in [
        ["--upstream", "ftp://a"],
        ["--upstream", "a.example"],
        ["--upstream", "http://user:secret@a"],
        ["--upstream", "http://a/?x=1"],
        ["--upstream", "http://a/#x"],
        ["--upstream", "http://"],
    ] {
        let arguments = [["add", "--path", "/-/x"].as_slice(), &further].concat();
        assert_refuses(&proxies(directory.path(), &arguments).await, &["upstream"]);
    }
    for (further, word) in [
        (["--timeout", "86401"], "timeout"),
        (["--timeout", "soon"], "timeout"),
        (["--timeout-config", "{\"dial\":0}"], "dial"),
        (["--timeout-config", "{\"dial\":61}"], "dial"),
        (["--timeout-config", "{\"idle\":0}"], "idle"),
        (["--timeout-config", "{\"response_header\":86401}"], "response_header"),
        (["--timeout-config", "{\"no_such_member\":1}"], "no_such_member"),
        (["--timeout-config", "not json"], "timeout"),
        (["--header", "no colon"], "header"),
        (["--header", "Bad Name: x"], "header"),
        (["--header", "X: a\r\nY: b"], "header"),
        (["--header", "X: {env.}"], "header"),
        (["--header", "Content-Length: 5"], "header"),
        (["--header", "Transfer-Encoding: chunked"], "header"),
        (["--header", "Connection: close"], "header"),
        (["--access-rule", "@request.auth.id !="], "rule"),
    ] {
        let output = add(directory.path(), "/-/x", &further).await;
        assert!(matches!(output.code, Some(1 | 2)), "{further:?}: {output:#?}");
        assert!(output.stderr.to_lowercase().contains(word), "{word}: {output:#?}");
    }
    add(directory.path(), "/-/x", &[]).await.succeeded();
}

#[tokio::test]
async fn many_writers_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..20 {
        let path = directory.path().to_owned();
        writers.spawn(async move { add(&path, &format!("/-/p{number}"), &[]).await.succeeded() });
    }
    writers.join_all().await;
    let list = proxies(directory.path(), &["list"]).await.succeeded();
    assert_eq!(list.matches("/-/p").count(), 20, "{list}");
}
