use std::{fs, path::PathBuf};

use postern_policy::{Engine as _, PlanEngine};

use super::*;

#[path = "../../../../common/compiler/tests/support/pinned_opa.rs"]
mod pinned_opa;

use pinned_opa::{opa, program};

async fn compile_with(
    opa: &Path,
    files: &[(&str, &str)],
    entrypoint: &str,
) -> Result<CompiledPolicy, CompileError> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let entrypoints = [entrypoint.to_owned()];
    let deadline = if opa.ends_with("fake") {
        Duration::from_millis(200)
    } else {
        COMPILE_DEADLINE
    };
    compile(&CompileRequest {
        policy_dir: folder.path(),
        entrypoints: &entrypoints,
        opa,
        deadline,
    })
    .await
}

const POLICY: (&str, &str) = ("a/a.rego", "package a\n\nx if data.d.y\n");

#[tokio::test]
async fn a_folder_becomes_a_bundle_that_runs() {
    let files = [
        POLICY,
        ("a/a_test.rego", "package a_test\n\nnonsense(\n"),
        (".hidden.rego", "nonsense"),
        ("d/data.yaml", "y: true\n"),
        (
            ".manifest",
            r#"{"revision":"ignored","roots":["a","d"],"metadata":{"team":"shop"}}"#,
        ),
    ];
    let compiled = compile_with(&opa(), &files, "a/x").await.unwrap();
    let archive = compiled.bundle("r1").build().unwrap();
    let bundle = Bundle::read(&archive, &Verification::Unsigned, &Limits::default()).unwrap();
    assert_eq!(bundle.revision(), "r1");
    assert_eq!(
        bundle.modules().map(|(path, _)| path).collect::<Vec<_>>(),
        ["a/a.rego"]
    );
    assert_eq!(bundle.manifest().roots, ["a", "d"]);
    assert_eq!(bundle.manifest().metadata["team"], "shop");
    assert_eq!(bundle.data().to_json(), r#"{"d":{"y":true}}"#);
    assert_eq!(PlanEngine::from_bundle(&bundle).unwrap().entrypoints(), ["a/x"]);
}

#[tokio::test]
async fn a_wrong_policy_is_refused_with_file_and_line() {
    let error = compile_with(&opa(), &[("a.rego", "package a\n\nx := 1 +\n")], "a/x")
        .await
        .unwrap_err();
    let CompileError::Refused { message } = error else {
        panic!("{error}")
    };
    assert!(
        message.contains("a.rego:") && message.contains("rego_parse_error"),
        "{message}"
    );
    assert!(!message.starts_with("error:"), "{message}");
    let error = compile_with(&opa(), &[POLICY], "a/nope")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("\"a/nope\""), "{error}");
}

fn fake(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("fake");
    program::write(&path, script);
    path
}

#[tokio::test]
async fn a_compiler_that_hangs_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let hangs = fake(folder.path(), "exec /bin/sleep 600");
    let error = compile_with(&hangs, &[POLICY], "a/x").await.unwrap_err();
    assert!(
        matches!(error, CompileError::NotRun(RunError::Deadline { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn a_compiler_that_does_not_run_is_named() {
    let error = compile_with(Path::new("/nowhere/opa"), &[POLICY], "a/x")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("/nowhere/opa can't be run: "), "{error}");
}
