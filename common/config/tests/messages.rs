//! What a user reads when a configuration is wrong: one line with file, line, key and what to do.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use postern_config::{Document, Listen, Problem, load, parse};
use serde::Deserialize;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Sidecar {
    data_dir: PathBuf,
    admin: Server,
    #[serde(default)]
    realm: Option<String>,
    issuers: Vec<Issuer>,
    #[serde(default)]
    verification: Option<Verification>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Server {
    listen: Listen,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Issuer {
    issuer: String,
    audiences: Vec<String>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    refresh_seconds: u32,
    #[serde(default)]
    port: u16,
    #[serde(default)]
    on: bool,
    #[serde(default)]
    ratio: f64,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Wait,
    Refuse,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Verification {
    Keys(Vec<String>),
    AllowUnsigned,
}

const GOOD: &str = "\
data_dir: /var/lib/postern
admin: { listen: \"127.0.0.1:9192\" }
# a comment
issuers:
  - issuer: https://a.example
    audiences:
      - one
      - two
    mode: refuse
  - issuer: https://b.example
    audiences: [three]
    refresh_seconds: 5
";

#[track_caller]
fn refused(text: &str, message: &str) {
    let error = parse::<Sidecar>("sidecar.yaml", text)
        .err()
        .map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some(message), "\n{text}");
}

/// `GOOD` with one line replaced.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "{from}");
    GOOD.replace(from, to)
}

#[test]
fn a_good_file_is_read() {
    let sidecar: Sidecar = parse("sidecar.yaml", GOOD).unwrap();
    assert_eq!(
        sidecar.admin.listen,
        Listen::Tcp("127.0.0.1:9192".parse().unwrap())
    );
    assert_eq!(sidecar.issuers.len(), 2);
    assert_eq!(sidecar.issuers[0].mode, Mode::Refuse);
    assert_eq!(sidecar.issuers[1].refresh_seconds, 5);
}

#[test]
fn an_unknown_key_is_named_with_the_known_ones_and_the_nearest() {
    refused(
        &changed("data_dir: /var", "data_dri: /var"),
        "sidecar.yaml:1: data_dri: unknown key; did you mean `data_dir`? known here: data_dir, admin, realm, issuers, \
         verification",
    );
    refused(
        &changed("    mode: refuse", "    nonsense: refuse"),
        "sidecar.yaml:9: issuers[0].nonsense: unknown key; known here: issuer, audiences, mode, refresh_seconds, port, \
         on, ratio",
    );
    refused(
        &changed("listen:", "listens: 1, listen:"),
        "sidecar.yaml:2: admin.listens: unknown key; did you mean `listen`? known here: listen",
    );
}

#[test]
fn a_missing_value_is_named_with_the_place_where_it_belongs() {
    refused(
        &changed("data_dir: /var/lib/postern\n", ""),
        "sidecar.yaml:1: data_dir: missing; this key is required",
    );
    refused(
        &changed("    audiences: [three]\n", ""),
        "sidecar.yaml:10: issuers[1].audiences: missing; this key is required",
    );
    refused(
        &changed("{ listen: \"127.0.0.1:9192\" }", "{}"),
        "sidecar.yaml:2: admin.listen: missing; this key is required",
    );
}

#[test]
fn a_wrong_type_says_what_was_expected_and_what_came() {
    for (from, to, message) in [
        (
            "audiences: [three]",
            "audiences: three",
            "11: issuers[1].audiences: expected a list, got a string",
        ),
        (
            "audiences: [three]",
            "audiences: 3",
            "11: issuers[1].audiences: expected a list, got a number",
        ),
        (
            "audiences: [three]",
            "audiences: {a: b}",
            "11: issuers[1].audiences: expected a list, got a map",
        ),
        (
            "audiences: [three]",
            "audiences:",
            "11: issuers[1].audiences: expected a list, got nothing",
        ),
        (
            "audiences: [three]",
            "audiences: [[three]]",
            "11: issuers[1].audiences[0]: expected a single value, got a list",
        ),
        (
            "      - two",
            "      - 2",
            "8: issuers[0].audiences[1]: expected a string, got a number; put it in quotes",
        ),
        (
            "      - two",
            "      - true",
            "8: issuers[0].audiences[1]: expected a string, got a boolean; put it in quotes",
        ),
        (
            "      - two",
            "      -",
            "8: issuers[0].audiences[1]: expected a string, got nothing",
        ),
        (
            "seconds: 5",
            "seconds: five",
            "12: issuers[1].refresh_seconds: expected a whole number from 0, got a string",
        ),
        (
            "seconds: 5",
            "seconds: -5",
            "12: issuers[1].refresh_seconds: expected a whole number from 0, got a number that is not one or is out of range",
        ),
        (
            "seconds: 5",
            "seconds: 1.5",
            "12: issuers[1].refresh_seconds: expected a whole number from 0, got a number that is not one or is out of range",
        ),
        (
            "seconds: 5",
            "seconds: [5]",
            "12: issuers[1].refresh_seconds: expected a single value, got a list",
        ),
        (
            "refresh_seconds: 5",
            "port: 70000",
            "12: issuers[1].port: expected a whole number from 0, got a number that is not one of 0 to 65535",
        ),
        (
            "refresh_seconds: 5",
            "on: yes",
            "12: issuers[1].on: expected true or false, got a string",
        ),
        (
            "refresh_seconds: 5",
            "ratio: much",
            "12: issuers[1].ratio: expected a number, got a string",
        ),
        (
            "mode: refuse",
            "mode: deny",
            "9: issuers[0].mode: expected one of wait, refuse, got `deny`",
        ),
        (
            "{ listen: \"127.0.0.1:9192\" }",
            "here",
            "2: admin: expected a map, got a string",
        ),
        (
            "\"127.0.0.1:9192\"",
            "localhost:9192",
            "2: admin.listen: expected `unix:/path` or `address:port` with a numeric address, such as 127.0.0.1:8080",
        ),
    ] {
        refused(&changed(from, to), &format!("sidecar.yaml:{message}"));
    }
    refused("- a\n- b\n", "sidecar.yaml:1: expected a map, got a list");
    refused("just text", "sidecar.yaml:1: expected a map, got a string");
}

#[test]
fn a_key_that_stands_twice_is_refused_where_it_stands_again() {
    refused(
        &format!("{GOOD}data_dir: /tmp\n"),
        "sidecar.yaml:13: data_dir: there twice; keep one of them",
    );
    refused(
        &changed("    mode: refuse", "    issuer: x"),
        "sidecar.yaml:9: issuers[0].issuer: there twice; keep one of them",
    );
}

#[test]
fn enum_variants_read_as_keys() {
    refused(
        &format!("{GOOD}verification: {{ keys: [1] }}"),
        "sidecar.yaml:13: verification.keys[0]: expected a string, got a number; put it in quotes",
    );
    refused(
        &format!("{GOOD}verification: unsigned"),
        "sidecar.yaml:13: verification: expected one of keys, allow_unsigned, got `unsigned`",
    );
}

#[test]
fn what_is_not_one_yaml_document_is_refused() {
    for text in ["", "\n\n", "# only a comment\n", "---\n", "~"] {
        refused(text, "sidecar.yaml: empty; expected a map of keys");
    }
    refused(
        &format!("{GOOD}---\n{GOOD}"),
        "sidecar.yaml:14: not YAML: more than one document; keep one",
    );
    for text in [
        "a: [1\nb: 2",
        "a: b: c",
        "a:\n\t- b",
        "a: 'x",
        "{",
        "%",
        "a: *nowhere",
        "? [a]\n: b",
        "\u{0}",
    ] {
        let error = parse::<Sidecar>("sidecar.yaml", text).unwrap_err();
        assert!(
            matches!(error.problem(), Problem::NotYaml(_)),
            "{text:?}: {error:?}"
        );
        assert!(error.line().is_some(), "{text:?}: {error:?}");
        assert!(error.to_string().starts_with("sidecar.yaml:"), "{error}");
    }
}

#[test]
fn every_message_is_one_line() {
    for text in [
        "a: |\n  b\n  c\n",
        "\"a\\nb\": 1",
        "\"\\e[31m\": 1",
        "a: 'x",
        "data_dir: [\"\\n\"]",
    ] {
        let message = parse::<Sidecar>("side\ncar.yaml", text).unwrap_err().to_string();
        assert!(!message.chars().any(char::is_control), "{message:?}");
    }
}

#[test]
fn values_that_could_be_secrets_are_not_quoted() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Secret {
        #[serde(rename = "at_least_one")]
        _at_least_one: std::num::NonZeroU32,
        #[serde(default, rename = "password")]
        _password: u32,
    }
    let zero = parse::<Secret>("a.yaml", "at_least_one: 0").unwrap_err();
    assert_eq!(
        zero.to_string(),
        "a.yaml:1: at_least_one: expected a nonzero u32, got a number"
    );
    for text in [
        "at_least_one: 1\npassword: hunter2",
        "at_least_one: 1\npassword: [hunter2]",
        "hunter2",
        "[hunter2]",
    ] {
        assert!(
            !parse::<Secret>("a.yaml", text)
                .unwrap_err()
                .to_string()
                .contains("hunter2"),
            "{text}"
        );
    }
}

#[test]
fn aliases_work_but_cannot_blow_up() {
    #[derive(Debug, Deserialize)]
    struct Any {
        #[serde(rename = "z")]
        lists: Vec<String>,
    }
    let any: Any = parse("a.yaml", "x: &x [a, b]\nz: *x\n").unwrap();
    assert_eq!(any.lists, ["a", "b"]);

    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
    }
    bomb.push_str("z: *a9\n");
    let error = parse::<serde::de::IgnoredAny>("a.yaml", &bomb).unwrap_err();
    assert!(matches!(error.problem(), Problem::TooComplex(_)), "{error:?}");

    let many = format!("x: &x 1\nz: [{}]", vec!["*x"; 300].join(", "));
    assert!(matches!(
        parse::<Any>("a.yaml", &many).unwrap_err().problem(),
        Problem::TooComplex(_)
    ));
    let deep = format!("z: {}1{}", "[".repeat(100), "]".repeat(100));
    assert!(matches!(
        parse::<Any>("a.yaml", &deep).unwrap_err().problem(),
        Problem::TooComplex(_)
    ));
    let long = format!("z: [{}]", vec!["a"; 30_000].join(", "));
    assert!(matches!(
        parse::<Any>("a.yaml", &long).unwrap_err().problem(),
        Problem::TooComplex(_)
    ));
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecar.yaml");
    let message = |path: &Path| load::<Sidecar>(path).unwrap_err().to_string();

    assert_eq!(
        message(&path),
        format!(
            "{}: can't be read: No such file or directory (os error 2)",
            path.display()
        )
    );
    assert!(
        message(folder.path()).contains("can't be read: "),
        "{}",
        message(folder.path())
    );
    std::fs::write(&path, vec![b'#'; 1024 * 1024 + 1]).unwrap();
    assert_eq!(
        message(&path),
        format!(
            "{}: longer than 1048576 bytes, so hardly a configuration",
            path.display()
        )
    );
    std::fs::write(&path, b"a: \xff").unwrap();
    assert_eq!(message(&path), format!("{}: not UTF-8 text", path.display()));
    std::fs::write(&path, GOOD).unwrap();
    assert!(load::<Sidecar>(&path).is_ok());
}

#[test]
fn what_a_type_cannot_say_still_has_its_line_and_key() {
    let document = Document::parse("sidecar.yaml", GOOD).unwrap();
    assert_eq!(document.line_of(&["issuers", "1", "refresh_seconds"]), Some(12));
    assert_eq!(document.line_of(&["issuers", "2"]), None);
    assert_eq!(
        document
            .invalid(&["issuers", "0", "audiences"], "expected at least one")
            .to_string(),
        "sidecar.yaml:6: issuers[0].audiences: expected at least one"
    );
    // A default that isn't in the file points at where it would stand.
    assert_eq!(
        document
            .invalid(&["issuers", "1", "mode"], "wait is not possible here")
            .to_string(),
        "sidecar.yaml:10: issuers[1].mode: wait is not possible here"
    );
}

#[test]
fn relative_paths_start_from_the_files_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecar.yaml");
    std::fs::write(&path, GOOD).unwrap();
    let document = Document::load(&path).unwrap();
    assert_eq!(
        document.resolve(Path::new("keys/a.pem")),
        folder.path().join("keys/a.pem")
    );
    assert_eq!(document.resolve(Path::new("/abs")), Path::new("/abs"));
    let socket = Listen::Unix("run/a.sock".into()).resolved(folder.path()).unwrap();
    assert_eq!(socket, Listen::Unix(folder.path().join("run/a.sock")));
}

#[test]
fn listen_addresses_go_there_and_back() {
    for text in ["127.0.0.1:80", "[::1]:0", "unix:/run/a.sock", "unix:a.sock"] {
        assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "80",
        ":80",
        "localhost:80",
        "127.0.0.1",
        "127.0.0.1:65536",
        "unix:",
        "tcp://127.0.0.1:80",
    ] {
        assert!(text.parse::<Listen>().is_err(), "{text}");
    }
    assert!(format!("unix:/{}", "a".repeat(106)).parse::<Listen>().is_ok());
    assert!(format!("unix:/{}", "a".repeat(107)).parse::<Listen>().is_err());
}
