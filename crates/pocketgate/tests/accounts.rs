//! `pocketgate superuser …` and `pocketgate secrets …` as a person meets them: the real program, a directory of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops with a panic that says why")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A data directory and the commands on it.
struct Installation {
    parent: TempDir,
    environment: Vec<(&'static str, String)>,
}

/// How a command ended: exit code, standard output, standard error.
type Ended = (i32, String, String);

impl Installation {
    fn new() -> Self {
        Installation { parent: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    fn directory(&self) -> PathBuf {
        self.parent.path().join("data")
    }

    fn run(&self, line: &str, input: &str) -> Ended {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pocketgate"))
            .args(line.split(' '))
            .env_clear()
            .env("POCKETGATE_DIR", self.directory())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that needs no input may have ended before it is there.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    #[track_caller]
    fn ok(&self, line: &str, input: &str) -> String {
        let (code, stdout, stderr) = self.run(line, input);
        assert_eq!((code, stderr.as_str()), (0, ""), "{line}");
        stdout
    }

    #[track_caller]
    fn refused(&self, line: &str, input: &str, words: &str) {
        let (code, stdout, stderr) = self.run(line, input);
        assert_eq!((code, stdout.as_str()), (1, ""), "{line}");
        assert!(stderr.starts_with("pocketgate: ") && stderr.contains(words), "{stderr}");
    }
}

#[test]
fn a_password_is_an_argument_or_a_line_of_standard_input() {
    let installation = Installation::new();
    assert!(installation.ok("superuser create a@example.com 1234567890", "").ends_with(" a@example.com\n"));
    installation.ok("superuser create b@example.com", "1234567890\n");
    installation.ok("superuser upsert c@example.com", "1234567890");
    installation.ok("superuser upsert c@example.com 0987654321", "");
    installation.ok("superuser update c@example.com 1234567890", "");
    let listed = installation.ok("superuser list", "");
    let addresses: Vec<_> = listed.lines().filter_map(|line| line.split("  ").last()).collect();
    assert_eq!(addresses, ["a@example.com", "b@example.com", "c@example.com"]);
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let installation = Installation::new();
    installation.refused("superuser list", "", "there is no database in ");
    installation.refused("superuser delete a@example.com", "", "there is no database in ");
    installation.refused("superuser create a@example.com", "", "no password was given");
    installation.refused(
        "superuser create a@example.com short",
        "",
        "password: Must be at least 8 character(s).",
    );
    installation.refused("superuser create nobody 1234567890", "", "email: Must be a valid email address.");
    installation.ok("superuser create a@example.com 1234567890", "");
    installation.refused("superuser create a@example.com 1234567890", "", "email: Value must be unique.");
    installation.refused(
        "superuser update b@example.com 1234567890",
        "",
        "there is no superuser b@example.com",
    );
    installation.refused(
        "superuser delete a@example.com",
        "",
        "you can't delete the only existing superuser",
    );
}

#[test]
fn a_secret_is_set_listed_and_removed_and_its_value_shown_nowhere() {
    let installation = Installation::new();
    installation.ok("secrets set OPENAI_KEY --description testing", "sk-canary-5f3a\n");
    installation.ok("secrets set OPENAI_KEY --env dev", "short\n");
    let listed = installation.ok("secrets list", "");
    assert_eq!(listed, "OPENAI_KEY  dev  ***\nOPENAI_KEY  global  sk-can***  testing\n");
    installation.ok("secrets set OPENAI_KEY", "sk-other-5f3a\n");
    installation.refused("secrets set 1KEY", "value", "key: Must consist of letters, digits and _");
    installation.refused("secrets remove NONE", "", "there is no such secret");
    installation.ok("secrets remove OPENAI_KEY --env dev", "");
    assert_eq!(installation.ok("secrets list", ""), "OPENAI_KEY  global  sk-oth***  testing\n");
}

#[test]
fn secrets_of_a_directory_that_is_not_there_make_none() {
    let installation = Installation::new();
    for line in ["secrets list", "secrets remove KEY", "secrets rotate"] {
        installation.refused(line, "", "there is no database in ");
    }
    assert!(!installation.directory().exists());
}

#[test]
fn no_master_key_is_made_beside_secrets_that_another_one_encrypted() {
    let installation = Installation::new();
    installation.ok("secrets set KEY", "a long value\n");
    let (key, kept) =
        (installation.directory().join("master.key"), installation.parent.path().join("kept.key"));
    fs::rename(&key, &kept).unwrap();
    for line in ["secrets list", "secrets rotate", "secrets remove KEY"] {
        installation.refused(
            line,
            "",
            "encrypted with a master key that is not here; copy the file master.key",
        );
    }
    installation.refused("secrets set OTHER", "value\n", "encrypted with a master key that is not here");
    assert!(!key.exists());
    fs::rename(&kept, &key).unwrap();
    assert_eq!(installation.ok("secrets list", ""), "KEY  global  a long***\n");
}

#[test]
fn a_gateway_makes_no_master_key_beside_secrets_that_another_one_encrypted() {
    let installation = Installation::new();
    installation.ok("secrets set KEY", "a long value\n");
    let key = installation.directory().join("master.key");
    fs::remove_file(&key).unwrap();
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_pocketgate"))
        .args(["serve", "--http", "127.0.0.1:0"])
        .env_clear()
        .env("POCKETGATE_DIR", installation.directory())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(gateway.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    gateway.kill().unwrap();
    let log = String::from_utf8(gateway.wait_with_output().unwrap().stderr).unwrap();
    assert!(ready.starts_with("listening"), "{ready}{log}");
    assert!(
        log.contains("no secret can be read: they are encrypted with a master key that is not here"),
        "{log}"
    );
    assert!(!key.exists());
}

#[test]
fn a_secret_of_another_master_key_is_listed_as_such() {
    let mut installation = Installation::new();
    installation.ok("secrets set KEY --description text", "a long value\n");
    fs::remove_file(installation.directory().join("master.key")).unwrap();
    installation.environment = vec![("POCKETGATE_MASTER_KEY", "ab".repeat(32))];
    installation.ok("secrets set OTHER", "a long value\n");
    let listed = installation.ok("secrets list", "");
    assert_eq!(listed, "KEY  global  (another master key)  text\nOTHER  global  a long***\n");
}

#[test]
fn the_master_key_is_changed_in_its_file() {
    let installation = Installation::new();
    installation.ok("secrets set KEY", "a long value\n");
    let file = installation.directory().join("master.key");
    let before = fs::read_to_string(&file).unwrap();
    assert_eq!(installation.ok("secrets rotate", ""), "encrypted with the new key: 1\n");
    assert_ne!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(installation.ok("secrets list", ""), "KEY  global  a long***\n");
}

#[test]
fn the_master_key_is_changed_in_the_environment() {
    let mut installation = Installation::new();
    let (old, new) = ("ab".repeat(32), "cd".repeat(32));
    installation.environment = vec![("PB_MASTER_KEY", old.clone())];
    installation.ok("secrets set KEY", "a long value\n");
    assert!(!installation.directory().join("master.key").exists());
    installation.environment = vec![("POCKETGATE_MASTER_KEY", new.clone())];
    installation.refused("secrets rotate", "", "encrypted with another master key than the gateway has");
    installation.environment =
        vec![("POCKETGATE_MASTER_KEY", new.clone()), ("POCKETGATE_MASTER_KEY_PREVIOUS", old)];
    assert_eq!(installation.ok("secrets rotate", ""), "encrypted with the new key: 1\n");
    installation.environment = vec![("POCKETGATE_MASTER_KEY", new)];
    assert_eq!(installation.ok("secrets list", ""), "KEY  global  a long***\n");
}

#[test]
fn k_a_master_key_that_is_none_is_a_clear_error_that_does_not_show_it() {
    let mut installation = Installation::new();
    installation.environment = vec![("POCKETGATE_MASTER_KEY", "hunter2".to_owned())];
    installation.refused("secrets set KEY", "value", "POCKETGATE_MASTER_KEY must be 64 hexadecimal digits");
    let (_, _, stderr) = installation.run("secrets set KEY", "value");
    assert!(!stderr.contains("hunter2"), "{stderr}");
}
