//! What is said to somebody who calls the program wrongly: the exit code, and a message that helps.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::process::Command;

#[track_caller]
fn expect(arguments: &[&str], code: i32, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(arguments)
        .current_dir(folder.path())
        .env_remove("POSTERN_DATA_DIR")
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(text), "{text:?} in {said}");
}

#[test]
fn an_opa_that_is_not_there_is_wrong_usage() {
    expect(&["dev", "--opa", "/nope"], 2, "/nope (--opa) is not a program");
}

#[test]
fn an_empty_token_is_wrong_usage() {
    for token in ["", " ", "Bearer "] {
        expect(
            &["check", "/", "--sidecar", "127.0.0.1:1", "--token", token],
            2,
            "the token is empty",
        );
    }
}

#[test]
fn without_a_data_folder_check_names_the_flag_that_does_without() {
    expect(&["check", "/"], 2, "no --sidecar was given");
}

#[test]
fn help_is_a_command_too() {
    expect(&["help"], 0, "Usage: postern");
    expect(&["help", "check"], 0, "Usage: postern check");
}

#[test]
fn a_revocation_says_which_tokens_in_one_way() {
    expect(&["revoke"], 2, "--jti <ID>");
    expect(&["revoke", "--jti", "a", "--sid", "b"], 2, "cannot be used with");
    expect(&["revoke", "--claim", "sub"], 2, "expected NAME=VALUE");
    expect(
        &["revoke", "--jti", "a", "--issued-before", "yesterday"],
        2,
        "2026-11-24T16:12:40Z",
    );
    expect(&["revoke", "--jti", "a", "--expires-in", "5"], 2, "such as 30m");
    expect(&["revoke", "--token", "x"], 2, "not a token");
}

#[test]
fn a_name_that_no_bundle_can_have_is_refused_with_the_rule() {
    expect(
        &["bundle", "push", "x.tar.gz", "--name", "Bad Name!"],
        2,
        "expected 1 to 128 characters of `a-z 0-9 - _ .`, the first a letter or digit",
    );
}
