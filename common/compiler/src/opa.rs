//! One run of `opa`: bounded, with nothing of ours in its surroundings. Knows nothing of what it is run for.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit, setpriority_process};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// As much of what it says on its standard error is kept.
const MAX_SAID_BYTES: u64 = 64 * 1024;
/// What a Go program reserves of addresses without using it.
const RESERVED_ADDRESSES: u64 = 2 << 30;
/// The lowest priority.
const NICE: i32 = 19;

/// What a run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    /// From start to end. Default 60 s; a thousand rules take a fifth of a second.
    pub deadline: Duration,
    /// What it may allocate, in bytes. Default 512 MiB; a thousand rules take 75.
    pub memory_bytes: u64,
    /// What it may write, to its standard output and to any file, in bytes. Default 256 MiB.
    pub output_bytes: u64,
    /// Whether it runs on one processor, and only when nothing else wants it. Default false.
    pub in_background: bool,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(60),
            memory_bytes: 512 << 20,
            output_bytes: 256 << 20,
            in_background: false,
        }
    }
}

/// The program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opa {
    program: PathBuf,
    limits: RunLimits,
}

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It ended with an error, and said this.
    #[error("{said}")]
    Failed {
        /// What it wrote, standard error first.
        said: String,
    },
    /// It took too long, and was ended.
    #[error("opa did not finish within {} s", .deadline.as_secs())]
    Deadline {
        /// The deadline.
        deadline: Duration,
    },
    /// It wanted more memory than it may have.
    #[error("opa needs more than the {} MiB that it may have", .memory_bytes >> 20)]
    Memory {
        /// The bound.
        memory_bytes: u64,
    },
    /// It wrote more than it may.
    #[error("opa wrote more than {limit} bytes")]
    Output {
        /// The bound.
        limit: u64,
    },
    /// It couldn't be run.
    #[error("{opa} can't be run: {source}")]
    Run {
        /// The program.
        opa: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Opa {
    /// The same, for who waits for it.
    pub(crate) fn in_foreground(&self) -> Self {
        let limits = RunLimits {
            in_background: false,
            ..self.limits
        };
        Self {
            program: self.program.clone(),
            limits,
        }
    }

    /// A program, and what each run of it may take.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, limits: RunLimits) -> Self {
        Self {
            program: program.into(),
            limits,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// What a run may take.
    #[must_use]
    pub const fn limits(&self) -> &RunLimits {
        &self.limits
    }

    /// Runs it in a folder (the present one, where none is given), and gives what it wrote to its standard output. It is
    /// ended when this is dropped.
    ///
    /// # Errors
    /// When it can't be run, fails, or takes more than it may.
    pub async fn run<A: AsRef<OsStr>>(
        &self,
        folder: Option<&Path>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Vec<u8>, RunError> {
        let mut command = Command::new(&self.program);
        // Without OPA_* variables, which would change what the flags say.
        command
            .env_clear()
            .env("GOMEMLIMIT", (self.limits.memory_bytes / 4 * 3).to_string());
        if self.limits.in_background {
            command.env("GOMAXPROCS", "1");
        }
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        command.args(arguments).kill_on_drop(true);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().map_err(|source| self.not_run(source))?;
        self.bound(&child).map_err(|source| self.not_run(source))?;
        match timeout(self.limits.deadline, self.finish(child)).await {
            Ok(finished) => finished,
            Err(_) => Err(RunError::Deadline {
                deadline: self.limits.deadline,
            }),
        }
    }

    fn not_run(&self, source: io::Error) -> RunError {
        RunError::Run {
            opa: self.program.display().to_string(),
            source,
        }
    }

    /// Bounds a process that has just begun: what it has by then is little.
    fn bound(&self, child: &Child) -> io::Result<()> {
        let Some(pid) = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) else {
            return Ok(());
        };
        let memory = self.limits.memory_bytes;
        for (resource, most) in [
            (Resource::Data, memory),
            (Resource::As, memory.saturating_add(RESERVED_ADDRESSES)),
            (Resource::Fsize, self.limits.output_bytes),
            (Resource::Core, 0),
        ] {
            let limit = Rlimit {
                current: Some(most),
                maximum: Some(most),
            };
            match prlimit(Some(pid), resource, limit) {
                Ok(_) => {}
                // It has ended already.
                Err(rustix::io::Errno::SRCH) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        if self.limits.in_background {
            // Where that may not be, it runs all the same.
            let _ = setpriority_process(Some(pid), NICE);
        }
        Ok(())
    }

    async fn finish(&self, mut child: Child) -> Result<Vec<u8>, RunError> {
        let most = self.limits.output_bytes;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (wrote, said, ended) = tokio::join!(
            bounded(stdout, most),
            bounded(stderr, MAX_SAID_BYTES),
            child.wait()
        );
        let (wrote, said, ended) = (
            wrote.map_err(|source| self.not_run(source))?,
            said.map_err(|source| self.not_run(source))?,
            ended.map_err(|source| self.not_run(source))?,
        );
        if wrote.len() as u64 > most {
            return Err(RunError::Output { limit: most });
        }
        if ended.success() {
            return Ok(wrote);
        }
        let said = String::from_utf8_lossy(&[said, wrote].concat()).into_owned();
        // What Go's runtime says when an allocation fails; or nothing, where that is before it can say anything.
        const SIGSEGV: i32 = 11;
        let fell_silent = said.trim().is_empty() && ended.signal() == Some(SIGSEGV);
        if fell_silent || said.contains("out of memory") || said.contains("cannot allocate memory") {
            return Err(RunError::Memory {
                memory_bytes: self.limits.memory_bytes,
            });
        }
        Err(RunError::Failed {
            said: if said.trim().is_empty() {
                format!("opa ended with {ended} and said nothing")
            } else {
                said
            },
        })
    }
}

/// Reads a little more than the bound at most. A writer that goes on finds nobody who reads.
async fn bounded(from: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most.saturating_add(1)).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

#[cfg(test)]
#[path = "../tests/support/program.rs"]
mod program;

#[cfg(test)]
mod tests {
    use super::*;

    fn script(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("fake");
        program::write(&path, text);
        path
    }

    async fn run(text: &str, limits: RunLimits) -> Result<String, RunError> {
        let folder = tempfile::tempdir().unwrap();
        let opa = Opa::new(script(folder.path(), text), limits);
        let wrote = opa.run(Some(folder.path()), ["a b"]).await?;
        Ok(String::from_utf8(wrote).unwrap())
    }

    #[tokio::test]
    async fn it_has_its_arguments_and_nothing_of_ours() {
        let wrote = run(r#"echo "$1 $HOME $PATH""#, RunLimits::default())
            .await
            .unwrap();
        assert!(wrote.starts_with("a b  "), "{wrote}");
        assert!(!wrote.contains(&std::env::var("HOME").unwrap()), "{wrote}");
    }

    #[tokio::test]
    async fn what_it_says_when_it_fails_is_told() {
        let error = run("echo wrong >&2; echo more; exit 1", RunLimits::default())
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "wrong\nmore\n");
        let error = run("exit 3", RunLimits::default()).await.unwrap_err();
        assert!(error.to_string().contains("said nothing"), "{error}");
    }

    #[tokio::test]
    async fn one_that_does_not_end_is_ended() {
        let limits = RunLimits {
            deadline: Duration::from_millis(200),
            ..RunLimits::default()
        };
        let error = run("exec /bin/sleep 600", limits).await.unwrap_err();
        assert!(matches!(error, RunError::Deadline { .. }), "{error}");
    }

    #[tokio::test]
    async fn one_that_writes_without_end_is_stopped() {
        let limits = RunLimits {
            output_bytes: 1000,
            ..RunLimits::default()
        };
        let error = run("exec /usr/bin/yes", limits).await.unwrap_err();
        assert!(matches!(error, RunError::Output { limit: 1000 }), "{error}");
    }

    #[tokio::test]
    async fn its_memory_and_files_are_bounded() {
        let limits = RunLimits {
            memory_bytes: 100 << 20,
            in_background: true,
            ..RunLimits::default()
        };
        // Until the bound is there: it is set after the start.
        let text = "while [ \"$(ulimit -d)\" = unlimited ]; do :; done; ulimit -d; ulimit -c";
        assert_eq!(run(text, limits).await.unwrap(), format!("{}\n0\n", 100 << 10));
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_named() {
        let opa = Opa::new("/nowhere/opa", RunLimits::default());
        let error = opa.run(None, ["version"]).await.unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/opa can't be run: "), "{error}");
    }
}
