//! docs/opa-configuration.md is written from the tables of flags and keys; `UPDATE_DOCS=1 cargo test -p postern-opa-config`
//! rewrites it.

use std::path::Path;

use postern_opa_config::{FLAGS, Fate, KEYS};

const HEAD: &str = "# OPA's flags and keys\n\n\
<!-- Generated from the tables in sidecar/opa-config. Don't edit:\n     UPDATE_DOCS=1 cargo test -p postern-opa-config -->\n\n\
What becomes of what an `opa run` of opa-envoy-plugin is given. **Honoured**: it does what it does there, but for what the\n\
note says. **Not yet**: it is read and checked, and not done. **No effect**: it is passed over and named at start. **Refused**: the start fails with what to do, since passing\n\
over it would change decisions, or what is protected. Keys that OPA doesn't know are passed over and named, too. `*` stands\n\
for any name.\n";

#[test]
fn the_document_is_what_the_tables_say() {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Flags\nEach is an environment variable, too: `--log-level` is `OPA_RUN_LOG_LEVEL`.\n\n| flag | | |\n|---|---|---|\n");
    for flag in FLAGS {
        let short = flag
            .short
            .map(|short| format!(", `-{short}`"))
            .unwrap_or_default();
        row(&mut text, &format!("`--{}`{short}", flag.name), flag.fate);
    }
    text.push_str("\n## Keys\n| key | | |\n|---|---|---|\n");
    for key in KEYS {
        row(&mut text, &format!("`{}`", key.path), key.fate);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/opa-configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &text).expect("docs can be written");
    }
    let there = std::fs::read_to_string(&path).expect("docs/opa-configuration.md");
    assert!(
        there == text,
        "docs/opa-configuration.md is out of date: UPDATE_DOCS=1 cargo test -p postern-opa-config"
    );
}

#[test]
fn nothing_stands_in_a_table_twice() {
    for (index, key) in KEYS.iter().enumerate() {
        assert!(
            KEYS[..index].iter().all(|other| other.path != key.path),
            "{}",
            key.path
        );
    }
    for (index, flag) in FLAGS.iter().enumerate() {
        let other = FLAGS[..index]
            .iter()
            .find(|other| other.name == flag.name || (flag.short.is_some() && other.short == flag.short));
        assert!(other.is_none(), "{}", flag.name);
    }
}

fn row(text: &mut String, name: &str, fate: Fate) {
    let (word, note) = match fate {
        Fate::Honoured(note) => ("honoured", note),
        Fate::NotHonoured(note) => ("no effect", note),
        Fate::Refused(note) => ("refused", note),
    };
    text.push_str(&format!("| {name} | {word} | {note} |\n"));
}
