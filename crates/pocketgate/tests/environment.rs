//! Environment variables stand for flags. In a process of its own each time: the environment belongs to the whole process.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops with a panic that says why")]

use std::process::Command;

/// A directory that cannot be made.
const NOWHERE: &str = "/dev/null/none";

/// What `pocketgate serve` says to a bad value in that variable, with those flags beside it. It never gets as far as serving.
fn refusal(variable: &str, flags: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pocketgate"))
        .env_clear()
        // Should it take the value, it ends all the same.
        .env("POCKETGATE_DIR", NOWHERE)
        .env(variable, "?")
        .arg("serve")
        .args(flags)
        .output()
        .expect("the binary runs");
    let sentence = String::from_utf8(output.stderr).expect("text");
    assert_eq!((output.status.code(), sentence.lines().count()), (Some(2), 1), "{variable}: {sentence}");
    assert!(output.stdout.is_empty() && sentence.starts_with("pocketgate: "), "{sentence}");
    sentence
}

#[test]
fn a_bad_value_is_blamed_on_its_variable() {
    for name in
        ["HTTP", "WORKERS", "DRAIN_TIMEOUT", "LOG_FORMAT", "DEV_PROXY", "TRUSTED_PROXY", "UPSTREAM_PROXY_ENV"]
    {
        let variable = format!("POCKETGATE_{name}");
        let sentence = refusal(&variable, &[]);
        assert!(sentence.contains(&format!("(set by {variable})")), "{sentence}");
    }
}

#[test]
fn a_level_of_the_log_that_is_none_is_refused_rather_than_logging_nothing() {
    let sentence = refusal("POCKETGATE_LOG", &["--http", "127.0.0.1:0"]);
    assert!(sentence.contains("POCKETGATE_LOG has \"?\", where off, error, warn, info"), "{sentence}");
}

#[test]
fn a_flag_wins_over_its_variable() {
    let sentence = refusal("POCKETGATE_WORKERS", &["--workers", "2", "--http", "nowhere"]);
    assert!(sentence.contains("'nowhere' for '--http"), "{sentence}");
    let sentence = refusal("POCKETGATE_WORKERS", &["--workers=many"]);
    assert!(sentence.contains("'many'") && !sentence.contains("set by"), "{sentence}");
}

#[test]
fn a_switch_on_the_line_wins_over_its_variable_whichever_way_it_is_thrown() {
    for (variable, flag) in [("SECRETS_REVEAL", "--secrets-reveal"), ("METRICS_PUBLIC", "--metrics-public")] {
        let variable = format!("POCKETGATE_{variable}");
        for flag in [format!("{flag}=false"), format!("{flag}=true"), flag.to_owned()] {
            let sentence = refusal(&variable, &[&flag, "--http", "nowhere"]);
            assert!(sentence.contains("'nowhere' for '--http"), "{sentence}");
        }
    }
}

#[test]
fn flags_that_contradict_each_other_are_a_mistake() {
    let check = |flags: &str, words: &str| {
        let flags: Vec<_> = flags.split(' ').collect();
        let output = Command::new(env!("CARGO_BIN_EXE_pocketgate"))
            .env_clear()
            .env("POCKETGATE_DIR", NOWHERE)
            .arg("serve")
            .args(flags)
            .output()
            .expect("the binary runs");
        let sentence = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), sentence.lines().count()), (Some(2), 1), "{sentence}");
        assert!(sentence.contains(words), "{sentence}");
    };
    let same = |one: &str, other: &str| format!("{one} and {other} name the same address");
    check("--http 127.0.0.1:9 --admin-listen 127.0.0.1:9", &same("--http", "--admin-listen"));
    check("--http 127.0.0.1:9 --metrics-listen 127.0.0.1:9", &same("--http", "--metrics-listen"));
    check("--http 0.0.0.0:9 --admin-listen 127.0.0.1:9", &same("--http", "--admin-listen"));
    check(
        "--http 127.0.0.1:0 --admin-listen [::1]:9 --metrics-listen [::]:9",
        &same("--admin-listen", "--metrics-listen"),
    );
    check("--metrics off --metrics-listen 127.0.0.1:0", "nothing for --metrics-listen to show");
    check("--trust-remote-superusers", "--trust-remote-superusers needs --pocketbase");
}
