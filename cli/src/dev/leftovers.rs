//! What an earlier start left running when it was killed: written down as parts are started, looked for at the next
//! start. Ends nothing: that is for the person who reads the message.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::folder::{Folder, write_private};

/// A process and the command it was started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Its id.
    pub pid: u32,
    /// Program and arguments.
    pub argv: Vec<String>,
}

/// Parts of an earlier start that run; never none.
#[derive(Debug, thiserror::Error)]
pub struct StillRunning(Vec<Started>);

/// Writes down what this start has started so far, in place of what the one before did.
///
/// # Errors
/// What the file system said.
pub fn write(folder: &Folder, started: &[Started]) -> io::Result<()> {
    write_private(&path(folder), &serde_json::to_vec_pretty(started)?)
}

/// Makes sure that nothing runs of what an earlier start wrote down. A list that can't be read is no list.
///
/// # Errors
/// Names what runs.
pub fn check_none(folder: &Folder) -> Result<(), StillRunning> {
    let list = fs::read(path(folder)).unwrap_or_default();
    let mut started: Vec<Started> = serde_json::from_slice(&list).unwrap_or_default();
    started.retain(|started| runs(Path::new("/proc"), started));
    if started.is_empty() {
        return Ok(());
    }
    Err(StillRunning(started))
}

fn path(folder: &Folder) -> PathBuf {
    folder.path("run/started.json")
}

/// Whether the process is there and still that command: ids are given out again.
fn runs(proc: &Path, started: &Started) -> bool {
    let Some((program, arguments)) = started.argv.split_first() else {
        return false;
    };
    let process = proc.join(started.pid.to_string());
    let (Ok(exe), Ok(command_line)) = (
        fs::read_link(process.join("exe")),
        fs::read(process.join("cmdline")),
    ) else {
        return false;
    };
    // A program that was built again since it was started is marked so by Linux.
    let exe = exe.to_string_lossy();
    let exe = Path::new(exe.strip_suffix(" (deleted)").unwrap_or(&exe));
    let program = fs::canonicalize(program).unwrap_or_else(|_| program.into());
    let given = command_line.split(|&byte| byte == 0).skip(1);
    exe == program
        && given
            .zip(arguments)
            .filter(|(given, argument)| *given == argument.as_bytes())
            .count()
            == arguments.len()
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Started { pid, argv }) in self.0.iter().enumerate() {
            let name = argv.first().and_then(|program| Path::new(program).file_name());
            let name = name.unwrap_or_default().to_string_lossy();
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}process {pid} ({name})")?;
        }
        let verb = if self.0.len() == 1 { "runs" } else { "run" };
        write!(f, " of an earlier start still {verb}: kill")?;
        self.0
            .iter()
            .try_for_each(|Started { pid, .. }| write!(f, " {pid}"))
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    /// Ended with the test.
    struct Sleeper(Child);

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn sleeper(dir: &Path, seconds: &str) -> (Sleeper, Started) {
        let program = dir.join("postern-sidecar");
        if !program.exists() {
            fs::copy("/bin/sleep", &program).unwrap();
        }
        let child = loop {
            match Command::new(&program).arg(seconds).spawn() {
                // A child that another test is starting just now holds the copy open for writing, until its exec.
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {}
                child => break child.unwrap(),
            }
        };
        let started = Started {
            pid: child.id(),
            argv: vec![program.to_str().unwrap().to_owned(), seconds.to_owned()],
        };
        (Sleeper(child), started)
    }

    fn folder() -> (tempfile::TempDir, Folder) {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(&temp.path().join("data")).unwrap();
        (temp, folder)
    }

    #[test]
    fn what_still_runs_is_named_with_the_command_that_ends_it() {
        let (temp, folder) = folder();
        assert!(check_none(&folder).is_ok(), "nothing was ever started");
        let (one, first) = sleeper(temp.path(), "1000");
        let (_two, second) = sleeper(temp.path(), "1001");
        let (a, b) = (first.pid, second.pid);
        write(&folder, &[first, second]).unwrap();
        assert_eq!(
            check_none(&folder).unwrap_err().to_string(),
            format!(
                "process {a} (postern-sidecar), process {b} (postern-sidecar) of an earlier start still run: kill {a} {b}"
            )
        );
        drop(one);
        fs::remove_file(temp.path().join("postern-sidecar")).unwrap();
        assert_eq!(
            check_none(&folder).unwrap_err().to_string(),
            format!("process {b} (postern-sidecar) of an earlier start still runs: kill {b}"),
            "also when its program was built again"
        );
    }

    #[test]
    fn somebody_elses_process_of_that_id_is_left_out() {
        let (temp, folder) = folder();
        let (_sleeper, started) = sleeper(temp.path(), "1000");
        for argv in [
            vec!["/bin/sleep".to_owned(), "1000".to_owned()],
            vec![started.argv[0].clone(), "1001".to_owned()],
            vec![],
        ] {
            write(&folder, &[Started { argv, ..started }]).unwrap();
            assert!(check_none(&folder).is_ok());
        }
    }
}
