//! Policy from where OPA's configuration says: bundles of services and files, as opa-envoy-plugin loads them and tells of them.
//! With `OPA_ENVOY` set to the plugin's program, each story is told of it, too, before it is of the sidecar.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use std::path::PathBuf;
use std::time::Duration;

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use postern_e2e::opa_envoy::bundle_server::{BundleServer, bundle};
use postern_e2e::opa_envoy::server::{Server, Setting};
use postern_e2e::stack::binary;
use postern_jose::{Algorithm, LocalSigner};
use postern_policy::Limits;
use serde_json::{Value as Json, json};

/// How long is waited for what a server is to do.
const LIMIT: Duration = Duration::from_secs(30);

/// The programs that a story is told of.
fn programs() -> Vec<PathBuf> {
    let plugin = std::env::var_os("OPA_ENVOY").map(PathBuf::from);
    plugin.into_iter().chain([binary("postern-sidecar")]).collect()
}

/// A bundle server, a program that asks it, and what they share.
struct World {
    bundles: BundleServer,
    server: Server,
    _config: tempfile::NamedTempFile,
}

/// What `bundles` and so on say; services and the plugin's own section are added.
async fn start(program: &std::path::Path, bundles: &BundleServer, config: Json) -> World {
    start_with(program, bundles, config, &[]).await
}

async fn start_with(
    program: &std::path::Path,
    bundles: &BundleServer,
    mut config: Json,
    flags: &[String],
) -> World {
    let own = json!({
        "services": {"s": {"url": bundles.url()}},
        "plugins": {"envoy_ext_authz_grpc": {"path": "envoy/authz/allow"}},
    });
    for (key, value) in own.as_object().unwrap() {
        config
            .as_object_mut()
            .unwrap()
            .entry(key)
            .or_insert(value.clone());
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), config.to_string()).unwrap();
    let setting = Setting {
        config: Some(file.path().to_owned()),
        files: Vec::new(),
        plugin: Vec::new(),
        flags: flags.to_vec(),
    };
    let server = Server::start(program, &setting).await.unwrap();
    World {
        bundles: bundles.clone(),
        server,
        _config: file,
    }
}

impl World {
    /// What the policy says: the header that it adds, or why there is no answer.
    async fn said(&self) -> String {
        match self.server.check(CheckRequest::default()).await {
            Err(status) => status.message().to_owned(),
            Ok(response) => match response.http_response {
                Some(HttpResponse::OkResponse(ok)) => {
                    let header = ok.headers.into_iter().next().and_then(|option| option.header);
                    header.map(|header| header.value).unwrap_or_default()
                }
                _ => "denied".to_owned(),
            },
        }
    }

    async fn says(&self, wanted: &str) {
        let mut said = String::new();
        for _ in 0..LIMIT.as_millis() / 20 {
            said = self.said().await;
            if said == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it says {said:?}, and not {wanted:?}:\n{}", self.logged());
    }

    /// The end of its log.
    fn logged(&self) -> String {
        let log = self.server.log().unwrap();
        let lines: Vec<&str> = log.lines().filter(|line| line.len() < 2000).collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// What the status says of a bundle, once `is_so`.
    async fn status(&self, name: &str, is_so: impl Fn(&Json) -> bool) -> Json {
        let mut status = Json::Null;
        for _ in 0..LIMIT.as_millis() / 20 {
            let (_, told) = self.server.api("/v1/status").await.unwrap();
            status = told["result"]["bundles"][name].clone();
            if is_so(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the status of {name} stays {status:#}:\n{}", self.logged());
    }
}

const SAYS_DATA: &str =
    "package envoy.authz\n\nallow := {\"allowed\": true, \"headers\": {\"x-said\": data.words.said}}\n";

fn polled(resource: &str) -> Json {
    json!({"service": "s", "resource": resource, "polling": {"min_delay_seconds": 0, "max_delay_seconds": 1}})
}

fn words(revision: &str, said: &str) -> Vec<u8> {
    bundle(
        revision,
        &["words"],
        &[("words/data.json", &json!({ "said": said }).to_string())],
    )
    .unwrap()
}

fn rules(revision: &str) -> Vec<u8> {
    bundle(revision, &["envoy"], &[("p.rego", SAYS_DATA)]).unwrap()
}

#[tokio::test]
async fn bundles_come_together_change_and_are_told_of() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve("/rules.tar.gz", rules("r1"));
        let config = json!({
            "bundles": {"rules": polled("rules.tar.gz"), "words": polled("/words.tar.gz")},
            "status": {"service": "s", "prometheus": true},
            "decision_logs": {"service": "s", "reporting": {"min_delay_seconds": 0, "max_delay_seconds": 1}},
        });
        let world = start(&program, &bundles, config).await;
        // One is there, and what it reads isn't: undefined, which is an error.
        let status = world.status("words", |status| status["http_code"] == 404).await;
        assert_eq!(status["message"], "server replied with Not Found");
        assert_eq!(status["code"], "bundle_error");
        world
            .status("rules", |status| status["active_revision"] == "r1")
            .await;
        assert!(world.said().await.contains("undefined"), "{}", world.said().await);
        let (code, health) = world.server.api("/health?bundles").await.unwrap();
        assert_eq!(code, 500);
        assert_eq!(health["error"], "one or more bundles are not activated: words");

        let archive = words("w1", "hello");
        let size = archive.len();
        bundles.serve("/words.tar.gz", archive);
        world.says("hello").await;
        let status = world
            .status("words", |status| status["active_revision"] == "w1")
            .await;
        assert_eq!(status["type"], "snapshot");
        assert_eq!(status["size"], size);
        assert!(
            status.get("code").is_none() && status.get("message").is_none(),
            "{status:#}"
        );
        let (code, _) = world.server.api("/health?bundles").await.unwrap();
        assert_eq!(code, 200);
        let asked = world.bundles.asked("/words.tar.gz");
        assert!(asked[0].get("if-none-match").is_none());
        let prefer = asked[0]["prefer"].to_str().unwrap();
        assert!(
            prefer.starts_with("modes=snapshot") && !prefer.contains("wait"),
            "{prefer}"
        );

        bundles.serve("/words.tar.gz", words("w2", "world"));
        world.says("world").await;
        let tag = bundles.etag("/words.tar.gz").unwrap();
        let is_asked_with = |asked: Vec<http::HeaderMap>| {
            asked
                .iter()
                .any(|headers| headers.get("if-none-match").is_some_and(|it| *it == tag.as_str()))
        };
        for _ in 0..500 {
            if is_asked_with(bundles.asked("/words.tar.gz")) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(is_asked_with(bundles.asked("/words.tar.gz")));

        // Decisions are logged with the bundles that made them.
        let is_whole = |event: &Json| {
            event["bundles"] == json!({"rules": {"revision": "r1"}, "words": {"revision": "w2"}})
        };
        let mut events = Vec::new();
        for _ in 0..500 {
            world.said().await;
            events = bundles
                .posted("/logs")
                .into_iter()
                .flat_map(|all| all.as_array().cloned().unwrap_or_default())
                .collect();
            if events.iter().any(is_whole) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(events.iter().any(is_whole), "{events:#?}");
        let (_, metrics) = world.server.api_text("/metrics").await.unwrap();
        for line in [
            "bundle_loaded_counter{name=\"words\"} ",
            "bundle_failed_load_counter{code=\"bundle_error\",message=\"server replied with Not Found\",name=\"words\"} ",
            "last_success_bundle_activation{active_revision=\"w2\",name=\"words\"} ",
            "last_success_bundle_request{name=\"rules\"} ",
            "bundle_loading_duration_ns_count{name=\"words\",stage=\"timer_bundle_request_ns\"} ",
            "bundle_loading_duration_ns_count{name=\"rules\",stage=\"timer_rego_module_compile_ns\"} ",
            "plugin_status_gauge{name=\"bundle\",status=\"OK\"} 1",
        ] {
            assert!(metrics.contains(line), "{line} is not in\n{metrics}");
        }
    }
}

#[tokio::test]
async fn a_bad_bundle_is_refused_and_the_last_good_one_serves() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve("/rules.tar.gz", rules("r1"));
        bundles.serve("/words.tar.gz", words("w1", "hello"));
        let mut limited = polled("words.tar.gz");
        limited["size_limit_bytes"] = json!(128);
        let config = json!({"bundles": {"rules": polled("rules.tar.gz"), "words": limited}, "status": {"console": true}});
        let world = start(&program, &bundles, config).await;
        world.says("hello").await;
        let refused = |message: &'static str| {
            move |status: &Json| {
                status["message"]
                    .as_str()
                    .is_some_and(|said| said.contains(message))
            }
        };
        // Roots of another.
        bundles.serve("/words.tar.gz", rules("stolen"));
        let status = world
            .status("words", refused("root envoy is in multiple bundles"))
            .await;
        assert_eq!(
            (&status["code"], &status["active_revision"]),
            (&json!("bundle_error"), &json!("w1"))
        );
        // Rego that doesn't compile.
        let broken = "package envoy.authz\n\nallow := nothing(1)\n";
        bundles.serve(
            "/rules.tar.gz",
            bundle("r2", &["envoy"], &[("p.rego", broken)]).unwrap(),
        );
        let status = world
            .status("rules", refused("error(s) occurred while compiling module(s)"))
            .await;
        assert_eq!(status["errors"][0]["code"], "rego_type_error", "{status:#}");
        assert_eq!(status["errors"][0]["message"], "undefined function nothing");
        assert_eq!(status["errors"][0]["location"]["row"], 3);
        assert_eq!(status["active_revision"], "r1");
        // A file that is larger than it may be.
        bundles.serve("/words.tar.gz", words("w2", &"long".repeat(40)));
        let status = world
            .status(
                "words",
                refused("exceeds configured size_limit_bytes (128 bytes)"),
            )
            .await;
        assert!(
            status["message"]
                .as_str()
                .unwrap()
                .starts_with("bundle read failed: bundle file /words/data.json size")
        );
        // No archive at all.
        bundles.serve("/words.tar.gz", "nothing");
        world.status("words", refused("archive")).await;
        assert_eq!(world.said().await, "hello");
        // And good ones again: the refusals are over.
        bundles.serve("/words.tar.gz", words("w3", "again"));
        world.says("again").await;
        let status = world
            .status("words", |status| status["active_revision"] == "w3")
            .await;
        assert!(status.get("code").is_none(), "{status:#}");
        bundles.forget("/words.tar.gz");
        world.status("words", |status| status["http_code"] == 404).await;
        assert_eq!(world.said().await, "again");
    }
}

#[tokio::test]
async fn a_server_that_holds_requests_is_asked_to() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.hold();
        bundles.serve("/rules.tar.gz", rules("r1"));
        bundles.serve("/words.tar.gz", words("w1", "hello"));
        let long = |resource| json!({"service": "s", "resource": resource, "polling": {"min_delay_seconds": 3600, "max_delay_seconds": 3600, "long_polling_timeout_seconds": 20}});
        let config = json!({"bundles": {"rules": long("rules.tar.gz"), "words": long("words.tar.gz")}});
        let world = start(&program, &bundles, config).await;
        world.says("hello").await;
        // Nobody would ask again within the hour: the server tells.
        bundles.serve("/words.tar.gz", words("w2", "at once"));
        world.says("at once").await;
        let asked = bundles.asked("/words.tar.gz");
        assert!(asked.len() <= 4, "{asked:#?}");
        let prefer = |headers: &http::HeaderMap| headers["prefer"].to_str().unwrap().to_owned();
        assert!(
            asked.iter().all(|headers| prefer(headers).ends_with(";wait=20")),
            "{asked:#?}"
        );
    }
}

#[tokio::test]
async fn what_is_in_force_is_what_policies_read_of_it() {
    const READS: &str = "package envoy.authz\n\nallow := {\"allowed\": true, \"headers\": {\"x-said\": said}}\n\nsaid := \
                         json.marshal([data.system.bundles.rules, object.get(data.system.bundles, \"words\", null)])\n";
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve(
            "/rules.tar.gz",
            bundle("r1", &["envoy"], &[("p.rego", READS)]).unwrap(),
        );
        let world = start(
            &program,
            &bundles,
            json!({"bundles": {"rules": polled("rules.tar.gz")}}),
        )
        .await;
        let tag = bundles.etag("/rules.tar.gz").unwrap();
        let wanted = json!([{"etag": tag, "manifest": {"revision": "r1", "roots": ["envoy"]}}, null]);
        world.says(&wanted.to_string()).await;
    }
}

#[tokio::test]
async fn bundles_are_read_from_files_and_folders() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rules.tar.gz"), rules("r1")).unwrap();
        std::fs::create_dir_all(folder.path().join("words/words")).unwrap();
        std::fs::write(
            folder.path().join("words/.manifest"),
            r#"{"revision": "w1", "roots": ["words"]}"#,
        )
        .unwrap();
        std::fs::write(
            folder.path().join("words/words/data.json"),
            r#"{"said": "from a file"}"#,
        )
        .unwrap();
        let file = |name: &str| json!({"resource": format!("file://{}/{name}", folder.path().display())});
        let config = json!({
            "bundles": {"rules": file("rules.tar.gz"), "words": file("words"), "none": file("none.tar.gz")},
            "status": {"console": true},
        });
        let world = start(&program, &bundles, config).await;
        world.says("from a file").await;
        let status = world
            .status("none", |status| status["code"] == "bundle_error")
            .await;
        let missing = format!(
            "stat {}/none.tar.gz: no such file or directory",
            folder.path().display()
        );
        assert_eq!(status["message"], missing.as_str());
        let status = world
            .status("words", |status| status["active_revision"] == "w1")
            .await;
        assert!(status.get("size").is_none(), "{status:#}");
        let (code, _) = world.server.api("/health?bundles").await.unwrap();
        assert_eq!(code, 500);
    }
}

#[tokio::test]
async fn signatures_are_proved_as_configured() {
    let key = |signer: &LocalSigner| signer.public_jwk().to_spki_pem().unwrap();
    let (mine, other) = (signer(), signer());
    let signed = |archive: &[u8], signer: &LocalSigner, id: &str| {
        postern_policy::bundle::sign(archive, signer, id, &Limits::default()).unwrap()
    };
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve("/rules.tar.gz", signed(&rules("r1"), &mine, "mine"));
        bundles.serve("/words.tar.gz", words("w1", "unsigned"));
        let mut asked_for = polled("rules.tar.gz");
        asked_for["signing"] = json!({"keyid": "mine"});
        let config = json!({
            "keys": {"mine": {"key": key(&mine), "algorithm": "ES256"}, "scoped": {"key": key(&other), "algorithm": "ES256", "scope": "write"}},
            "bundles": {"rules": asked_for, "words": polled("words.tar.gz")},
            "status": {"console": true},
        });
        let world = start(&program, &bundles, config).await;
        world.says("unsigned").await;
        let refused = |message: &'static str| {
            move |status: &Json| {
                status["message"]
                    .as_str()
                    .is_some_and(|said| said.contains(message))
            }
        };
        bundles.serve("/rules.tar.gz", rules("r2"));
        world
            .status("rules", refused("bundle missing .signatures.json file"))
            .await;
        bundles.serve("/rules.tar.gz", signed(&rules("r3"), &other, "mine"));
        world
            .status("rules", refused("failed to verify JWT signature"))
            .await;
        // Where none is asked for, one that is there must be good.
        bundles.serve("/words.tar.gz", signed(&words("w2", "signed"), &other, "mine"));
        world
            .status("words", refused("failed to verify JWT signature"))
            .await;
        bundles.serve("/words.tar.gz", signed(&words("w3", "signed"), &other, "nobody"));
        world
            .status(
                "words",
                refused("verification key corresponding to ID nobody not found"),
            )
            .await;
        bundles.serve("/words.tar.gz", signed(&words("w4", "signed"), &other, "scoped"));
        world.status("words", refused("scope mismatch")).await;
        assert_eq!(world.said().await, "unsigned");
        bundles.serve("/words.tar.gz", signed(&words("w5", "signed"), &mine, "mine"));
        world.says("signed").await;
        let status = world.status("rules", |_| true).await;
        assert_eq!(status["active_revision"], "r1");
    }
}

#[tokio::test]
async fn a_signed_bundle_needs_a_key_that_proves_it() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        let archive =
            postern_policy::bundle::sign(&rules("r1"), &signer(), "mine", &Limits::default()).unwrap();
        bundles.serve("/rules.tar.gz", archive);
        let config = json!({"bundles": {"rules": polled("rules.tar.gz")}, "status": {"console": true}});
        let world = start(&program, &bundles, config).await;
        let status = world
            .status("rules", |status| status["code"] == "bundle_error")
            .await;
        assert!(
            status["message"]
                .as_str()
                .unwrap()
                .starts_with("verification key not provided"),
            "{status:#}"
        );
    }
}

#[tokio::test]
async fn what_one_keeps_on_disk_another_begins_with() {
    for writer in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve("/rules.tar.gz", rules("r1"));
        bundles.serve("/words.tar.gz", words("w1", "kept"));
        let folder = tempfile::tempdir().unwrap();
        let kept = |resource: &str| {
            let mut bundle = polled(resource);
            bundle["persist"] = json!(true);
            bundle
        };
        let config = json!({
            "persistence_directory": folder.path(),
            "bundles": {"a/rules": kept("rules.tar.gz"), "words": kept("words.tar.gz")},
            "status": {"console": true},
        });
        let world = start(&writer, &bundles, config.clone()).await;
        world.says("kept").await;
        world
            .status("a/rules", |status| status["active_revision"] == "r1")
            .await;
        world
            .status("words", |status| status["active_revision"] == "w1")
            .await;
        drop(world);
        let archive = std::fs::read(folder.path().join("bundles/words/bundle.tar.gz")).unwrap();
        assert_eq!(archive, words("w1", "kept"));
        for reader in programs() {
            let nobody = BundleServer::start().await.unwrap();
            let world = start(&reader, &nobody, config.clone()).await;
            world.says("kept").await;
            let status = world.status("words", |status| status["http_code"] == 404).await;
            assert_eq!(
                (&status["active_revision"], &status["type"]),
                (&json!("w1"), &json!("snapshot"))
            );
            assert!(
                nobody
                    .asked("/words.tar.gz")
                    .iter()
                    .all(|asked| asked.get("if-none-match").is_none())
            );
            let (code, _) = world.server.api("/health?bundles").await.unwrap();
            assert_eq!(code, 200, "what is on disk makes ready");
        }
    }
}

/// Bundles of the command line, and a key that they are signed with.
#[tokio::test]
async fn bundles_of_the_command_line_are_proved_with_its_key() {
    let mine = signer();
    let archive = postern_policy::bundle::sign(&rules("r1"), &mine, "mine", &Limits::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("rules.tar.gz"), archive).unwrap();
    std::fs::write(path("words.tar.gz"), words("w1", "hello")).unwrap();
    std::fs::write(path("key.pem"), mine.public_jwk().to_spki_pem().unwrap()).unwrap();
    std::fs::write(path("other.pem"), signer().public_jwk().to_spki_pem().unwrap()).unwrap();
    let config = json!({"status": {"console": true}});
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        let flags = |key: &str| {
            [
                "--bundle".to_owned(),
                format!("--verification-key={}", path(key)),
                "--verification-key-id=mine".to_owned(),
                "--signing-alg=ES256".to_owned(),
                path("rules.tar.gz"),
            ]
            .to_vec()
        };
        let world = start_with(&program, &bundles, config.clone(), &flags("key.pem")).await;
        assert!(world.said().await.contains("undefined"), "it has no words");
        let said = refused(&program, &flags("other.pem")).await;
        assert!(said.contains("failed to verify JWT signature"), "{said}");
        let without_key = ["--bundle".to_owned(), path("rules.tar.gz")];
        let said = refused(&program, &without_key).await;
        assert!(said.contains("verification key not provided"), "{said}");
        let skipped = [
            "--bundle".to_owned(),
            "--skip-verify".to_owned(),
            path("rules.tar.gz"),
            path("words.tar.gz"),
        ];
        let world = start_with(&program, &bundles, config.clone(), &skipped).await;
        world.says("hello").await;
    }
}

/// What `program` says when it ends rather than runs with these flags.
async fn refused(program: &std::path::Path, flags: &[String]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let address = |name: &str| format!("unix://{}", folder.path().join(name).display());
    let mut command = tokio::process::Command::new(program);
    command
        .args(["run", "--server", &format!("--addr={}", address("api.sock"))])
        .arg(format!(
            "--set=plugins.envoy_ext_authz_grpc.addr={}",
            address("ext_authz.sock")
        ))
        .args(flags)
        .kill_on_drop(true);
    let ended = tokio::time::timeout(LIMIT, command.output())
        .await
        .unwrap()
        .unwrap();
    assert!(!ended.status.success());
    String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned()
}

fn signer() -> LocalSigner {
    LocalSigner::generate(Algorithm::ES256).unwrap()
}
