//! docs/configuration.md: every key of the sidecar's and the control plane's files, written from the types that read them
//! (`UPDATE_DOCS=1` writes it again), and what it says of bounds held against what the programs do.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on says why"
)]

#[path = "configuration/bounds.rs"]
mod bounds;
#[path = "configuration/keys.rs"]
mod keys;
#[path = "configuration/page.rs"]
mod page;
#[path = "configuration/source.rs"]
mod source;

use std::collections::BTreeSet;

use postern_e2e::stack::root;

use keys::keys;
use source::Source;

/// The two programs: name, what declares its file, and the folders and files where the types of its sections stand.
const SIDECAR: &[&str] = &[
    "sidecar/src/config",
    "sidecar/src/http_auth/mod.rs",
    "sidecar/src/decision_log.rs",
    "common/policy/src/bundle/configured.rs",
];
const CONTROL_PLANE: &[&str] = &[
    "control-plane/server/src/config.rs",
    "common/policy/src/bundle/configured.rs",
];

#[test]
fn the_page_names_every_key_that_the_programs_read() {
    let sidecar = Source::read(&root(), SIDECAR);
    let control_plane = Source::read(&root(), CONTROL_PLANE);
    let page = page::rendered(&keys(&sidecar), &keys(&control_plane));
    let path = root().join("docs/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).is_ok_and(|written| written == page),
        "docs/configuration.md is out of date: UPDATE_DOCS=1 cargo test -p postern-e2e --test configuration"
    );
}

/// A section that no key leads to would be read by nobody, or isn't on the page.
#[test]
fn no_section_is_left_out() {
    for parts in [SIDECAR, CONTROL_PLANE] {
        let source = Source::read(&root(), parts);
        let _ = keys(&source);
        let left: Vec<_> = source.sections_not_asked_for().collect();
        assert!(left.is_empty(), "{parts:?}: {left:?}");
    }
}

#[test]
fn the_default_that_a_key_claims_is_the_one_it_has() {
    let mut compared = 0;
    for parts in [SIDECAR, CONTROL_PLANE] {
        for key in keys(&Source::read(&root(), parts)) {
            let Some(number) = key.default_in_code else {
                continue;
            };
            compared += 1;
            assert_eq!(
                key.default.as_deref(),
                Some(number.to_string().as_str()),
                "{}: its comment and its default disagree",
                key.path
            );
        }
    }
    assert!(
        compared > 20,
        "{compared} defaults were found: are they written another way now?"
    );
}

#[test]
fn every_number_has_bounds_that_hold() {
    for (program, parts, base) in [
        ("postern-sidecar", SIDECAR, bounds::sidecar as fn() -> _),
        ("postern-control-plane", CONTROL_PLANE, bounds::control_plane),
    ] {
        let mut tried = 0;
        for key in keys(&Source::read(&root(), parts)) {
            if key.is_number {
                let bounds = key
                    .bounds
                    .unwrap_or_else(|| panic!("{}: say `N to M` in its comment", key.path));
                bounds::assert_hold(program, &base(), &key.path, bounds);
                tried += 1;
            }
        }
        assert!(tried > 1, "{program}: {tried} numbers");
    }
}

/// The page's parts are found by reading comments; here is what is read of them.
#[test]
fn a_key_is_read_from_its_declaration() {
    let source = Source::parse(
        r#"
        /// The file.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct File {
            /// Where. Refused with 401 `invalid_token`.
            pub address: String,
            /// How long, in seconds, 1 to 30, or so.
            /// Default 5.
            #[serde(default = "five", rename = "for")]
            pub duration: u64,
            /// Parts.
            pub parts: Option<Vec<Part>>,
        }
        /// One.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Part {
            /// Whether. Default false.
            #[serde(default)]
            on: bool,
        }
        /// Nobody's.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Left { /// Out.
            out: bool }
        const fn five() -> u64 { 5 }
        "#,
    );
    let keys = keys(&source);
    let paths: Vec<_> = keys.iter().map(|key| key.path.as_str()).collect();
    assert_eq!(paths, ["address", "for", "parts", "parts[].on"]);
    assert_eq!(keys[0].codes, ["invalid_token"]);
    assert!(keys[0].required && !keys[1].required && !keys[2].required);
    assert_eq!(keys[1].bounds, Some((1, 30)));
    assert_eq!(
        (keys[1].default.as_deref(), keys[1].default_in_code),
        (Some("5"), Some(5))
    );
    assert_eq!(keys[1].meaning, "How long, in seconds, 1 to 30, or so.");
    assert_eq!(source.sections_not_asked_for().collect::<Vec<_>>(), ["Left"]);
}

/// The codes of docs/errors.md.
fn known_codes() -> BTreeSet<String> {
    let errors = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    errors
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(code, _)| code.to_owned())
        .collect()
}
