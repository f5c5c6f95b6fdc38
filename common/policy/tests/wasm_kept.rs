//! What was compiled of Wasm modules is kept on disk: found again, never run where it was damaged, and not without end. A program
//! of its own, since where it is kept counts for the whole process.

#![cfg(feature = "wasm")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail as tests do"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use postern_policy::{HttpSend, WasmModule, keep_modules_in};

/// A module that no other is like.
fn module(n: usize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("a.rego"),
        format!("package a\n\nx := input.x == {n}\n"),
    )
    .unwrap();
    let build = ["build", "-t", "wasm", "-e", "a/x", "a.rego"];
    support::run_well(folder.path(), &build);
    let archive = fs::read(folder.path().join("bundle.tar.gz")).unwrap();
    let read = postern_policy::Bundle::read(
        &archive,
        &postern_policy::Verification::Unsigned,
        &postern_policy::Limits::default(),
    );
    read.unwrap().file("policy.wasm").expect("a module").to_vec()
}

/// The files of machine code, and when each was written.
fn kept(folder: &Path) -> Vec<(PathBuf, std::time::SystemTime)> {
    let mut found = Vec::new();
    for version in fs::read_dir(folder.join("code/modules")).unwrap() {
        for entry in fs::read_dir(version.unwrap().path()).unwrap() {
            let entry = entry.unwrap();
            if entry.path().extension().is_none() {
                found.push((entry.path(), entry.metadata().unwrap().modified().unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn sums(folder: &Path) -> usize {
    fs::read_dir(folder.join("sums")).unwrap().count()
}

fn load(module: &[u8]) {
    let loaded = WasmModule::load(module, HttpSend::Off).unwrap();
    assert_eq!(loaded.entrypoints().collect::<Vec<_>>(), ["a/x"]);
}

#[test]
fn a_module_is_compiled_once_and_what_was_damaged_anew() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("modules");
    keep_modules_in(&folder).unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let modules: Vec<Vec<u8>> = (0..10).map(module).collect();

    // Compiled, and found again: nothing is written.
    load(&modules[0]);
    let first = kept(&folder);
    assert_eq!((first.len(), sums(&folder)), (1, 1));
    load(&modules[0]);
    assert_eq!(kept(&folder), first);

    // Whatever happened to it, it isn't read: wasmtime would run what it finds.
    let (path, _) = &first[0];
    let whole = fs::read(path).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let others = [
        flipped,
        whole[..middle].to_vec(),
        Vec::new(),
        b"not code".to_vec(),
    ];
    for damaged in others {
        fs::write(path, &damaged).unwrap();
        load(&modules[0]);
        assert_eq!(fs::read(path).unwrap(), whole, "{} bytes", damaged.len());
    }
    // Nor is what nobody noted a sum of, whether it is good or not.
    let stranger = path.with_file_name("strange");
    fs::write(&stranger, &whole).unwrap();
    load(&modules[0]);
    assert!(!stranger.exists());
    assert_eq!((kept(&folder).len(), sums(&folder)), (1, 1));

    // Eight of ten, of which the last is one.
    for module in &modules {
        load(module);
    }
    assert_eq!((kept(&folder).len(), sums(&folder)), (8, 8));
    let before = kept(&folder);
    load(&modules[9]);
    assert_eq!(kept(&folder), before);

    // One place for all of the process; the same may be said again.
    keep_modules_in(&folder).unwrap();
    let other = keep_modules_in(&outer.path().join("other")).unwrap_err();
    assert!(other.to_string().contains("already"), "{other}");
}
