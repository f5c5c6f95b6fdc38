//! OPA itself and the sidecar in its place, started alike.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::recorder::{Came, Recorder};

const SOON: Duration = Duration::from_secs(30);

/// A program that ends with its value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Opa,
    Sidecar,
}

/// The pinned opa.
pub(super) fn opa() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/tools.sh");
    let output = Command::new("bash").arg(script).output().unwrap();
    assert!(output.status.success(), "this test needs opa; run `make tools`");
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// Starts a program with that configuration and environment, until it has sent its status to `recorder`; gives what came
/// there.
pub(super) async fn came_of(
    program: Program,
    folder: &Path,
    config: &str,
    environment: &[(&str, String)],
    recorder: &Recorder,
) -> Vec<Came> {
    let file = folder.join("opa.yaml");
    std::fs::write(&file, config).unwrap();
    let mut command = match program {
        Program::Opa => {
            let mut command = Command::new(opa());
            command.args(["run", "--server", "--addr=127.0.0.1:0", "--disable-telemetry"]);
            command
        }
        Program::Sidecar => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_postern-sidecar"));
            let socket = folder.join("grpc.sock");
            command
                .args(["run", "--server", "--addr=127.0.0.1:0"])
                .arg(format!(
                    "--set=plugins.envoy_ext_authz_grpc.addr=unix://{}",
                    socket.display()
                ));
            command
        }
    };
    let log = std::fs::File::create(folder.join(format!("{program:?}.log"))).unwrap();
    command
        .arg("--config-file")
        .arg(&file)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let running = Running(command.spawn().unwrap());
    let status = recorder.until(|came| came.target.contains("/status"));
    if tokio::time::timeout(SOON, status).await.is_err() {
        let log = std::fs::read_to_string(folder.join(format!("{program:?}.log"))).unwrap();
        panic!("{program:?} sends no status\n{config}\n{log}");
    }
    drop(running);
    recorder.left_alone().await;
    recorder.taken()
}
