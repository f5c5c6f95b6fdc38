//! The real binary, started on a configuration, stopped with the test.

use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{AUDIENCE, ISSUER, Origin, eventually};

/// A configuration as a document; JSON is YAML.
pub(crate) struct Config {
    pub(crate) folder: PathBuf,
    pub(crate) document: Json,
}

impl Config {
    pub(crate) fn new(folder: &Path, origin: &Origin) -> Self {
        let document = json!({
            "data_dir": "data",
            "ext_authz": { "listen": ["unix:ext_authz.sock", free_address()] },
            "admin": { "listen": free_address() },
            "log_decisions": "all",
            "issuers": [{
                "issuer": ISSUER,
                "jwks_uri": origin.url("/jwks"),
                "audiences": [AUDIENCE],
                "refetch_cooldown_seconds": 1,
            }],
            "policy": {
                "bundle": "demo",
                "url": origin.url("/bundles/demo"),
                "entrypoint": "orders/authz/decision",
                "verification": {
                    "keys": [{ "key_id": "author", "algorithm": "ES256", "public_key_file": "author.pem" }],
                },
            },
        });
        Self {
            folder: folder.to_owned(),
            document,
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("ext_authz.sock")
    }

    pub(crate) fn tcp(&self) -> String {
        self.document["ext_authz"]["listen"][1]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn admin(&self, path: &str) -> String {
        format!(
            "http://{}{path}",
            self.document["admin"]["listen"].as_str().unwrap()
        )
    }

    fn command(&self) -> Command {
        let path = self.folder.join("sidecar.yaml");
        std::fs::write(&path, serde_json::to_string_pretty(&self.document).unwrap()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern-sidecar"));
        command.arg("--config").arg(path).env_clear();
        command
    }

    /// Starts it and doesn't wait.
    pub(crate) fn start(self) -> Sidecar {
        let log = std::fs::File::create(self.folder.join("log")).unwrap();
        let child = self.command().stderr(log).stdout(Stdio::null()).spawn().unwrap();
        Sidecar {
            child,
            config: self,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start_ready(self) -> Sidecar {
        let log = self.folder.join("log");
        let sidecar = self.start();
        let ready = async {
            while sidecar.readyz().await.0 != 200 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), ready).await;
        assert!(
            in_time.is_ok(),
            "not ready; its log: {}",
            std::fs::read_to_string(log).unwrap()
        );
        sidecar
    }

    /// Runs it to its end, for those that can't begin.
    pub(crate) fn refused(self) -> Output {
        self.command().output().unwrap()
    }
}

pub(crate) struct Sidecar {
    child: Child,
    pub(crate) config: Config,
    http: reqwest::Client,
}

impl Sidecar {
    pub(crate) async fn readyz(&self) -> (u16, Json) {
        self.admin("/readyz").await
    }

    pub(crate) async fn snapshot(&self) -> Json {
        self.admin("/snapshot").await.1
    }

    /// An admin endpoint's status and JSON; 0 while it can't be reached.
    pub(crate) async fn admin(&self, path: &str) -> (u16, Json) {
        let Ok(response) = self.http.get(self.config.admin(path)).send().await else {
            return (0, Json::Null);
        };
        let status = response.status().as_u16();
        let text = response.text().await.unwrap_or_default();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// The request id in an admin endpoint's answer to a request with this one.
    pub(crate) async fn request_id(&self, path: &str, sent: &str) -> String {
        let request = self
            .http
            .get(self.config.admin(path))
            .header("x-request-id", sent);
        let response = request.send().await.unwrap();
        response.headers()["x-request-id"].to_str().unwrap().to_owned()
    }

    pub(crate) async fn metrics(&self) -> String {
        self.http
            .get(self.config.admin("/metrics"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    /// The log's lines so far.
    pub(crate) fn log(&self) -> Vec<Json> {
        let text = std::fs::read_to_string(self.config.folder.join("log")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
            .collect()
    }

    /// Waits until what it decides from is on disk too: readiness doesn't wait for that.
    pub(crate) async fn settled(self) -> Self {
        let kept = |folder: &str| {
            let folder = std::fs::read_dir(self.config.folder.join("data").join(folder));
            folder.is_ok_and(|mut files| {
                files.any(|file| file.unwrap().path().extension().is_some_and(|it| it == "record"))
            })
        };
        eventually(Duration::from_secs(20), "kept on disk", || async {
            kept("keys") && kept("bundles")
        })
        .await;
        self
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to end, and waits.
    pub(crate) fn terminate(mut self) -> (ExitStatus, Config) {
        let told = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(told.success());
        (self.child.wait().unwrap(), self.into_config())
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill(mut self) -> Config {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.into_config()
    }

    fn into_config(mut self) -> Config {
        Config {
            folder: std::mem::take(&mut self.config.folder),
            document: self.config.document.take(),
        }
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking()
            && let Ok(mut log) = std::fs::File::open(self.config.folder.join("log"))
        {
            let mut text = String::new();
            let _ = log.read_to_string(&mut text);
            println!("{text}");
        }
    }
}

/// An address that was free a moment ago.
pub(crate) fn free_address() -> String {
    // Below the kernel's ephemeral range (from 32768): there a client of another test may be quicker than the process that
    // the address is for. No test of this program is given one that another was given.
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
        // Where to begin, nothing more: two programs at once begin at different places.
        let chance = RandomState::new().hash_one(std::process::id());
        AtomicU16::new(u16::try_from(chance % u64::from(COUNT)).unwrap())
    });
    (0..COUNT)
        .map(|_| FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .map(|port| format!("127.0.0.1:{port}"))
        .unwrap()
}
