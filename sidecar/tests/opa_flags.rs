//! What OPA's flags make of the process that stands in for it: sockets, protocols, log lines.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Client;
use serde_json::Value as Json;

/// A process that ends with its value, and its folder.
#[cfg(test)]
struct Running {
    process: Child,
    folder: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
impl Running {
    /// Starts it with a policy that doesn't compile to anything asked for, and waits until it answers at `api.sock`.
    async fn start(flags: &[&str]) -> Self {
        Self::start_in(&[], flags).await
    }

    async fn start_in(environment: &[(&str, &str)], flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = |name: &str| format!("unix://{}", folder.path().join(name).display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern-sidecar"));
        command
            .args(["run", "--server"])
            .arg(format!("--addr={}", address("api.sock")))
            .arg(format!("--diagnostic-addr={}", address("diagnostic.sock")))
            .arg(format!(
                "--set=plugins.envoy_ext_authz_grpc.addr={}",
                address("grpc.sock")
            ))
            .args(flags)
            .env_remove("POSTERN_LOG")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap());
        let process = command.spawn().unwrap();
        let running = Self { process, folder };
        let client = Client::builder()
            .unix_socket(running.path("api.sock"))
            .build()
            .unwrap();
        let answered = async {
            while client.get("http://opa/health").send().await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let answered = tokio::time::timeout(Duration::from_secs(30), answered).await;
        assert!(answered.is_ok(), "{}", running.log());
        running
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        mode(&self.path(name))
    }
}

#[cfg(test)]
fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn sockets_have_the_mode_and_speak_the_protocols_that_flags_say() {
    let running = Running::start(&["--unix-socket-perm=700", "--h2c"]).await;
    assert_eq!(running.mode("api.sock"), 0o700);
    assert_eq!(running.mode("diagnostic.sock"), 0o700);
    let client =
        |builder: reqwest::ClientBuilder| builder.unix_socket(running.path("api.sock")).build().unwrap();
    let new = client(Client::builder().http2_prior_knowledge());
    let old = client(Client::builder());
    let answer = new.get("http://opa/health").send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    let answer = old.get("http://opa/health").send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_11);

    let plain = Running::start(&[]).await;
    assert_eq!(plain.mode("api.sock"), 0o755);
    let new = Client::builder()
        .http2_prior_knowledge()
        .unix_socket(plain.path("api.sock"));
    let refused = new.build().unwrap().get("http://opa/health").send().await;
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test]
async fn lines_are_those_and_in_the_form_that_flags_say() {
    let json = Running::start(&[]).await.log();
    assert!(json.lines().count() > 0);
    for line in json.lines() {
        let line: Json = serde_json::from_str(line).unwrap();
        assert_ne!(line["level"], "DEBUG");
    }
    let pretty = Running::start(&["--log-format=json-pretty"]).await.log();
    assert!(pretty.lines().count() > json.lines().count(), "{pretty}");
    let first: Json = serde_json::Deserializer::from_str(&pretty)
        .into_iter()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(first["component"], "sidecar");
    let text = Running::start(&["--log-format", "text"]).await.log();
    assert!(!text.contains('{') && text.contains("INFO"), "{text}");
    let errors = Running::start(&["--log-level=error"]).await.log();
    assert_eq!(errors, "");
}

#[tokio::test]
async fn a_machine_without_authorities_is_good_enough_for_plain_http() {
    let nowhere = [("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")];
    let running = Running::start_in(&nowhere, &["--set=services.s.url=http://127.0.0.1:1"]).await;
    assert!(running.log().contains("none is trusted"), "{}", running.log());
}
