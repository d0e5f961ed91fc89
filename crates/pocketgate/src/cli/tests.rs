//! What the command line accepts, and how it says no.

use super::command_line::{command, parse};
use super::usage;
use std::ffi::OsString;

#[test]
fn the_declarations_are_consistent() {
    command().debug_assert();
}

#[test]
fn every_flag_of_serve_reads_the_variable_of_its_name() {
    let command = command();
    let serve = command.find_subcommand("serve").unwrap();
    for argument in serve.get_arguments().filter(|argument| argument.get_id() != "help") {
        let long = argument.get_long().expect("serve has flags only");
        let expected = format!("POCKETGATE_{}", long.replace('-', "_").to_uppercase());
        let found = argument.get_env().map(|name| name.to_string_lossy().into_owned());
        assert_eq!(found, Some(expected), "--{long}");
    }
}

/// A wrong line is refused with one sentence that holds these words.
#[track_caller]
fn check_mistake(line: &str, words: &[&str]) {
    let arguments: Vec<_> =
        std::iter::once("pocketgate").chain(line.split_whitespace()).map(OsString::from).collect();
    let error = parse(&arguments).expect_err("a mistake");
    let failure = usage::failure(&error, &command(), &arguments);
    let sentence = failure.to_string();
    assert_eq!(format!("{:?}", failure.exit_code()), format!("{:?}", std::process::ExitCode::from(2)));
    assert!(!sentence.contains('\n'), "{sentence:?}");
    assert!(sentence.ends_with("; see --help"), "{sentence:?}");
    for word in words {
        assert!(sentence.contains(word), "{sentence:?} lacks {word:?}");
    }
}

#[test]
fn a_mistake_is_one_sentence_that_names_it() {
    check_mistake("", &["requires a command", "serve, "]);
    check_mistake("srve", &["unrecognized command 'srve'", "'serve'"]);
    check_mistake("serve now", &["unexpected argument 'now'"]);
    check_mistake("serve --htp x", &["unexpected argument '--htp'", "'--http'"]);
    check_mistake("serve --http", &["a value is required for '--http <ADDRESS:PORT>'"]);
    check_mistake("completions", &["<SHELL>"]);
    check_mistake("completions bosh", &["invalid value 'bosh'", "bash"]);
}

#[test]
fn a_bad_value_is_named_with_what_was_expected() {
    check_mistake("serve --http localhost", &["'localhost' for '--http", "127.0.0.1:8090"]);
    check_mistake("serve --http 127.0.0.1:70000", &["'127.0.0.1:70000'"]);
    check_mistake("serve --workers 0", &["'0' for '--workers <N>'", "1..=1024"]);
    check_mistake("serve --workers many", &["'many' for '--workers <N>'"]);
    check_mistake("serve --drain-timeout 1.5", &["'1.5'", "seconds from 0 to 86400"]);
    check_mistake("serve --drain-timeout 86401", &["'86401'"]);
    check_mistake("serve --max-connections 0", &["'0' for '--max-connections <N>'"]);
    check_mistake("serve --memory-limit 5T", &["'5T'", "such as 512M or 2G"]);
    check_mistake("serve --memory-limit 99999999999999G", &["--memory-limit"]);
    check_mistake("serve --log-format xml", &["'xml'", "text, json"]);
    check_mistake("serve --access-log-format xml", &["'xml'", "text, json"]);
    check_mistake("serve --access-log-sample 2", &["'2'", "such as 0.05"]);
    check_mistake("serve --access-log-rotate big", &["'big'", "such as 100M:5"]);
    check_mistake("serve --dev-proxy ftp://x", &["'ftp://x'", "must start with http:// or https://"]);
    check_mistake("serve --dev-proxy http://u:p@x", &["must not contain user information"]);
    check_mistake("serve --trusted-proxy 10.0.0.0/33", &["10.0.0.0/33"]);
    check_mistake("serve --trusted-proxy 10.0.0.1,proxy.example", &["proxy.example"]);
}

#[test]
fn a_space_beside_a_comma_belongs_to_no_value() {
    for (flag, id) in [("--env-allow", "env_allow"), ("--log-mask-query", "log-mask-query")] {
        let line = ["pocketgate", "serve", flag, "session, sid ,x", flag, " y"];
        let matches = command().try_get_matches_from(line).unwrap();
        let serve = matches.subcommand_matches("serve").unwrap();
        let values: Vec<&String> = serve.get_many(id).unwrap().collect();
        assert_eq!(values, ["session", "sid", "x", "y"], "{flag}");
    }
}
