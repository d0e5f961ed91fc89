//! `pocketgate proxies …` as a person meets it: the real program, a directory of its own, what it prints and how it ends.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops with a panic that says why"
)]

use gate_store::Store;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A data directory and the commands on it.
struct Installation {
    parent: TempDir,
}

/// How a command ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Installation {
    fn new() -> Self {
        Installation { parent: tempfile::tempdir().unwrap() }
    }

    fn directory(&self) -> PathBuf {
        self.parent.path().join("data")
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.parent.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with_input(arguments, "")
    }

    fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        finish(&mut self.command(arguments), input)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pocketgate"));
        command.arg("proxies").args(arguments).env_clear();
        command.env("POCKETGATE_DIR", self.directory()).env("SET", "value");
        command
    }

    /// Runs a command that must succeed; returns what it printed.
    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!((ended.code, &*ended.stderr), (0, ""), "{arguments:?}");
        ended.stdout
    }

    /// Runs a command that must fail without printing anything else; returns its complaint.
    #[track_caller]
    fn failure(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!((ended.code, &*ended.stdout), (1, ""), "{arguments:?}");
        ended.stderr.strip_prefix("pocketgate: ").expect("a complaint").trim_end().to_owned()
    }

    #[track_caller]
    fn add(&self, path: &str, more: &[&str]) {
        let arguments = ["add", "--path", path, "--upstream", "http://127.0.0.1:8001"];
        self.ok(&[&arguments[..], more].concat());
    }

    fn listed(&self) -> Vec<Value> {
        serde_json::from_str(&self.ok(&["list", "--json"])).unwrap()
    }

    fn paths(&self) -> Vec<String> {
        self.listed().iter().map(|proxy| proxy["path"].as_str().unwrap().to_owned()).collect()
    }

    fn exported(&self) -> String {
        self.ok(&["export"])
    }
}

fn finish(command: &mut Command, input: &str) -> Ended {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ended::of(child.wait_with_output().unwrap())
}

impl Ended {
    fn of(output: Output) -> Self {
        Ended {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

#[test]
fn a_new_proxy_is_told_by_its_id_and_path_and_listed() {
    let installation = Installation::new();
    let told = installation.ok(&["add", "--path", "//-/ai/", "--upstream", "http://127.0.0.1:8001"]);
    let (id, path) = told.trim_end().split_once(' ').unwrap();
    assert_eq!((id.len(), path), (15, "/-/ai"));
    let table = installation.ok(&["list"]);
    let cells: Vec<_> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(cells, ["/-/ai", "http://127.0.0.1:8001", "superusers", "yes", id]);
}

#[test]
fn every_flag_gets_into_the_record() {
    let installation = Installation::new();
    installation.add(
        "/-/ai",
        &[
            "--name",
            "AI",
            "--description",
            "text",
            "--access-rule",
            "true",
            "--header",
            "A: {env.SET}",
            "--header",
            "B:{env.SET}:x",
            "--strip-path",
            "false",
            "--timeout",
            "1.5",
            "--timeout-config",
            r#"{"responseHeader":0}"#,
            "--circuit-breaker",
            r#"{"enabled":true}"#,
            "--queue-config",
            r#"{"maxWaiting":5}"#,
            "--limits",
            r#"{"perIp":2}"#,
            "--rate-limit",
            r#"{"requests":60}"#,
            "--retry-config",
            r#"{"attempts":1,"on":[503,"connect"]}"#,
            "--max-concurrent",
            "10",
            "--active",
            "false",
            "--forward-auth",
            "--forward-encoding",
            "--forward-preflight",
            "true",
        ],
    );
    let mut listed = installation.listed().remove(0);
    let kept = listed.as_object_mut().unwrap();
    kept.retain(|field, _| !["id", "created", "updated"].contains(&field.as_str()));
    let expected = json!({
        "path": "/-/ai", "upstream": "http://127.0.0.1:8001", "name": "AI", "description": "text", "accessRule": "true",
        "headers": {"A": "{env.SET}", "B": "{env.SET}***"}, "stripPath": false, "timeout": 1.5,
        "timeoutConfig": {"response_header": 0}, "circuitBreaker": {"enabled": true}, "maxConcurrent": 10,
        "queueConfig": {"max_waiting": 5}, "limits": {"per_ip": 2}, "rateLimit": {"requests": 60},
        "retryConfig": {"attempts": 1, "on": ["connect", "503"]},
        "active": false, "forwardAuth": true, "forwardEncoding": true, "forwardPreflight": true,
    });
    assert_eq!(listed, expected);
}

#[test]
fn r005_us4_ac1_fields_that_are_wrong_are_told_one_a_line() {
    let installation = Installation::new();
    let told =
        installation.failure(&["add", "--path", "/API/x", "--upstream", "ftp://x", "--header", "Host: x"]);
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(
        lines,
        [
            "the proxy /API/x cannot be stored:",
            "  headers: Host: Is set by the gateway itself.",
            "  path: /api, /_ and /_gateway belong to the gateway itself; take another path, such as /-/APIx.",
            "  upstream: Must be a valid url: it must start with http:// or https://.",
        ]
    );
    assert!(!installation.directory().exists(), "nothing was made");
}

#[test]
fn a_path_is_taken_once() {
    let installation = Installation::new();
    installation.add("/-/ai", &[]);
    let told = installation.failure(&["add", "--path", "/-/ai/", "--upstream", "http://x"]);
    assert!(told.starts_with("there is a proxy with the path /-/ai already"), "{told}");
}

#[test]
fn an_update_changes_what_is_mentioned() {
    let installation = Installation::new();
    installation.add("/-/ai", &["--name", "AI", "--header", "A: {env.SET}", "--header", "B: {env.SET}"]);
    let before = installation.listed().remove(0);
    installation.ok(&[
        "update",
        "/-/ai/",
        "--timeout",
        "60",
        "--header",
        "a: x{env.SET}",
        "--remove-header",
        "b",
    ]);
    let mut after = installation.listed().remove(0);
    assert_eq!(after["timeout"], 60);
    assert_eq!(after["headers"], json!({"a": "***{env.SET}"}));
    assert!(after["updated"].as_str() > before["updated"].as_str());
    for field in ["timeout", "headers", "updated"] {
        after[field] = before[field].clone();
    }
    assert_eq!(after, before);

    let id = before["id"].as_str().unwrap();
    installation.ok(&["update", id, "--path", "/moved", "--active", "false"]);
    assert_eq!(installation.paths(), ["/moved"]);
}

#[test]
fn proxies_are_removed_together_or_not_at_all() {
    let installation = Installation::new();
    for path in ["/a", "/b", "/c"] {
        installation.add(path, &[]);
    }
    let told = installation.failure(&["remove", "/a", "/nowhere"]);
    assert_eq!(told, "there is no proxy with the path or id /nowhere");
    assert_eq!(installation.paths(), ["/a", "/b", "/c"]);
    let id = installation.listed()[1]["id"].as_str().unwrap().to_owned();
    assert_eq!(installation.ok(&["remove", "/a/", &id, "/b"]).lines().count(), 2);
    assert_eq!(installation.paths(), ["/c"]);
}

#[test]
fn what_was_exported_can_be_imported_any_number_of_times() {
    let old = Installation::new();
    old.add(
        "/b",
        &["--access-rule", "true", "--header", "Authorization: Bearer {env.SET}", "--header", "X: 1"],
    );
    old.add("/a", &["--timeout-config", r#"{"dial":3}"#, "--description", "a: b # c\n- d"]);
    for format in ["yaml", "json"] {
        let document = old.ok(&["export", "--format", format]);
        let new = Installation::new();
        let first = new.run_with_input(&["import", "-"], &document);
        assert_eq!((first.code, &*first.stderr), (0, ""));
        assert!(first.stdout.ends_with("2 added, 0 changed, 0 unchanged, 0 removed\n"), "{}", first.stdout);
        assert_eq!(new.ok(&["export", "--format", format]), document);

        let before = new.listed();
        let second = new.run_with_input(&["import", "-"], &document);
        assert_eq!(
            second.stdout,
            "= /a (unchanged)\n= /b (unchanged)\n0 added, 0 changed, 2 unchanged, 0 removed\n"
        );
        assert_eq!(new.listed(), before, "not even the dates");
    }
}

#[test]
fn an_export_goes_to_a_file_in_the_form_of_its_name() {
    let installation = Installation::new();
    installation.add("/a", &[]);
    for (name, beginning) in [("x.json", "{"), ("x.yaml", "version: 1"), ("x", "version: 1")] {
        let file = installation
            .file(name, "longer than what is written? no: it is cut to its length".repeat(99).as_str());
        installation.ok(&["export", &file]);
        assert!(fs::read_to_string(&file).unwrap().starts_with(beginning));
        installation.ok(&["import", &file]);
    }
}

#[test]
fn an_import_shows_what_changes_and_a_dry_run_changes_nothing() {
    let installation = Installation::new();
    let document = "version: 1\nproxies:\n- {path: /a, upstream: http://a, timeout: 60, accessRule: true}\n";
    let file = installation.file("x.yaml", document);
    installation.ok(&["import", &file, "--dry-run"]);
    assert!(!installation.directory().exists(), "not even a directory");

    installation.add("/a", &["--access-rule", "true"]);
    installation.add("/b", &[]);
    let before = installation.exported();
    let told = installation.ok(&["import", &file, "--dry-run", "--prune"]);
    let changed: Vec<_> = told.lines().filter(|line| !line.starts_with("      ")).collect();
    assert_eq!(
        &changed[..5],
        [
            "~ /a (changed)",
            "    - upstream: http://127.0.0.1:8001",
            "    + upstream: http://a",
            "    - timeout: 30",
            "    + timeout: 60"
        ]
    );
    assert_eq!(changed[5], "- /b (removed)");
    assert!(told.ends_with("0 added, 1 changed, 0 unchanged, 1 removed (dry run: nothing was changed)\n"));
    assert_eq!(installation.exported(), before);

    installation.ok(&["import", &file]);
    assert_eq!(installation.paths(), ["/a", "/b"]);
    installation.ok(&["import", &file, "--prune"]);
    assert_eq!(installation.paths(), ["/a"]);
}

#[test]
fn an_import_with_mistakes_names_all_of_them_and_changes_nothing() {
    let installation = Installation::new();
    installation.add("/kept", &[]);
    let check = |document: &str, expected: &[&str]| {
        let file = installation.file("x.yaml", document);
        let told = installation.failure(&["import", &file, "--prune"]);
        for line in expected {
            assert!(told.contains(line), "{told:?} lacks {line:?}");
        }
        assert_eq!(installation.paths(), ["/kept"]);
    };
    check(
        "version: 1\nproxies:\n- {path: /a, upstream: http://a}\n- {path: /api, upstream: x}\n- {path: /a, upstream: http://b}\n",
        &[
            "nothing was changed:\n  proxy 2 (/api): path: ",
            "  proxy 2 (/api): upstream: ",
            "  proxy 3 (/a): path: Value must be unique.",
        ],
    );
    check(
        "version: 1\nproxies:\n- {path: /a, upsteam: x, nmae: y}\n- {path: /b, timeout: soon}\n",
        &[
            "proxy 1 (/a): nmae: There is no such field.",
            "proxy 1 (/a): upsteam: ",
            "proxy 2 (/b): timeout: Must be a number.",
        ],
    );
    check("version: 1\nproxies: []\nsecrets: []\nusers: []\n", &["it has unknown keys: secrets, users"]);
    check("version: 2\nproxies: []\n", &["its version is 2, this pocketgate knows 1"]);
    check("proxies: []\n", &["it has no version"]);
    check("version: 1\n", &["it has no proxies"]);
    check("version: 1\nproxies: {}\n", &["its proxies are not a list"]);
    check("version: 1\nproxies: [5]\n", &["its proxy number 1 is not a mapping of fields"]);
    check("- a\n", &["it is not a mapping"]);
    check("version: [\n", &["cannot be imported: "]);
    check("{\"version\": 1,", &["cannot be imported: ", "EOF"]);
}

#[test]
fn values_of_headers_are_shown_to_nobody_but_an_export() {
    let installation = Installation::new();
    let canary = "canary-4f1d";
    installation.add("/a", &["--header", &format!("Authorization: Bearer {canary}")]);
    let document = installation.exported();
    assert!(document.contains(canary));
    let changed = installation.file("x.yaml", &document.replace(canary, "canary-other").replace("/a", "/b"));
    let shown = [
        installation.ok(&["list"]),
        installation.ok(&["list", "--json"]),
        installation.ok(&["import", &changed, "--dry-run", "--prune"]),
        installation.ok(&["remove", "/a"]),
    ];
    for text in shown {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn a_changed_value_is_shown_to_have_changed_and_no_more() {
    let installation = Installation::new();
    installation.add("/a", &["--header", "A: one", "--header", "B: two"]);
    let file = installation.file("x.yaml", &installation.exported().replace("A: one", "A: other"));
    let told = installation.ok(&["import", &file]);
    let changed: Vec<_> = told.lines().filter(|line| line.contains("A:") || line.contains("B:")).collect();
    assert_eq!(changed, ["    -   A: '***'", "    +   A: '*** (changed)'", "        B: '***'"]);
}

#[test]
fn d7_a_variable_without_a_value_is_a_warning() {
    let installation = Installation::new();
    let add = ["add", "--path", "/a", "--upstream", "http://a", "--header", "A: {env.UNSET}"];
    let ended = installation.run(&add);
    assert_eq!(ended.code, 0);
    assert!(
        ended.stderr.starts_with("warning: /a: headers: A: {env.UNSET} has no value"),
        "{}",
        ended.stderr
    );
}

#[test]
fn d7_every_name_that_stands_for_nothing_is_in_the_warning() {
    let installation = Installation::new();
    let mut set = Command::new(env!("CARGO_BIN_EXE_pocketgate"));
    set.args(["secrets", "set", "KEY"]).env_clear().env("POCKETGATE_DIR", installation.directory());
    assert_eq!(finish(&mut set, "value\n").code, 0);
    // Whether it can be read, the gateway knows.
    fs::remove_file(installation.directory().join("master.key")).unwrap();
    installation.add("/a", &["--header", "A: {secret.KEY}"]);

    let expected =
        "B: {secret.NOPE} is not among the secrets; C: {env.UNSET} has no value in the environment (here;";
    let headers = ["--header", "B: {secret.NOPE}", "--header", "C: {env.UNSET}"];
    let add = ["add", "--path", "/b", "--upstream", "http://b"];
    let added = installation.run(&[&add[..], &headers].concat());
    let updated = installation.run(&[&["update", "/a"][..], &headers].concat());
    let file = installation.file("x.yaml", &installation.exported());
    for dry_run in [&["--dry-run"][..], &[]] {
        let imported = installation.run(&[&["import", &file][..], dry_run].concat());
        assert_eq!((imported.code, imported.stderr.matches(expected).count()), (0, 2), "{}", imported.stderr);
    }
    for ended in [added, updated] {
        assert_eq!((ended.code, ended.stderr.matches(expected).count()), (0, 1), "{}", ended.stderr);
    }
}

#[cfg(unix)]
#[test]
fn an_export_takes_the_place_of_an_earlier_one_when_it_is_whole_and_is_its_owners_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let installation = Installation::new();
    installation.add("/a", &["--header", "Authorization: Bearer canary"]);
    let file = installation.file("x.yaml", "an earlier export");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let link = installation.parent.path().join("link.yaml");
    symlink(&file, &link).unwrap();
    let mut earlier = fs::File::open(&file).unwrap();

    installation.ok(&["export", link.to_str().unwrap()]);
    let document = installation.exported();
    assert_eq!(fs::read_to_string(&file).unwrap(), document);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(link.is_symlink());
    let mut kept = String::new();
    earlier.read_to_string(&mut kept).unwrap();
    assert_eq!(kept, "an earlier export", "it was written over");
    assert_eq!(fs::read_dir(installation.parent.path()).unwrap().count(), 3, "something was left behind");
    assert_eq!(installation.ok(&["export", "/dev/stdout"]), document);
}

#[test]
fn the_patterns_of_allowed_variables_are_read_as_the_gateway_reads_them() {
    let installation = Installation::new();
    let check = |patterns: &str, warning: &str| {
        let arguments = ["add", "--path", "/a", "--upstream", "http://a", "--header", "A: {env.SET}"];
        let mut command = installation.command(&arguments);
        let ended = finish(command.env("POCKETGATE_ENV_ALLOW", patterns), "");
        assert_eq!(ended.code, 0);
        assert_eq!(
            ended.stderr.contains("is not allowed by --env-allow"),
            !warning.is_empty(),
            "{patterns:?}"
        );
        assert!(ended.stderr.contains(warning), "{patterns:?}: {}", ended.stderr);
        installation.run(&["remove", "/a"]);
    };
    check("OTHER, SET", "");
    check(" SET ,OTHER", "");
    check("OTHER", "A: {env.SET} is not allowed");
    check("", "A: {env.SET} is not allowed");
}

#[test]
fn a_number_that_is_none_is_not_taken_for_the_default() {
    let installation = Installation::new();
    installation.add("/a", &["--timeout", "7", "--max-concurrent", "3"]);
    let before = installation.exported();
    for wrong in ["--timeout=nan", "--timeout=inf", "--max-concurrent=inf", "--max-concurrent=-infinity"] {
        let ended = installation.run(&["update", "/a", wrong]);
        assert_eq!(ended.code, 2, "{wrong}");
        assert!(ended.stderr.contains("expected a number"), "{}", ended.stderr);
    }
    for wrong in [".inf", "-.inf", ".nan", "{dial: .inf}"] {
        let document =
            format!("version: 1\nproxies:\n- {{path: /a, upstream: http://a, timeout: {wrong}}}\n");
        let told = installation.failure(&["import", &installation.file("x.yaml", &document)]);
        assert!(told.contains("is no number that can be used"), "{told}");
    }
    assert_eq!(installation.exported(), before);
}

#[test]
fn a_key_that_is_in_a_document_twice_is_a_mistake() {
    let installation = Installation::new();
    installation.add("/kept", &[]);
    let document = installation.exported();
    let twice = "{path: /b, upstream: http://b, timeout: 5, timeout: 6}";
    for (document, key) in [
        (format!("{document}{}", document.replace("/kept", "/other")), "version"),
        (format!("version: 1\nproxies: [{twice}]\n"), "timeout"),
        (r#"{"version": 1, "proxies": [], "proxies": []}"#.to_owned(), "proxies"),
    ] {
        let file = installation.file("x.yaml", &document);
        let told = installation.failure(&["import", &file, "--prune"]);
        assert!(told.contains(&format!("{key} is there twice")), "{told}");
    }
    assert_eq!(installation.paths(), ["/kept"]);
    let limits = r#"{"per_ip": 1, "per_ip": 100}"#;
    let ended = installation.run(&["update", "/kept", "--limits", limits]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("per_ip is there twice"), "{}", ended.stderr);
}

#[test]
fn reading_from_nowhere_is_a_mistake_and_makes_nothing() {
    let installation = Installation::new();
    for arguments in [&["list"][..], &["export"], &["remove", "/a"], &["update", "/a", "--timeout", "5"]] {
        assert!(installation.failure(arguments).starts_with("there is no database in "));
    }
    assert!(!installation.directory().exists());
}

#[test]
fn directories_that_cannot_be_used_are_told_in_one_sentence() {
    let installation = Installation::new();
    let file = installation.file("data", "a file in the place of the directory");
    let add = ["add", "--path", "/a", "--upstream", "http://a"];
    assert_eq!(installation.failure(&add), format!("the data directory {file} is not a directory"));
    fs::remove_file(file).unwrap();
    fs::create_dir(installation.directory()).unwrap();
    fs::write(installation.directory().join("data.db"), "no database").unwrap();
    let told = installation.failure(&add);
    assert!(told.ends_with("data.db is not a database") && told.lines().count() == 1, "{told}");
}

#[tokio::test]
async fn a_gateway_on_the_same_directory_notices_every_command() {
    let installation = Installation::new();
    let store = Store::open(&installation.directory()).await.unwrap();
    let mut changes = store.changes().await.unwrap();
    for arguments in [
        &["add", "--path", "/a", "--upstream", "http://a"][..],
        &["update", "/a", "--timeout", "5"],
        &["remove", "/a"],
    ] {
        installation.ok(arguments);
        let ended = Instant::now();
        changes.changed().await;
        assert!(ended.elapsed() < Duration::from_millis(500), "{:?} after {arguments:?}", ended.elapsed());
    }
    assert!(Path::new(&installation.directory()).exists());
}
