//! A sidecar of the test's own behind an Envoy of the test's own, before an upstream that shows what reached it. Unlike
//! [`Stack`](super::Stack) there is no control plane: what a test needs of the configuration, it says.
//!
//! ```no_run
//! # async fn example() {
//! use postern_e2e::stack::Mesh;
//! use serde_json::json;
//!
//! let mesh = Mesh::builder()
//!     .await
//!     // Members of sidecar.yaml, over those that are there (see below); `null` takes one away.
//!     .sidecar(json!({ "routes": [{ "name": "all", "policy": "off", "accept": "anonymous" }] }))
//!     // Changes to envoy/dev.yaml, which is what runs otherwise.
//!     .envoy(|envoy| envoy.ext_authz()["encode_raw_headers"] = json!(false))
//!     .start()
//!     .await;
//! let answer = mesh.ask("GET", "/orders", &[("authorization", &mesh.bearer())]).await;
//! assert_eq!((answer.status, answer.upstream_header("x-postern-subject").as_str()), (200, "tester"));
//! // What no HTTP client sends: bytes of HTTP/1.1, lines without their ends.
//! mesh.raw(&["GET /a//b HTTP/1.1", "host: a", "x_postern_subject: root"]).await;
//! # }
//! ```
//!
//! Without a word from the test, sidecar.yaml trusts [`Mesh::issuer`] for `urn:tests`, has one route `default` that accepts
//! its tokens, and asks no policy (`policy: off`). [`MeshBuilder::demo_policy`] has the demo's policy asked instead.
//! [`MeshBuilder::folder`] is there before the start, for certificates and the like; [`Mesh::envoy_address`],
//! [`Mesh::admin`] and [`Mesh::socket`] are for clients of other kinds, [`Mesh::sidecar_log`] for what was logged, and
//! [`MeshBuilder::without_envoy`] for other proxies (the upstream is [`Mesh::upstream`]).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use postern_policy::bundle::BundleBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::upstream::serve_upstream;
use super::{Answer, EnvoyConfig, TestIssuer, binary, root, wait_until};
use crate::bench::tools;

/// A debug build on a loaded machine takes its time; a healthy start is far quicker.
const START_LIMIT: Duration = Duration::from_secs(60);

/// For whom the default configuration accepts tokens.
pub const AUDIENCE: &str = "urn:tests";

/// A mesh before it is started.
pub struct MeshBuilder {
    folder: TempDir,
    issuer: TestIssuer,
    upstream: SocketAddr,
    sidecar: Value,
    envoy: EnvoyConfig,
    envoy_address: SocketAddr,
    with_envoy: bool,
}

/// A running mesh. Dropping it ends its processes.
pub struct Mesh {
    folder: TempDir,
    /// The issuer that the sidecar trusts.
    pub issuer: TestIssuer,
    /// Where the upstream listens.
    pub upstream: SocketAddr,
    /// Where Envoy listens.
    pub envoy_address: SocketAddr,
    /// Keeps nothing, follows no redirect, uses no proxy.
    pub http: reqwest::Client,
    admin: String,
    processes: Vec<Child>,
}

impl Mesh {
    /// Makes a folder and starts what a mesh needs besides its processes.
    ///
    /// # Panics
    /// Where neither a folder nor a socket can be had.
    pub async fn builder() -> MeshBuilder {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"));
        let issuer = TestIssuer::start().await;
        let upstream = serve_upstream().await;
        let (admin, envoy_address) = (free_address(), free_address());
        let socket = folder.path().join("sidecar.sock");
        let sidecar = json!({
            "data_dir": folder.path().join("data"),
            "ext_authz": { "listen": [format!("unix:{}", socket.display())] },
            "admin": { "listen": admin.to_string() },
            "log_decisions": "all",
            "issuers": [{
                "issuer": issuer.issuer(), "jwks_uri": issuer.jwks_uri(), "audiences": [AUDIENCE],
            }],
            "routes": [{ "name": "default", "policy": "off" }],
        });
        MeshBuilder {
            envoy: EnvoyConfig::shipped(envoy_address.port(), &socket, upstream),
            folder,
            issuer,
            upstream,
            sidecar,
            envoy_address,
            with_envoy: true,
        }
    }

    /// Sends a request through Envoy.
    ///
    /// # Panics
    /// Where the method is none, or no answer comes.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let method = method.parse().unwrap_or_else(|_| panic!("{method} is no method"));
        let mut request = self
            .http
            .request(method, format!("http://{}{path}", self.envoy_address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.send().await).await
    }

    /// Sends these lines of HTTP/1.1 through Envoy, on a connection of their own, and reads the answer.
    ///
    /// # Panics
    /// Where no answer comes.
    pub async fn raw(&self, lines: &[&str]) -> Answer {
        raw(self.envoy_address, lines).await
    }

    /// `Authorization` with a good token of [`Mesh::issuer`].
    #[must_use]
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.issuer.sign(&self.issuer.claims(AUDIENCE)))
    }

    /// Where the sidecar's ext_authz listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder().join("sidecar.sock")
    }

    /// GET of one of the sidecar's admin pages.
    pub async fn admin(&self, path: &str) -> Answer {
        Answer::read(self.http.get(format!("{}{path}", self.admin)).send().await).await
    }

    /// The folder with `sidecar.yaml`, `envoy.yaml` and what the processes leave.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The sidecar's log so far, a line of JSON each.
    #[must_use]
    pub fn sidecar_log(&self) -> String {
        read(&self.folder().join("sidecar.log"))
    }

    /// The sidecar's process id.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn sidecar_pid(&self) -> u32 {
        self.processes
            .first()
            .map_or_else(|| panic!("no sidecar"), Child::id)
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl MeshBuilder {
    /// The folder, for files that the configurations name.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The issuer that the sidecar will trust.
    #[must_use]
    pub fn issuer(&self) -> &TestIssuer {
        &self.issuer
    }

    /// Puts these members over those of sidecar.yaml; `null` takes one away.
    ///
    /// # Panics
    /// Where `members` is no object.
    #[must_use]
    pub fn sidecar(mut self, members: Value) -> Self {
        let (Some(config), Value::Object(members)) = (self.sidecar.as_object_mut(), members) else {
            panic!("members of sidecar.yaml are an object")
        };
        for (name, value) in members {
            if value.is_null() {
                config.remove(&name);
            } else {
                config.insert(name, value);
            }
        }
        self
    }

    /// Changes Envoy's configuration.
    #[must_use]
    pub fn envoy(mut self, change: impl FnOnce(&mut EnvoyConfig)) -> Self {
        change(&mut self.envoy);
        self
    }

    /// Starts no Envoy, for other proxies and for clients that ask the sidecar themselves.
    #[must_use]
    pub fn without_envoy(mut self) -> Self {
        self.with_envoy = false;
        self
    }

    /// Has the demo's policy (`cli/demo/policy`) asked on every route that doesn't say `policy: off`; the route `default`
    /// no longer does.
    ///
    /// # Panics
    /// Where the bundle can't be made.
    pub async fn demo_policy(self) -> Self {
        let path = root().join("cli/demo/policy/plan.json");
        let plan = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.policy("orders/authz/decision", plan, json!({})).await
    }

    /// Has a policy asked on every route that doesn't say `policy: off` (the route `default` no longer does): a plan of
    /// OPA's (`opa build -t plan`), and data. The bundle isn't signed.
    ///
    /// # Panics
    /// Where the bundle can't be made.
    pub async fn policy(self, entrypoint: &str, plan: Vec<u8>, data: Value) -> Self {
        let bundle = BundleBuilder::new("tests")
            .data(data.to_string())
            .plan(plan)
            .build()
            .unwrap_or_else(|error| panic!("no bundle: {error}"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap_or_else(|error| panic!("no socket: {error}"));
        let address = listener
            .local_addr()
            .unwrap_or_else(|error| panic!("no address: {error}"));
        let router = axum::Router::new().route("/bundle", axum::routing::get(move || async move { bundle }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        self.sidecar(json!({
            "routes": null,
            "policy": {
                "bundle": "tests",
                "url": format!("http://{address}/bundle"),
                "entrypoint": entrypoint,
                "allow_unsigned": true,
            },
        }))
    }

    /// Starts sidecar and Envoy and waits until requests get through.
    ///
    /// # Panics
    /// Where one of them doesn't start; with what it said.
    pub async fn start(mut self) -> Mesh {
        let folder = self.folder.path().to_owned();
        let admin = format!(
            "http://{}",
            self.sidecar["admin"]["listen"].as_str().unwrap_or_default()
        );
        // JSON is YAML.
        write(&folder.join("sidecar.yaml"), &format!("{:#}", self.sidecar));
        let mut sidecar = Command::new(binary("postern-sidecar"));
        sidecar.arg("--config").arg(folder.join("sidecar.yaml"));
        let mut mesh = Mesh {
            processes: vec![spawn(&mut sidecar, &folder.join("sidecar.log"))],
            folder: self.folder,
            issuer: self.issuer,
            upstream: self.upstream,
            envoy_address: self.envoy_address,
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(Duration::from_secs(10))
                .build()
                .unwrap_or_else(|error| panic!("no HTTP client: {error}")),
            admin,
        };
        mesh.wait_for("sidecar", || async {
            let ready = mesh.http.get(format!("{}/readyz", mesh.admin)).send().await;
            matches!(ready, Ok(answer) if answer.status().is_success())
        })
        .await;
        if self.with_envoy {
            write(&folder.join("envoy.yaml"), &format!("{:#}", self.envoy.root()));
            let program = tools::envoy(&root()).unwrap_or_else(|error| panic!("{error:#}"));
            let mut envoy = Command::new(program);
            envoy.arg("-c").arg(folder.join("envoy.yaml")).args([
                "--concurrency",
                "1",
                "--use-dynamic-base-id",
                "--log-level",
                "warn",
            ]);
            mesh.processes.push(spawn(&mut envoy, &folder.join("envoy.log")));
            mesh.wait_for("envoy", || async {
                TcpStream::connect(mesh.envoy_address).await.is_ok()
            })
            .await;
        }
        mesh
    }
}

impl Mesh {
    /// Waits for a process that has just been started; where it ends instead, shows what it said.
    async fn wait_for<F: Future<Output = bool>>(&self, name: &str, ask: impl Fn() -> F) {
        let pid = self.processes.last().map(Child::id).unwrap_or_default();
        let log = self.folder().join(format!("{name}.log"));
        wait_until(&format!("{name} is ready"), START_LIMIT, || async {
            assert!(super::alive(pid), "{name} ended:\n{}", read(&log));
            ask().await
        })
        .await;
    }
}

/// Sends these lines of HTTP/1.1 to `address`, on a connection of their own, and reads the answer.
///
/// # Panics
/// Where no answer comes.
pub async fn raw(address: SocketAddr, lines: &[&str]) -> Answer {
    let text = format!("{}\r\nconnection: close\r\n\r\n", lines.join("\r\n"));
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(text.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(Duration::from_secs(10), exchange)
        .await
        .unwrap_or_else(|_| panic!("no answer to {lines:?} in time"))
        .unwrap_or_else(|error| panic!("no answer to {lines:?}: {error}"));
    Answer::parse(&answer)
}

/// Output goes to a file, which a full pipe can't stop.
fn spawn(command: &mut Command, log: &Path) -> Child {
    let file = std::fs::File::create(log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    let copy = file
        .try_clone()
        .unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(copy)
        .spawn()
        .unwrap_or_else(|error| panic!("start {command:?}: {error}"))
}

fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0");
    listener
        .and_then(|listener| listener.local_addr())
        .unwrap_or_else(|error| panic!("no free port: {error}"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
