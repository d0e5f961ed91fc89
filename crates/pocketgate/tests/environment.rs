//! Environment variables stand for flags. In a process of its own each time: the environment belongs to the whole process.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops with a panic that says why")]

use std::process::Command;

/// What `pocketgate serve` says to a bad value in that variable, with those flags beside it. It never gets as far as serving.
fn refusal(variable: &str, flags: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pocketgate"))
        .env_clear()
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
