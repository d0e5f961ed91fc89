//! `pocketgate backup` and `pocketgate migrate-store` as a person meets them.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops with a panic that says why")]

use gate_testkit::PostgreSql;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pocketgate"));
    command.env_clear().env("POCKETGATE_DIR", directory);
    command
}

/// Exit code, standard output, standard error.
fn run(directory: &Path, line: &str) -> (i32, String, String) {
    let output = command(directory).args(line.split_whitespace()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn ok(directory: &Path, line: &str) -> String {
    let (code, stdout, stderr) = run(directory, line);
    assert_eq!((code, stderr.as_str()), (0, ""), "{line}");
    stdout
}

#[track_caller]
fn refused(directory: &Path, line: &str) -> String {
    ended(directory, line, 1)
}

/// The command line is wrong.
#[track_caller]
fn mistaken(directory: &Path, line: &str) -> String {
    ended(directory, line, 2)
}

#[track_caller]
fn ended(directory: &Path, line: &str, expected: i32) -> String {
    let (code, stdout, stderr) = run(directory, line);
    assert_eq!((code, stdout.as_str()), (expected, ""), "{line}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

fn with_proxy(path: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    ok(directory.path(), &format!("proxies add --path {path} --upstream http://127.0.0.1:1"));
    directory
}

#[test]
fn a_backup_is_made_listed_and_put_back() {
    let directory = with_proxy("/a");
    let directory = directory.path();
    let made = ok(directory, "backup create");
    let name = Path::new(made.trim_end()).file_name().unwrap().to_str().unwrap();
    assert!(ok(directory, "backup list").trim_end().ends_with(name));
    ok(directory, "proxies add --path /b --upstream http://127.0.0.1:1");

    let said = ok(directory, &format!("backup restore {name}"));
    assert!(said.starts_with("restored; the records from before are in "), "{said}");
    let proxies = ok(directory, "proxies list");
    assert!(proxies.contains("/a") && !proxies.contains("/b"), "{proxies}");
    ok(directory, &format!("backup restore {}", said.trim_end().rsplit(' ').next().unwrap()));
    assert!(ok(directory, "proxies list").contains("/b"));
}

#[test]
fn a_backup_goes_where_it_is_told_and_overwrites_nothing() {
    let directory = with_proxy("/a");
    let file = directory.path().join("copy.db");
    let line = format!("backup create --to {}", file.display());
    assert_eq!(ok(directory.path(), &line), format!("{}\n", file.display()));
    assert!(refused(directory.path(), &line).contains("exists already"));
}

#[test]
fn a_backup_is_not_restored_under_a_running_gateway() {
    let directory = with_proxy("/a");
    let made = ok(directory.path(), "backup create");
    let mut serve = command(directory.path());
    serve.args(["serve", "--http", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut gateway = serve.spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(gateway.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.starts_with("listening"), "{ready}");

    let said = refused(directory.path(), &format!("backup restore {made}"));
    assert!(said.contains("in use; stop the gateway first"), "{said}");
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    ok(directory.path(), &format!("backup restore {made}"));
}

#[test]
fn a_directory_without_records_has_nothing_to_copy() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    assert!(refused(&missing, "backup create").contains("there is no database in"));
    let line = format!("migrate-store --from {} --to {}", missing.display(), directory.path().display());
    assert!(refused(&missing, &line).contains("there is no database in"));
    assert_eq!(ok(&missing, "backup list"), "");
    assert!(!missing.exists());
}

#[test]
fn records_move_to_postgresql_and_back() {
    let (from, back) = (with_proxy("/a"), tempfile::tempdir().unwrap());
    let url = PostgreSql::shared().database();
    let there = format!("migrate-store --from {} --to {url}", from.path().display());
    let report = ok(from.path(), &there);
    assert!(report.starts_with("_proxies            1 rows  sha256 "), "{report}");
    assert!(ok(from.path(), &format!("proxies list --db-url {url}")).contains("/a"));

    let again = refused(from.path(), &there);
    assert!(again.contains("the target is not empty: _proxies has rows"), "{again}");
    let home = ok(from.path(), &format!("migrate-store --from {url} --to {}", back.path().display()));
    assert_eq!(home, report);
    assert!(ok(back.path(), "proxies list").contains("/a"));
}

#[test]
fn a_database_that_is_not_there_is_told_in_one_sentence_without_its_password() {
    let directory = tempfile::tempdir().unwrap();
    let said = refused(directory.path(), "proxies list --db-url postgres://me:canary@127.0.0.1:1/gate");
    assert!(said.contains("the database is not available") && !said.contains("canary"), "{said}");
    for url in ["mysql://me:canary@127.0.0.1/gate", "canary", "postgres://me:canary@127.0.0.1:port/gate"] {
        let said = mistaken(directory.path(), &format!("proxies list --db-url {url}"));
        assert!(said.contains("not one of PostgreSQL") && !said.contains("canary"), "{said}");
        assert!(said.contains("--db-url"), "{said}");
    }
}

#[test]
fn a_mistyped_url_is_not_taken_for_a_directory_nor_repeated() {
    let directory = with_proxy("/a");
    let elsewhere = tempfile::tempdir().unwrap();
    for line in [
        "migrate-store --from data --to postgresq://me:canary@127.0.0.1/gate",
        "migrate-store --from mysql://me:canary@127.0.0.1/gate --to data",
        "serve --http 127.0.0.1:0 --dir postgres://me:canary@127.0.0.1/gate",
        "proxies list --dir sqlite://canary",
    ] {
        let output = command(directory.path())
            .args(line.split_whitespace())
            .current_dir(elsewhere.path())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{line}: {said}");
        assert!(!said.contains("canary") && said.contains("invalid value for '--"), "{said}");
    }
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn a_scheme_in_upper_case_is_that_of_a_database_too() {
    let from = with_proxy("/a");
    let line =
        format!("migrate-store --from {} --to POSTGRES://me:canary@127.0.0.1:1/gate", from.path().display());
    let said = refused(from.path(), &line);
    assert!(said.contains("the database is not available") && !said.contains("canary"), "{said}");
}

#[test]
fn a_store_is_not_migrated_to_itself() {
    let from = with_proxy("/a");
    let path = from.path().display();
    let said = mistaken(from.path(), &format!("migrate-store --from {path} --to {path}"));
    assert!(said.contains("--from and --to name the same database"), "{said}");
}

#[test]
fn a_directory_that_cannot_be_looked_into_is_not_said_to_be_empty() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    std::fs::write(&file, "").unwrap();
    for line in ["proxies list", "superuser list", "secrets list", "backup create"] {
        assert!(refused(&file, line).contains("is not a directory"), "{line}");
    }
}
