//! Contracts change compatibly: the present ones against those released, and the judge itself against known breaks.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on says why"
)]

#[path = "../compat/mod.rs"]
mod compat;

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message as _;
use prost_types::FileDescriptorSet;

fn crate_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn released() -> FileDescriptorSet {
    let bytes = fs::read(crate_folder().join("released/descriptors.binpb")).expect("the released contracts");
    FileDescriptorSet::decode(&*bytes).expect("a descriptor set")
}

fn breaks(before: &FileDescriptorSet, now: &FileDescriptorSet) -> Vec<String> {
    compat::breaks(before, now)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn whoever_uses_the_released_contracts_can_go_on() {
    let current = FileDescriptorSet::decode(postern_proto::FILE_DESCRIPTOR_SET).expect("a descriptor set");
    let breaks = breaks(&released(), &current);
    assert!(
        breaks.is_empty(),
        "incompatible with what is released (proto/README.md says what to do instead):\n{}",
        breaks.join("\n")
    );
}

#[test]
fn a_field_removed_from_a_copy_of_the_contracts_is_seen() {
    let copy = tempfile::tempdir().expect("a folder");
    copy_tree(&crate_folder().join("postern"), &copy.path().join("postern"));
    let compiled = |folder: &Path| {
        let files = protos_below(&folder.join("postern"));
        protox::compile(files, [folder]).expect("valid contracts")
    };
    assert_eq!(
        breaks(&released(), &compiled(copy.path())),
        [""; 0],
        "the copy is as good as the original"
    );

    let file = copy.path().join("postern/token/v1/token.proto");
    let text = fs::read_to_string(&file).expect("the contract");
    let without = text.replace("  uint32 expires_in = 2;\n", "");
    assert_ne!(without, text);
    fs::write(&file, without).expect("written");
    assert_eq!(
        breaks(&released(), &compiled(copy.path())),
        ["postern.token.v1.IssueTokenPairResponse.expires_in: field was removed"]
    );
}

const BEFORE: &str = r#"
syntax = "proto3";
package t.v1;
service Doors {
  rpc Open(Door) returns (Door);
  rpc Watch(Door) returns (stream Door);
}
message Door {
  reserved 9, 20 to 29;
  reserved "hinge";
  string name = 1;
  uint32 width = 2;
  repeated string keys = 3;
  oneof lock {
    string bolt = 4;
    string chain = 5;
  }
  string colour = 6;
  Kind kind = 7;
  optional uint32 height = 8;
  message Frame { string wood = 1; }
}
enum Kind {
  KIND_UNSPECIFIED = 0;
  KIND_FRONT = 1;
  KIND_BACK = 2;
}
"#;

fn compile(text: &str) -> FileDescriptorSet {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("t.proto"), text).expect("written");
    protox::compile(["t.proto"], [folder.path()]).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn each_kind_of_break_is_named() {
    let before = compile(BEFORE);
    for (from, to, expected) in [
        ("  uint32 width = 2;\n", "", "t.v1.Door.width: field was removed"),
        (
            "uint32 width = 2",
            "uint32 width = 12",
            "t.v1.Door.width: number was 2 and is 12 now",
        ),
        (
            "uint32 width = 2",
            "uint32 breadth = 2",
            "t.v1.Door.breadth: uses the number 2 of t.v1.Door.width",
        ),
        (
            "uint32 width",
            "uint64 width",
            "t.v1.Door.width: type was uint32 and is uint64 now",
        ),
        (
            "uint32 width",
            "repeated uint32 width",
            "t.v1.Door.width: label was singular and is repeated now",
        ),
        (
            "uint32 width",
            "optional uint32 width",
            "t.v1.Door.width: label was singular and is optional now",
        ),
        (
            "repeated string keys",
            "string keys",
            "t.v1.Door.keys: label was repeated and is singular now",
        ),
        (
            "optional uint32 height",
            "uint32 height",
            "t.v1.Door.height: label was optional and is singular now",
        ),
        (
            "width = 2;",
            "width = 2 [json_name = \"w\"];",
            "t.v1.Door.width: JSON name was width and is w now",
        ),
        (
            "Kind kind",
            "Frame kind",
            "t.v1.Door.kind: type was t.v1.Kind and is t.v1.Door.Frame now",
        ),
        (
            "string chain = 5;\n  }",
            "}\n  string chain = 5;",
            "t.v1.Door.chain: oneof was lock and is none now",
        ),
        (
            "string chain = 5;\n  }\n  string colour = 6;",
            "string chain = 5;\n    string colour = 6;\n  }",
            "t.v1.Door.colour: oneof was none and is lock now",
        ),
        (
            "oneof lock",
            "oneof latch",
            "t.v1.Door.bolt: oneof was lock and is latch now",
        ),
        (
            "reserved 9, ",
            "reserved ",
            "t.v1.Door: the numbers 9 to 9 are no longer reserved",
        ),
        (
            "20 to 29",
            "20 to 28",
            "t.v1.Door: the numbers 20 to 29 are no longer reserved",
        ),
        (
            "reserved \"hinge\";",
            "",
            "t.v1.Door: the name `hinge` is no longer reserved",
        ),
        (
            "  message Frame { string wood = 1; }\n",
            "",
            "t.v1.Door.Frame: message was removed",
        ),
        (
            "  KIND_BACK = 2;\n",
            "",
            "t.v1.Kind.KIND_BACK: enum value was removed",
        ),
        (
            "KIND_BACK = 2",
            "KIND_BACK = 3",
            "t.v1.Kind.KIND_BACK: number was 2 and is 3 now",
        ),
        (
            "KIND_BACK = 2",
            "KIND_SIDE = 2",
            "t.v1.Kind.KIND_SIDE: uses the number 2 of t.v1.Kind.KIND_BACK",
        ),
        (
            "  rpc Open(Door) returns (Door);\n",
            "",
            "t.v1.Doors.Open: method was removed",
        ),
        (
            "rpc Open(Door)",
            "rpc Open(stream Door)",
            "t.v1.Doors.Open: the request was one message and is a stream now",
        ),
        (
            "(stream Door)",
            "(Door)",
            "t.v1.Doors.Watch: the response was a stream and is one message now",
        ),
        (
            "rpc Open(Door)",
            "rpc Open(Door.Frame)",
            "t.v1.Doors.Open: request type was t.v1.Door and is t.v1.Door.Frame now",
        ),
        (
            "service Doors",
            "service Gates",
            "t.v1.Doors: service was removed",
        ),
        (
            "package t.v1",
            "package t.v2",
            "t.proto: package was t.v1 and is t.v2 now",
        ),
    ] {
        let after = BEFORE.replacen(from, to, 1);
        assert_ne!(after, BEFORE, "{from:?} is in the contract");
        let found = breaks(&before, &compile(&after));
        assert!(
            found.iter().any(|text| text == expected),
            "{from:?} -> {to:?}: {found:#?}\nexpected {expected}"
        );
    }
}

#[test]
fn a_file_that_is_gone_is_a_break() {
    let found = breaks(&compile(BEFORE), &FileDescriptorSet::default());
    assert!(
        found.contains(&"t.proto: file was removed".to_owned()),
        "{found:#?}"
    );
}

#[test]
fn additions_break_nobody() {
    let before = compile(BEFORE);
    let mut after = BEFORE.to_owned();
    for (from, to) in [
        ("string name = 1;", "string name = 1; string room = 10;"),
        ("string bolt = 4;", "string bolt = 4; string code = 11;"),
        ("KIND_BACK = 2;", "KIND_BACK = 2; KIND_SIDE = 3;"),
        ("rpc Open(Door)", "rpc Close(Door) returns (Door); rpc Open(Door)"),
        ("reserved 9, 20 to 29", "reserved 9, 30, 20 to 25, 26 to 29"),
        (
            "service Doors",
            "service Gates {} message Gate {} enum Side { SIDE_UNSPECIFIED = 0; } service Doors",
        ),
    ] {
        assert!(after.contains(from), "{from:?} is in the contract");
        after = after.replacen(from, to, 1);
    }
    assert_eq!(breaks(&before, &compile(&after)), [""; 0]);
}

fn protos_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(protos_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

fn copy_tree(from: &Path, to: &Path) {
    for file in protos_below(from) {
        let target = to.join(file.strip_prefix(from).expect("below it"));
        fs::create_dir_all(target.parent().expect("a parent")).expect("made");
        fs::copy(file, target).expect("copied");
    }
}
