//! The module of all of them, compiled by the pinned opa, from `scripts/tools.sh` or `POSTERN_OPA`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{process, tools};

/// A plan on disk.
pub(crate) struct Plan(PathBuf);

impl Plan {
    /// The plan of a module in a folder of that name: made now, or by the test that started this process.
    pub(crate) fn of<'a>(
        name: &str,
        module: impl FnOnce() -> String,
        entrypoints: impl Iterator<Item = &'a str>,
    ) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if std::env::var_os(process::NAME).is_none() {
            compile(&folder, &module(), entrypoints);
        }
        Self(folder.join("plan.json"))
    }

    pub(crate) fn read(&self) -> Vec<u8> {
        std::fs::read(&self.0).expect("a plan")
    }
}

fn compile<'a>(folder: &Path, module: &str, entrypoints: impl Iterator<Item = &'a str>) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("bomb.rego"), module).expect("written");
    let mut build = Command::new(tools::made("opa", "POSTERN_OPA"));
    build.args(["build", "-t", "plan", "-o", "bomb.tar.gz", "bomb.rego"]);
    for name in entrypoints {
        build.arg("-e").arg(format!("bomb/{name}"));
    }
    let output = build.current_dir(folder).output().expect("opa runs");
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let unpacked = Command::new("tar")
        .args(["-xzf", "bomb.tar.gz", "/plan.json"])
        .current_dir(folder)
        .status();
    assert!(unpacked.expect("tar runs").success());
}
