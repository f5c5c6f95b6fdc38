//! A folder of a test's own in which the pinned `opa` works.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::tools;

/// The folder, and where `opa` is.
pub(crate) struct Folder {
    opa: PathBuf,
    path: PathBuf,
}

impl Folder {
    /// An empty one.
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder {
            opa: tools::made("opa", "POSTERN_OPA"),
            path,
        }
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path.join(file), text).expect("a file");
    }

    /// The plan that `opa build` makes of what lies here.
    pub(crate) fn plan(&self, entrypoints: &[String], flags: &[&str]) -> Vec<u8> {
        let mut arguments = vec!["build", "-t", "plan", "-o", "bundle.tar.gz"];
        arguments.extend(flags);
        arguments.extend(entrypoints.iter().flat_map(|entrypoint| ["-e", entrypoint]));
        arguments.push(".");
        success(&mut self.command(&arguments));
        let mut tar = Command::new("tar");
        success(
            tar.args(["-xzf", "bundle.tar.gz", "/plan.json"])
                .current_dir(&self.path),
        );
        std::fs::read(self.path.join("plan.json")).expect("a plan")
    }

    /// What `opa` says, whether it succeeds or not.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Output {
        output(&mut self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.opa);
        command.args(arguments).current_dir(&self.path);
        command
    }
}

fn success(command: &mut Command) {
    let output = output(command);
    let problem = [&output.stdout, &output.stderr]
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .concat();
    assert!(output.status.success(), "{command:?}: {problem}");
}

fn output(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{command:?}: {error}"))
}
