//! Starts the binary in a folder of its own and speaks to it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postern_jose::{Algorithm, LocalSigner, Signer};
use postern_policy::{BundleBuilder, Limits, bundle};
use postern_proto::identity::v1::session_identity_service_client::SessionIdentityServiceClient;
use postern_proto::identity::v1::{CreateClientRequest, CreateClientResponse};
use postern_proto::policy::v1::iam_policy_service_client::IamPolicyServiceClient;
use postern_proto::policy::v1::{BundleInfo, PublishBundleRequest};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// The demo's plan, as `postern dev` publishes it.
const PLAN: &[u8] = include_bytes!("../../../../cli/demo/policy/plan.json");
/// Nothing here takes this long; it keeps a broken test from hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with a configuration, in which the binary is started, stopped and started again.
pub(crate) struct House {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) signer: LocalSigner,
}

impl House {
    pub(crate) fn new() -> Self {
        let house = Self {
            folder: tempfile::tempdir().unwrap(),
            signer: LocalSigner::generate(Algorithm::ES256).unwrap(),
        };
        let key = house.signer.public_jwk().to_spki_pem().unwrap();
        std::fs::write(house.folder.path().join("bundle.pub.pem"), key).unwrap();
        house.configure("127.0.0.1:0", "127.0.0.1:0");
        house
    }

    pub(crate) fn configure(&self, http: &str, grpc: &str) {
        let text = format!(
            "data_dir: data\nhttp: {{ listen: \"{http}\" }}\ngrpc: {{ listen: \"{grpc}\" }}\n\
             issuer: https://auth.example.com\n\
             policy:\n  verification:\n    keys:\n\
             \x20     - {{ key_id: demo, algorithm: ES256, public_key_file: bundle.pub.pem }}\n"
        );
        std::fs::write(self.folder.path().join("control-plane.yaml"), text).unwrap();
    }

    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the binary and waits until it says that it is ready.
    pub(crate) fn start(&self) -> Plane {
        let mut child = self.command().spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = follow(&mut child, &log);
        let ready = loop {
            let line = lines
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("not ready: {:#?}", log.lock().unwrap()));
            let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if line["message"] == "ready" {
                break line;
            }
        };
        let credential = |role: &str| {
            std::fs::read_to_string(self.data().join("credentials").join(role))
                .unwrap()
                .trim_end()
                .to_owned()
        };
        Plane {
            child,
            log,
            http: format!("http://{}", ready["http"].as_str().unwrap()),
            grpc: format!("http://{}", ready["grpc"].as_str().unwrap()),
            admin: credential("admin"),
            sidecar: credential("sidecar"),
        }
    }

    /// Runs the binary to its end, which must come by itself: how it ended and what it said.
    pub(crate) fn run_to_end(&self) -> (ExitStatus, String) {
        let output = self.command().output().unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    }

    pub(crate) fn archive(&self, revision: &str) -> Vec<u8> {
        archive(revision, &self.signer)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern-control-plane"));
        command
            .arg("--config")
            .arg(self.folder.path().join("control-plane.yaml"))
            .env_remove("POSTERN_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }
}

/// A signed bundle of the demo's policy.
pub(crate) fn archive(revision: &str, signer: &dyn Signer) -> Vec<u8> {
    let archive = BundleBuilder::new(revision).plan(PLAN).build().unwrap();
    bundle::sign(&archive, signer, "demo", &Limits::default()).unwrap()
}

/// Every file below `root` as one list of bytes, by path.
pub(crate) fn files(root: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => found.push((entry.path(), std::fs::read(entry.path()).unwrap())),
            }
        }
    }
    found.sort();
    found
}

fn follow(child: &mut Child, log: &Arc<Mutex<Vec<String>>>) -> Receiver<String> {
    let (sender, receiver) = channel();
    let (stderr, log) = (child.stderr.take().unwrap(), Arc::clone(log));
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            log.lock().unwrap().push(line.clone());
            let _ = sender.send(line);
        }
    });
    receiver
}

/// A running control plane; killed when dropped.
pub(crate) struct Plane {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    pub(crate) http: String,
    pub(crate) grpc: String,
    pub(crate) admin: String,
    pub(crate) sidecar: String,
}

impl Drop for Plane {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a credential along.
#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

pub(crate) type Authorized = InterceptedService<Channel, Bearer>;

impl Plane {
    pub(crate) async fn authorized(&self, credential: &str) -> Authorized {
        let channel = Channel::from_shared(self.grpc.clone())
            .unwrap()
            .connect()
            .await
            .unwrap();
        InterceptedService::new(channel, Bearer(format!("Bearer {credential}").parse().unwrap()))
    }

    pub(crate) async fn create_client(
        &self,
        request: CreateClientRequest,
    ) -> Result<CreateClientResponse, Status> {
        let mut identity = SessionIdentityServiceClient::new(self.authorized(&self.admin).await);
        identity
            .create_client(request)
            .await
            .map(tonic::Response::into_inner)
    }

    /// Registers `reader` for `orders:read`; gives its secret.
    pub(crate) async fn reader(&self) -> String {
        let request = CreateClientRequest {
            client_id: "reader".into(),
            name: "Reader".into(),
            scopes: vec!["orders:read".into()],
            audience: vec!["urn:postern:demo".into()],
            client_secret: String::new(),
        };
        self.create_client(request).await.unwrap().client_secret
    }

    pub(crate) async fn publish(&self, name: &str, archive: Vec<u8>) -> Result<BundleInfo, Status> {
        self.publish_for(name, archive, &[]).await
    }

    /// Publishes a bundle of which this is asked.
    pub(crate) async fn publish_for(
        &self,
        name: &str,
        archive: Vec<u8>,
        asked: &[&str],
    ) -> Result<BundleInfo, Status> {
        let mut policy = IamPolicyServiceClient::new(self.authorized(&self.admin).await);
        let request = PublishBundleRequest {
            name: name.into(),
            archive: archive.into(),
            entrypoints: asked.iter().map(ToString::to_string).collect(),
        };
        policy
            .publish_bundle(request)
            .await
            .map(|answer| answer.into_inner().bundle.unwrap())
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        reqwest::Client::new()
            .get(format!("{}{path}", self.http))
            .timeout(PATIENCE)
    }

    /// The metrics, as soon as they say `line`.
    pub(crate) async fn metrics_with(&self, line: &str) -> String {
        let said = async {
            loop {
                let metrics = self.get("/metrics").bearer_auth(&self.admin).send();
                let metrics = metrics.await.unwrap().text().await.unwrap();
                if metrics.contains(line) {
                    return metrics;
                }
            }
        };
        tokio::time::timeout(PATIENCE, said)
            .await
            .unwrap_or_else(|_| panic!("the metrics never say {line}"))
    }

    pub(crate) async fn token(&self, client_id: &str, secret: &str, form: &str) -> (u16, serde_json::Value) {
        let answer = reqwest::Client::new()
            .post(format!("{}/oauth2/token", self.http))
            .basic_auth(client_id, Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), json(answer).await)
    }

    /// The log lines so far.
    /// The lines of one request, once there are `count` of them: they are read behind the process's back.
    pub(crate) async fn log_of(&self, correlation_id: &str, count: usize) -> Vec<serde_json::Value> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let mut lines = self.log();
            lines.retain(|line| line["correlation_id"] == correlation_id);
            if lines.len() >= count || tokio::time::Instant::now() > deadline {
                return lines;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn log(&self) -> Vec<serde_json::Value> {
        self.log
            .lock()
            .unwrap()
            .iter()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Waits until the process has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Stops it as a supervisor does.
    pub(crate) fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        assert!(self.ended().success());
    }
}

pub(crate) async fn json(answer: reqwest::Response) -> serde_json::Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}
