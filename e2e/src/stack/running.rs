//! A running `postern dev`, and what tests do with it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::Signal;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Answer, TestIssuer, alive, binary, free_base, root, terminate, wait_until};
use crate::bench::tools;

/// A debug build on a loaded machine takes its time; a healthy start is far quicker.
const START_LIMIT: Duration = Duration::from_secs(90);

/// How a stack is started.
#[derive(Clone, Copy, Default)]
pub struct Options {
    /// Starts no Envoy (`--no-envoy`): for tests of the other parts.
    pub without_envoy: bool,
    /// Hands over the pinned `opa`, so that policy changes are compiled.
    pub with_opa: bool,
}

/// A demo client.
#[derive(Clone, Debug, Deserialize)]
pub struct Client {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`.
    pub client_secret: String,
}

/// A `postern dev` of the test's own. Dropping it ends it as Ctrl-C does.
pub struct Stack {
    dev: Child,
    folder: TempDir,
    output: Vec<String>,
    lines: Mutex<mpsc::Receiver<String>>,
    /// What `dev.json` says.
    pub info: Value,
    /// Keeps nothing, follows no redirect, uses no proxy.
    pub http: reqwest::Client,
    by_hand: Vec<Child>,
}

impl Stack {
    /// Starts everything, Envoy included.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Starts in a fresh folder.
    ///
    /// # Panics
    /// Where it doesn't become ready.
    pub async fn start_with(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"));
        Self::start_in(folder, options).await
    }

    /// Starts in this folder, perhaps one that an earlier start has left.
    ///
    /// # Panics
    /// Where it doesn't become ready.
    pub async fn start_in(folder: TempDir, options: Options) -> Self {
        let mut last = Vec::new();
        // A port can be taken between looking and binding; that, and only that, is tried again.
        for _ in 0..3 {
            let (mut dev, lines) = spawn(folder.path(), options);
            let mut output = Vec::new();
            if until_ready(&mut dev, &lines, &mut output).await {
                let text = std::fs::read_to_string(folder.path().join("dev.json"))
                    .unwrap_or_else(|error| panic!("dev.json: {error}"));
                let info = serde_json::from_str(&text).unwrap_or_else(|error| panic!("dev.json: {error}"));
                let http = reqwest::Client::builder()
                    .no_proxy()
                    .redirect(reqwest::redirect::Policy::none())
                    .timeout(Duration::from_secs(10))
                    .build()
                    .unwrap_or_else(|error| panic!("no HTTP client: {error}"));
                return Self {
                    dev,
                    folder,
                    output,
                    lines: Mutex::new(lines),
                    info,
                    http,
                    by_hand: Vec::new(),
                };
            }
            let _ = dev.kill();
            let _ = dev.wait();
            let taken = output
                .iter()
                .any(|line| line.contains("in use") || line.contains("taken"));
            last = output;
            assert!(taken, "`postern dev` did not become ready:\n{}", last.join("\n"));
        }
        panic!("`postern dev` found no free ports:\n{}", last.join("\n"))
    }

    /// A value of `dev.json` that is a string.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn url(&self, key: &str) -> String {
        let value = self.info[key]
            .as_str()
            .unwrap_or_else(|| panic!("dev.json has no {key}"));
        value.trim_end_matches('/').to_owned()
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `postern` on this data folder, to its end.
    ///
    /// # Panics
    /// Where it can't be run.
    pub async fn postern(&self, arguments: &[&str]) -> Output {
        tokio::process::Command::new(binary("postern"))
            .args(arguments)
            .arg("--data-dir")
            .arg(self.folder())
            .output()
            .await
            .unwrap_or_else(|error| panic!("postern can't be run: {error}"))
    }

    /// What `postern dev` has printed so far.
    pub fn output(&mut self) -> &[String] {
        self.output.extend(
            self.lines
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner)
                .try_iter(),
        );
        &self.output
    }

    /// The id of a part's process.
    ///
    /// # Panics
    /// Where `dev.json` doesn't name it.
    #[must_use]
    pub fn pid(&self, part: &str) -> u32 {
        self.info["pids"][part]
            .as_u64()
            .and_then(|pid| u32::try_from(pid).ok())
            .unwrap_or_else(|| panic!("no pid of {part}"))
    }

    /// A demo client by its name.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn client(&self, name: &str) -> Client {
        serde_json::from_value(self.info["clients"][name].clone())
            .unwrap_or_else(|error| panic!("client {name}: {error}"))
    }

    /// Asks the token endpoint as `client`, with these further form fields.
    pub async fn token_answer(&self, client: &Client, form: &str) -> Answer {
        let basic = STANDARD.encode(format!("{}:{}", client.client_id, client.client_secret));
        let request = self
            .http
            .post(format!("{}/oauth2/token", self.url("issuer")))
            .header("authorization", format!("Basic {basic}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
        Answer::read(request.send().await).await
    }

    /// A fresh access token of a demo client.
    ///
    /// # Panics
    /// Where the token endpoint refuses.
    pub async fn token(&self, client: &str) -> String {
        let answer = self
            .token_answer(&self.client(client), "grant_type=client_credentials")
            .await;
        match answer.json()["access_token"].as_str() {
            Some(token) => token.to_owned(),
            None => panic!("no token: {answer:?}"),
        }
    }

    /// Sends a request through Envoy.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let method = method.parse().unwrap_or_else(|_| panic!("{method} is no method"));
        let mut request = self.http.request(method, format!("{}{path}", self.url("envoy")));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.send().await).await
    }

    /// `GET path` through Envoy with a bearer token.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask("GET", path, &[("authorization", &format!("Bearer {token}"))])
            .await
    }

    /// GET of any URL.
    pub async fn fetch(&self, url: &str) -> Answer {
        Answer::read(self.http.get(url).send().await).await
    }

    /// Kills a part with SIGKILL.
    pub async fn kill(&self, part: &str) {
        terminate(self.pid(part), Signal::SIGKILL).await;
    }

    /// Starts a part by hand, as `dev.json` says: with no environment, from another folder.
    ///
    /// # Panics
    /// Where it can't be started.
    pub fn start_by_hand(&mut self, part: &str) -> u32 {
        let argv: Vec<String> = serde_json::from_value(self.info["commands"][part].clone())
            .unwrap_or_else(|error| panic!("no command of {part}: {error}"));
        let [program, arguments @ ..] = argv.as_slice() else {
            panic!("the command of {part} is empty")
        };
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("start {part}: {error}"));
        let pid = child.id();
        self.by_hand.push(child);
        pid
    }

    /// Makes the sidecar trust one more issuer, as an operator would: its configuration changes and it is restarted.
    /// Tokens of that issuer are to name `audience`.
    pub async fn trust(&mut self, issuer: &TestIssuer, audience: &str) {
        let path = self.folder().join("config/sidecar.yaml");
        let mut config: Value = read_yaml(&path);
        let entry =
            json!({ "issuer": issuer.issuer(), "jwks_uri": issuer.jwks_uri(), "audiences": [audience] });
        match config["issuers"].as_array_mut() {
            Some(issuers) => issuers.push(entry),
            None => panic!("{} has no issuers", path.display()),
        }
        // JSON is YAML.
        std::fs::write(&path, config.to_string())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.kill("sidecar").await;
        self.start_by_hand("sidecar");
        let token = issuer.sign(&issuer.claims(audience));
        wait_until("the sidecar knows the new issuer", START_LIMIT, || async {
            self.get("/orders", &token).await.status == 200
        })
        .await;
    }

    /// Changes `sidecar.yaml` in place, as an operator would; the running sidecar reads it again.
    ///
    /// # Panics
    /// Where the file can't be written.
    pub fn reconfigure(&self, change: impl FnOnce(&mut Value)) {
        let path = self.folder().join("config/sidecar.yaml");
        let mut config = read_yaml(&path);
        change(&mut config);
        // Renamed into place: nobody reads half of it. JSON is YAML.
        let beside = path.with_extension("new");
        std::fs::write(&beside, config.to_string())
            .and_then(|()| std::fs::rename(&beside, &path))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Ends everything as Ctrl-C does and returns the folder, for another start.
    ///
    /// # Panics
    /// Where it doesn't end in time.
    pub async fn stop(mut self) -> TempDir {
        terminate(self.dev.id(), Signal::SIGINT).await;
        let _ = self.dev.wait();
        std::mem::replace(
            &mut self.folder,
            tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}")),
        )
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for child in &mut self.by_hand {
            let _ = child.kill();
            let _ = child.wait();
        }
        let pid = self.dev.id();
        if alive(pid)
            && let Ok(pid) = i32::try_from(pid)
        {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGINT);
        }
        let _ = self.dev.wait();
    }
}

fn spawn(folder: &Path, options: Options) -> (Child, mpsc::Receiver<String>) {
    let mut command = Command::new(binary("postern"));
    command
        .args(["dev", "--port-base", &free_base().to_string(), "--data-dir"])
        .arg(folder);
    if options.without_envoy {
        command.arg("--no-envoy");
    } else {
        command.arg("--envoy").arg(tool(tools::envoy));
    }
    if options.with_opa {
        command.arg("--opa").arg(tool(tools::opa));
    }
    let (reader, writer) = std::io::pipe().unwrap_or_else(|error| panic!("no pipe: {error}"));
    let copy = writer
        .try_clone()
        .unwrap_or_else(|error| panic!("no pipe: {error}"));
    let dev = command
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(copy)
        .spawn()
        .unwrap_or_else(|error| panic!("start postern dev: {error}"));
    drop(command);
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        use std::io::BufRead as _;
        for line in std::io::BufReader::new(reader).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    (dev, lines)
}

fn tool(find: fn(&Path) -> anyhow::Result<PathBuf>) -> PathBuf {
    find(&root()).unwrap_or_else(|error| panic!("{error:#}"))
}

async fn until_ready(dev: &mut Child, lines: &mpsc::Receiver<String>, output: &mut Vec<String>) -> bool {
    let deadline = std::time::Instant::now() + START_LIMIT;
    loop {
        output.extend(lines.try_iter());
        if output.iter().any(|line| line == "READY") {
            return true;
        }
        let ended = matches!(dev.try_wait(), Ok(Some(_)) | Err(_));
        if ended || std::time::Instant::now() > deadline {
            output.extend(lines.try_iter());
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn read_yaml(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
