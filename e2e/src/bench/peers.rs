//! The sidecar in the place of opa-envoy-plugin, beside opa-envoy-plugin: the same Rego, data, requests and command line. The
//! plugin is whoever brings it: nothing of it is part of this repository.
//!
//! Its settings are those of production: no more log than errors, no decision log, no telemetry, one core, bodies left alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use postern_jose::{Algorithm, JwkSet, LocalSigner};
use serde_json::{Map, Value, json};

use super::check::cost;
use super::{Measured, Setting, Shape};
use crate::load::ExtAuthz;
use crate::measure::Child;
use crate::report::{Pairs, Summary, table};
use crate::traffic::{Claims, VARIETY, check_requests_with_a_map, role, subject, tokens};

const ISSUER: &str = "https://login.example.com";
const AUDIENCE: &str = "urn:postern:bench";
const IN_FLIGHT: usize = 16;
const START_LIMIT: Duration = Duration::from_secs(20);

/// A row of the table.
struct Case {
    /// `e2e/bench/peers/<name>.rego`.
    name: &'static str,
    /// The ratio that `summary.json` keeps.
    figure: Option<&'static str>,
    /// Whether the peer remembers tokens, which it does only if it is told.
    peer_remembers_tokens: bool,
}

const CASES: [Case; 4] = [
    Case {
        name: "rbac",
        figure: Some("check_vs_opa_envoy"),
        peer_remembers_tokens: false,
    },
    Case {
        name: "jwt_decoded",
        figure: None,
        peer_remembers_tokens: false,
    },
    Case {
        name: "jwt_verified",
        figure: Some("check_jwt_vs_opa_envoy"),
        peer_remembers_tokens: false,
    },
    Case {
        name: "jwt_verified",
        figure: None,
        peer_remembers_tokens: true,
    },
];

/// `check_vs_opa_envoy`, `check_jwt_vs_opa_envoy`: checks per core-second, ours over the plugin's at `plugin`;
/// `rss_vs_opa_envoy`: memory after the load, ours over the plugin's.
///
/// # Errors
/// Where a server doesn't start, or answers otherwise than it should.
pub async fn peers(setting: &Setting, shape: Shape, plugin: &Path) -> anyhow::Result<Measured> {
    let folder = tempfile::tempdir()?;
    let signer = LocalSigner::generate(Algorithm::ES256)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = Claims {
        issuer: ISSUER,
        audience: AUDIENCE,
        now: now.try_into()?,
    };
    let requests = check_requests_with_a_map(&tokens(&signer, &claims)?);
    let data = folder.path().join("data.json");
    std::fs::write(&data, data_of(setting, &signer)?.to_string())?;

    let mut summary = Summary::default();
    let mut rows = Vec::new();
    for case in &CASES {
        let policy = setting.root.join(format!("e2e/bench/peers/{}.rego", case.name));
        let start = |name, program, flags: &'static [&'static str]| {
            let server = Started::new(folder.path(), name, program);
            server.run([policy.clone(), data.clone()], flags, requests.clone())
        };
        let sidecar = setting.binaries.join("postern-sidecar");
        let flags: &'static [&'static str] = if case.peer_remembers_tokens {
            &[
                "--set=caching.inter_query_builtin_value_cache.named.io_jwt.max_num_entries=10000",
                "--set=caching.inter_query_builtin_value_cache.named.io_jwt.disabled=false",
            ]
        } else {
            &[]
        };
        let ours = start("ours", &sidecar, &[]).await?;
        let peer = start("peer", plugin, flags).await?;
        let (mut cpu, mut memory) = (Pairs::default(), Pairs::default());
        for _ in 0..setting.rounds {
            let (a, _) = cost(&ours.target, &ours.process, IN_FLIGHT, shape).await?;
            let (b, _) = cost(&peer.target, &peer.process, IN_FLIGHT, shape).await?;
            // The peer's cost over ours: checks of ours per check of the peer's in the same time.
            cpu.push(b, a);
            memory.push(ours.process.resident_mib()?, peer.process.resident_mib()?);
        }
        if let Some(figure) = case.figure {
            summary.add(figure, cpu.ratio().median);
        }
        if case.name == "rbac" {
            summary.add("rss_vs_opa_envoy", memory.ratio().median);
        }
        let remembering = if case.peer_remembers_tokens {
            ", the plugin told to remember tokens"
        } else {
            ""
        };
        rows.push(vec![
            format!("{}{remembering}", case.name),
            cpu.reference().show(1),
            cpu.ours().show(1),
            cpu.ratio().show(1),
            memory.ours().show(1),
            memory.reference().show(1),
            memory.ratio().show(2),
        ]);
    }
    let headers = [
        "policy",
        "sidecar CPU µs",
        "plugin CPU µs",
        "checks per core-second, ratio",
        "sidecar MiB",
        "plugin MiB",
        "memory, ratio",
    ];
    let text = format!(
        "A Check beside opa-envoy-plugin, the same Rego, data and requests, every decision evaluated, {IN_FLIGHT} in flight, {} rounds of {:?}, median (min–max):\n\n{}",
        setting.rounds,
        shape.stretch,
        table(&headers, &rows)
    );
    Ok(Measured { summary, text })
}

/// The 30 roles of `rbac_30`, the subjects' roles, and the issuer that signed their tokens.
fn data_of(setting: &Setting, signer: &LocalSigner) -> anyhow::Result<Value> {
    let path = setting.root.join("e2e/bench/policies/rbac_30/data.json");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut data: Map<String, Value> = serde_json::from_str(&text)?;
    let users = (0..VARIETY).map(|i| (subject(i), json!({ "roles": [role(i)] })));
    data.insert("users".to_owned(), users.collect::<Map<_, _>>().into());
    let jwks = JwkSet::new([signer.public_jwk()]).to_json();
    let jwks = String::from_utf8(jwks.into())?;
    data.insert(
        "issuer".to_owned(),
        json!({ "name": ISSUER, "audience": AUDIENCE, "jwks": jwks }),
    );
    Ok(data.into())
}

/// What a server is started with.
struct Started<'a> {
    program: &'a Path,
    /// Where it listens: for checks, and for OPA's two HTTP ports.
    sockets: [PathBuf; 3],
}

/// A server that answers.
struct Running {
    process: Child,
    target: Arc<ExtAuthz>,
}

impl<'a> Started<'a> {
    fn new(folder: &Path, name: &str, program: &'a Path) -> Self {
        let socket = |port: &str| folder.join(format!("{name}-{port}.sock"));
        Self {
            program,
            sockets: [socket("checks"), socket("api"), socket("diagnostic")],
        }
    }

    async fn run(
        self,
        files: [PathBuf; 2],
        flags: &'static [&'static str],
        requests: Vec<bytes::Bytes>,
    ) -> anyhow::Result<Running> {
        for socket in &self.sockets {
            // A server that ended leaves its socket.
            let _ = std::fs::remove_file(socket);
        }
        let [checks, api, diagnostic] = &self.sockets;
        let mut command = Command::new(self.program);
        command
            .args(["run", "--server", "--log-level=error", "--disable-telemetry"])
            .arg(format!("--addr=unix://{}", api.display()))
            .arg(format!("--diagnostic-addr=unix://{}", diagnostic.display()))
            .arg(format!(
                "--set=plugins.envoy_ext_authz_grpc.addr=unix://{}",
                checks.display()
            ))
            .arg("--set=plugins.envoy_ext_authz_grpc.path=envoy/authz/allow")
            .arg("--set=plugins.envoy_ext_authz_grpc.skip-request-body-parse=true")
            .args(flags)
            .args(files)
            .env("GOMAXPROCS", "1");
        let mut process = Child::start_pinned(&self.program.display().to_string(), &mut command)?;
        let answers = || async {
            match ExtAuthz::connect(checks, requests.clone(), 0).await {
                Ok(target) => crate::load::Target::ask(Arc::new(target), 0).await,
                Err(_) => false,
            }
        };
        process.wait_until(START_LIMIT, answers).await?;
        let target = Arc::new(ExtAuthz::connect(checks, requests.clone(), 0).await?);
        Ok(Running { process, target })
    }
}
