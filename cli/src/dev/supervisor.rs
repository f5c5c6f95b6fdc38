//! Starts the parts, tells when one dies, and ends those that are left. Never starts one again: that is for the person
//! who watches, or, in production, for what runs there.

use std::{
    fs::{self, File},
    io,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    process::{Child, Command},
    sync::{mpsc, watch},
    task::JoinSet,
    time::sleep,
};

use super::{
    last_lines::last_lines,
    part::{Launch, Part},
};

/// Of a part's log, in bytes, when it is looked at.
const MAX_LOG_BYTES: u64 = 16 * 1024 * 1024;
/// How often it is looked at.
const LOOK_AT_LOG_EVERY: Duration = Duration::from_secs(2);

/// How long a part may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// What the parts' keepers are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Keep,
    /// SIGTERM, then, after the grace, SIGKILL.
    End,
    /// SIGKILL now.
    Kill,
}

/// A part that ended without being asked to.
#[derive(Debug)]
pub struct Death {
    /// Which.
    pub part: Part,
    /// Its process.
    pub pid: u32,
    /// `exit status 2`, `killed by SIGKILL`.
    pub how: String,
    /// The end of its log.
    pub last_lines: Vec<String>,
}

/// The running parts.
#[derive(Debug)]
pub struct Supervisor {
    orders: watch::Sender<Order>,
    deaths: mpsc::Sender<Death>,
    keepers: JoinSet<()>,
}

impl Supervisor {
    /// With nothing running yet; deaths come out of the receiver.
    pub fn new() -> (Self, mpsc::Receiver<Death>) {
        // Each part dies once, and there are four.
        let (deaths, receiver) = mpsc::channel(8);
        (
            Self {
                orders: watch::Sender::new(Order::Keep),
                deaths,
                keepers: JoinSet::new(),
            },
            receiver,
        )
    }

    /// Starts a part in a process group of its own, so that a terminal's Ctrl-C reaches only us. Its output goes to its
    /// log, which starts afresh, and again whenever it
    /// has grown too long. Gives the process id.
    ///
    /// # Errors
    /// When it can't be started; names the program.
    pub fn start(&mut self, launch: &Launch) -> io::Result<u32> {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", launch.part.title()));
        // Appending, so that the log goes on at its beginning when it has been emptied.
        let log = File::options()
            .create(true)
            .append(true)
            .open(&launch.log)
            .and_then(|log| log.set_len(0).map(|()| log))
            .map_err(named)?;
        let (program, arguments) = launch
            .argv
            .split_first()
            .ok_or_else(|| named(io::Error::other("an empty command")))?;
        let child = Command::new(program)
            .args(arguments)
            .current_dir("/")
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(named)?)
            .stderr(log)
            .spawn()
            .map_err(named)?;
        let pid = child
            .id()
            .ok_or_else(|| named(io::Error::other("it ended at once")))?;
        let keeper = Keeper {
            child,
            pid,
            launch: launch.clone(),
            orders: self.orders.subscribe(),
        };
        self.keepers.spawn(keeper.keep(self.deaths.clone()));
        Ok(pid)
    }

    /// Ends what still runs and returns when all of it is gone; `hurry` cuts the grace short.
    pub async fn stop(mut self, hurry: impl Future<Output = ()>) {
        self.orders.send_replace(Order::End);
        let all_gone = async { while self.keepers.join_next().await.is_some() {} };
        let orders = &self.orders;
        let hurried = async {
            hurry.await;
            orders.send_replace(Order::Kill);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = all_gone => {}
            () = hurried => {}
        }
    }
}

/// Owns one child, and with it the only right to wait for it: its process id can't be somebody else's meanwhile.
struct Keeper {
    child: Child,
    pid: u32,
    launch: Launch,
    orders: watch::Receiver<Order>,
}

impl Keeper {
    async fn keep(mut self, deaths: mpsc::Sender<Death>) {
        tokio::select! {
            // When the supervisor is gone, so is the reason to keep the part.
            () = reached(&mut self.orders, Order::End) => {}
            () = keep_short(&self.launch.log, LOOK_AT_LOG_EVERY, MAX_LOG_BYTES) => {}
            ended = self.child.wait() => {
                let death = Death {
                    part: self.launch.part,
                    pid: self.pid,
                    how: ended.map_or_else(|error| error.to_string(), how),
                    last_lines: last_lines(&self.launch.log),
                };
                // Nobody listens any more only when everything is being stopped.
                let _ = deaths.send(death).await;
                return;
            }
        }
        self.end().await;
    }

    async fn end(&mut self) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // The child may have ended by itself in the meantime; it is not reaped before `wait`, so the id is still its own.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        tokio::select! {
            _ = self.child.wait() => return,
            () = sleep(GRACE) => {}
            () = reached(&mut self.orders, Order::Kill) => {}
        }
        let _ = self.child.kill().await;
    }
}

/// Empties the log whenever it is longer than `most` bytes; never returns. What is lost is old: a death is told from what
/// came last.
async fn keep_short(log: &Path, every: Duration, most: u64) {
    loop {
        sleep(every).await;
        if fs::metadata(log).is_ok_and(|meta| meta.len() > most) {
            let emptied = File::options().write(true).open(log);
            // A log that can't be emptied is no reason to end the part.
            let _ = emptied.and_then(|log| log.set_len(0));
        }
    }
}

/// Returns when the order is at least `wanted`, or when nobody gives orders any more.
async fn reached(orders: &mut watch::Receiver<Order>, wanted: Order) {
    let _ = orders.wait_for(|order| *order >= wanted).await.map(|_| ());
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => {
            let name =
                Signal::try_from(signal).map_or_else(|_| format!("signal {signal}"), |it| it.to_string());
            format!("killed by {name}")
        }
        (None, None) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::timeout;

    use super::*;

    fn shell(dir: &Path, script: &str) -> Launch {
        Launch {
            part: Part::Upstream,
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            log: dir.join("log"),
        }
    }

    fn gone(pid: u32) -> bool {
        kill(Pid::from_raw(i32::try_from(pid).unwrap()), None).is_err()
    }

    #[tokio::test]
    async fn a_death_is_told_with_how_and_the_last_lines() {
        let temp = tempfile::tempdir().unwrap();
        let (mut supervisor, mut deaths) = Supervisor::new();
        supervisor
            .start(&shell(temp.path(), "echo out; echo err >&2; exit 7"))
            .unwrap();
        let death = deaths.recv().await.unwrap();
        assert_eq!(
            (death.part, death.how.as_str()),
            (Part::Upstream, "exit status 7")
        );
        assert_eq!(death.last_lines, ["out", "err"]);
    }

    #[tokio::test]
    async fn one_that_is_killed_is_told_by_its_signal() {
        let temp = tempfile::tempdir().unwrap();
        let (mut supervisor, mut deaths) = Supervisor::new();
        supervisor.start(&shell(temp.path(), "kill -KILL $$")).unwrap();
        assert_eq!(deaths.recv().await.unwrap().how, "killed by SIGKILL");
    }

    #[tokio::test]
    async fn stop_ends_what_runs_and_waits_for_it() {
        let temp = tempfile::tempdir().unwrap();
        let (mut supervisor, mut deaths) = Supervisor::new();
        let pid = supervisor.start(&shell(temp.path(), "exec sleep 1000")).unwrap();
        supervisor.stop(pending()).await;
        assert!(gone(pid));
        assert!(
            deaths.recv().await.is_none(),
            "an end that was asked for is no death"
        );
    }

    #[tokio::test]
    async fn what_ignores_the_request_is_killed_when_hurried() {
        let temp = tempfile::tempdir().unwrap();
        let (mut supervisor, _deaths) = Supervisor::new();
        let pid = supervisor
            .start(&shell(
                temp.path(),
                "trap '' TERM; echo up; while :; do sleep 0.01; done",
            ))
            .unwrap();
        let up = async {
            while last_lines(&temp.path().join("log")).is_empty() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(30), up).await.unwrap();
        supervisor.stop(std::future::ready(())).await;
        assert!(gone(pid));
    }

    #[tokio::test]
    async fn a_log_that_grows_too_long_starts_over_while_its_part_writes_on() {
        let temp = tempfile::tempdir().unwrap();
        let log = temp.path().join("log");
        let (mut supervisor, _deaths) = Supervisor::new();
        supervisor
            .start(&shell(temp.path(), "while :; do echo a line of the log; done"))
            .unwrap();
        let most = 10_000;
        let started_over = async {
            let mut longest = 0;
            loop {
                let length = fs::metadata(&log).unwrap().len();
                if length < longest && length > 0 {
                    break;
                }
                longest = longest.max(length);
                sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            () = keep_short(&log, Duration::from_millis(20), most) => {}
            done = timeout(Duration::from_secs(30), started_over) => done.unwrap(),
        }
        assert!(
            fs::read(&log).unwrap().starts_with(b"a line of the log\n"),
            "no hole where the old text was"
        );
        supervisor.stop(std::future::ready(())).await;
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let (mut supervisor, _deaths) = Supervisor::new();
        let launch = Launch {
            argv: vec!["/nowhere/x".into()],
            ..shell(temp.path(), "")
        };
        assert!(
            supervisor
                .start(&launch)
                .unwrap_err()
                .to_string()
                .starts_with("upstream: ")
        );
    }
}
