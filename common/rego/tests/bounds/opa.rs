//! The module of all of them, compiled by the pinned opa, from `scripts/tools.sh` or `POSTERN_OPA`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::bombs;

static PLAN: LazyLock<PathBuf> = LazyLock::new(compile);

/// The plan: the test's own, or the one that the test which started this process has made.
pub(crate) fn plan() -> Vec<u8> {
    let plan = if std::env::var_os(super::NAME).is_some() {
        folder().join("plan.json")
    } else {
        PLAN.clone()
    };
    std::fs::read(plan).expect("a plan")
}

pub(crate) fn make() {
    LazyLock::force(&PLAN);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("bounds")
}

fn opa() -> PathBuf {
    if let Some(path) = std::env::var_os("POSTERN_OPA") {
        return path.into();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/tools.sh");
    let output = Command::new("bash").arg(&script).output().expect("bash runs");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "opa could not be built; run scripts/tools.sh by hand, or set POSTERN_OPA\n{problem}"
    );
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

fn compile() -> PathBuf {
    let folder = folder();
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("bomb.rego"), bombs::module()).expect("written");
    let mut build = Command::new(opa());
    build.args(["build", "-t", "plan", "-o", "bomb.tar.gz", "bomb.rego"]);
    for name in bombs::all().map(|bomb| bomb.name).chain(["modest"]) {
        build.arg("-e").arg(format!("bomb/{name}"));
    }
    let output = build.current_dir(&folder).output().expect("opa runs");
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let unpacked = Command::new("tar")
        .args(["-xzf", "bomb.tar.gz", "/plan.json"])
        .current_dir(&folder)
        .status();
    assert!(unpacked.expect("tar runs").success());
    folder.join("plan.json")
}
