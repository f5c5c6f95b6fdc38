//! OPA's flags of the process, as opa-envoy-plugin has them: what it waits for, and what it reads again. With `OPA_ENVOY` set to
//! the plugin's program, each story is told of it, too, before it is of the sidecar.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use postern_e2e::opa_envoy::bundle_server::{BundleServer, bundle};
use postern_e2e::opa_envoy::server::{self, Server, Setting};
use postern_e2e::stack::{self, binary};
use postern_jose::{Algorithm, LocalSigner};
use serde_json::{Value as Json, json};

/// How long is waited for what a server is to do.
const LIMIT: Duration = Duration::from_secs(30);

fn programs() -> Vec<PathBuf> {
    server::programs(binary("postern-sidecar"))
}

async fn until<T>(ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    stack::until(LIMIT, ask).await
}

fn setting(config: Option<&Path>, files: &[&Path], flags: &[&str]) -> Setting {
    Setting {
        config: config.map(Path::to_owned),
        files: files.iter().map(|path| (*path).to_owned()).collect(),
        plugin: vec![("path".to_owned(), "envoy/authz/allow".to_owned())],
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
    }
}

/// What the policy says: the header that it adds, or why there is no answer.
async fn said(server: &Server) -> String {
    match server.check(CheckRequest::default()).await {
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

async fn says(server: &Server, wanted: &str) {
    let mut last = String::new();
    let came = until(async || {
        last = said(server).await;
        (last == wanted).then_some(())
    });
    if came.await.is_none() {
        panic!("it says {last:?}, and not {wanted:?}:\n{}", server.log().unwrap());
    }
}

/// A policy that says this.
fn says_text(text: &str) -> String {
    format!("package envoy.authz\n\nallow := {{\"allowed\": true, \"headers\": {{\"x-said\": {text}}}}}\n")
}

/// A configuration with one bundle of that server.
fn with_bundle(bundles: &BundleServer, resource: &str) -> Json {
    let polling = json!({"min_delay_seconds": 0, "max_delay_seconds": 1});
    json!({
        "services": {"s": {"url": bundles.url()}},
        "bundles": {"b": {"service": "s", "resource": resource, "polling": polling}},
        "plugins": {"envoy_ext_authz_grpc": {}},
    })
}

fn written(config: &Json) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), config.to_string()).unwrap();
    file
}

/// Puts a file there in one step.
fn put(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(&beside, path).unwrap();
}

#[tokio::test]
async fn the_api_opens_once_plugins_are_ready_and_checks_are_answered_before() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        let config = written(&with_bundle(&bundles, "b.tar.gz"));
        let setting = setting(Some(config.path()), &[], &["--ready-timeout=60"]);
        let server = Server::start(&program, &setting).await.unwrap();
        until(async || (!bundles.asked("/b.tar.gz").is_empty()).then_some(()))
            .await
            .unwrap();
        // Checks are answered, by nothing; nobody is asked for health.
        assert!(
            said(&server).await.contains("undefined"),
            "{}",
            said(&server).await
        );
        assert!(!server.folder().join("api.sock").exists());
        assert!(!server.folder().join("diagnostic.sock").exists());
        let archive = bundle("r1", &["envoy"], &[("p.rego", &says_text("\"here\""))]).unwrap();
        bundles.serve("/b.tar.gz", archive);
        says(&server, "here").await;
        let (code, _) = server.api("/health?bundles").await.unwrap();
        assert_eq!(code, 200);
        assert!(server.folder().join("diagnostic.sock").exists());
    }
}

#[tokio::test]
async fn the_process_ends_where_plugins_are_not_ready_in_time() {
    let discovered = |bundles: &BundleServer| {
        json!({
            "services": {"s": {"url": bundles.url()}},
            "discovery": {"service": "s", "resource": "b.tar.gz"},
            "plugins": {"envoy_ext_authz_grpc": {}},
        })
    };
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        for config in [with_bundle(&bundles, "b.tar.gz"), discovered(&bundles)] {
            let folder = tempfile::tempdir().unwrap();
            let file = written(&config);
            let socket = |name: &str| format!("unix://{}", folder.path().join(name).display());
            let run = tokio::process::Command::new(&program)
                .args(["run", "--server", "--ready-timeout=1"])
                .arg(format!("--addr={}", socket("api.sock")))
                .arg(format!("--config-file={}", file.path().display()))
                .arg(format!(
                    "--set=plugins.envoy_ext_authz_grpc.addr={}",
                    socket("grpc.sock")
                ))
                .stdin(Stdio::null())
                .kill_on_drop(true)
                .output();
            let ended = tokio::time::timeout(LIMIT, run).await.unwrap().unwrap();
            let told = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
            assert_eq!(ended.status.code(), Some(1), "{told}");
            let told = told.to_lowercase();
            assert!(
                told.contains("failed to wait for plugins activation") && told.contains("timeout"),
                "{told}"
            );
            assert!(!folder.path().join("api.sock").exists());
        }
    }
}

#[tokio::test]
async fn files_of_the_command_line_are_loaded_again_when_they_change() {
    for program in programs() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("p.rego"), says_text("data.words.said")).unwrap();
        std::fs::create_dir(path("words")).unwrap();
        std::fs::write(path("words/data.json"), r#"{"said": "hello"}"#).unwrap();
        let setting = setting(None, &[folder.path()], &["--watch"]);
        let server = Server::start(&program, &setting).await.unwrap();
        says(&server, "hello").await;
        // Data alone, in place; then a policy, in one step; then one that came.
        std::fs::write(path("words/data.json"), r#"{"said": "world"}"#).unwrap();
        says(&server, "world").await;
        put(
            &path("p.rego"),
            &says_text("concat(\" \", [data.words.said, data.more.words])"),
        );
        std::fs::write(path("more.rego"), "package more\n\nwords := \"again\"\n").unwrap();
        says(&server, "world again").await;
        // What is wrong is told, and the last good one serves.
        let broken = "package more\n\nwords := nothing(1)\n";
        std::fs::write(path("more.rego"), broken).unwrap();
        let told = until(async || {
            let log = server.log().unwrap();
            log.contains("undefined function nothing").then_some(())
        });
        assert!(told.await.is_some(), "{}", server.log().unwrap());
        assert_eq!(said(&server).await, "world again");
        std::fs::write(path("more.rego"), "package more\n\nwords := \"mended\"\n").unwrap();
        says(&server, "world mended").await;
    }
}

#[tokio::test]
async fn bundles_of_the_command_line_are_loaded_again_when_they_change() {
    for program in programs() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("b.tar.gz");
        let bundle = |revision: &str, text: &str| {
            bundle(revision, &["envoy"], &[("p.rego", &says_text(text))]).unwrap()
        };
        std::fs::write(&archive, bundle("r1", "\"one\"")).unwrap();
        let setting = setting(None, &[&archive], &["-b", "--watch"]);
        let server = Server::start(&program, &setting).await.unwrap();
        says(&server, "one").await;
        std::fs::write(&archive, bundle("r2", "\"two\"")).unwrap();
        says(&server, "two").await;
        std::fs::write(&archive, "nothing").unwrap();
        let told = until(async || server.log().unwrap().contains("archive").then_some(()));
        assert!(told.await.is_some(), "{}", server.log().unwrap());
        assert_eq!(said(&server).await, "two");
        std::fs::write(&archive, bundle("r3", "\"three\"")).unwrap();
        says(&server, "three").await;
    }
}

/// OPA's planner refuses some rules that its evaluator takes; it looks at those that are asked for alone.
#[tokio::test]
async fn rules_that_cannot_be_planned_do_no_harm_where_nobody_asks_for_them() {
    const ODD: &str = "package odd\n\nlimits[x].base := 1 if some x in [\"a\"]\n\nlimits[x].twice := 2 * limits.a.base if some x in [\"a\"]\n";
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("p.rego"), says_text("\"well\"")).unwrap();
    std::fs::write(path("odd.rego"), ODD).unwrap();
    for program in programs() {
        let setting = setting(None, &[folder.path()], &[]);
        let server = Server::start(&program, &setting).await.unwrap();
        says(&server, "well").await;
    }
    // Asked for, they are refused in OPA's words.
    std::fs::write(path("p.rego"), says_text("sprintf(\"%v\", [data.odd.limits])")).unwrap();
    let setting = setting(None, &[folder.path()], &[]);
    // It listens before it compiles, so that either may be seen of it.
    let refused = match Server::start(&binary("postern-sidecar"), &setting).await {
        Err(refused) => format!("{refused:#}"),
        Ok(server) => {
            let told =
                until(async || Some(server.log().unwrap()).filter(|log| log.contains("opa can't plan")));
            told.await.expect("it is refused")
        }
    };
    assert!(refused.contains("planned as a single function"), "{refused}");
}

/// OPA proves a bundle at start and takes whatever comes later; here what comes later is proved, too.
#[tokio::test]
async fn a_bundle_that_changes_is_proved_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
    std::fs::write(path("key.pem"), signer.public_jwk().to_spki_pem().unwrap()).unwrap();
    let plain = |text: &str| {
        bundle(
            text,
            &["envoy"],
            &[("p.rego", &says_text(&format!("\"{text}\"")))],
        )
        .unwrap()
    };
    let signed = |text: &str| {
        let limits = postern_policy::Limits::default();
        postern_policy::bundle::sign(&plain(text), &signer, "default", &limits).unwrap()
    };
    let archive = path("b.tar.gz");
    std::fs::write(&archive, signed("one")).unwrap();
    let key = format!("--verification-key={}", path("key.pem").display());
    let setting = setting(None, &[&archive], &["-b", "--watch", "--signing-alg=ES256", &key]);
    let server = Server::start(&binary("postern-sidecar"), &setting).await.unwrap();
    says(&server, "one").await;
    std::fs::write(&archive, plain("two")).unwrap();
    let told = until(async || {
        server
            .log()
            .unwrap()
            .contains("missing .signatures.json")
            .then_some(())
    });
    assert!(told.await.is_some(), "{}", server.log().unwrap());
    assert_eq!(said(&server).await, "one");
    std::fs::write(&archive, signed("three")).unwrap();
    says(&server, "three").await;
}

/// A folder as Kubernetes mounts a ConfigMap: the files are links through `..data`, which is switched.
#[tokio::test]
async fn a_config_map_that_is_switched_is_loaded_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (version, text) in [("..1", "\"one\""), ("..2", "\"two\"")] {
        std::fs::create_dir(path(version)).unwrap();
        std::fs::write(path(version).join("p.rego"), says_text(text)).unwrap();
    }
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, path(name)).unwrap();
    link("..1", "..data");
    link("..data/p.rego", "p.rego");
    let switch = |to: &str| {
        link(to, "..new");
        std::fs::rename(path("..new"), path("..data")).unwrap();
    };
    for program in programs() {
        switch("..1");
        let setting = setting(None, &[folder.path()], &["--watch", "--ignore=..*"]);
        let server = Server::start(&program, &setting).await.unwrap();
        says(&server, "one").await;
        switch("..2");
        says(&server, "two").await;
    }
}

/// What services bring stays where the command line's files change; OPA loses its data.
#[tokio::test]
async fn bundles_of_services_stay_when_files_change() {
    let bundles = BundleServer::start().await.unwrap();
    let words = |revision: &str, said: &str| {
        let data = json!({ "said": said }).to_string();
        bundle(revision, &["words"], &[("words/data.json", &data)]).unwrap()
    };
    bundles.serve("/b.tar.gz", words("w1", "kept"));
    let config = written(&with_bundle(&bundles, "b.tar.gz"));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("p.rego"), says_text("data.words.said")).unwrap();
    std::fs::write(path("q.rego"), "package envoy.authz\n\nn := 1\n").unwrap();
    let setting = setting(Some(config.path()), &[folder.path()], &["--watch"]);
    let server = Server::start(&binary("postern-sidecar"), &setting).await.unwrap();
    says(&server, "kept").await;
    std::fs::write(
        path("p.rego"),
        says_text("concat(\" \", [data.words.said, data.system.bundles.b.manifest.revision])"),
    )
    .unwrap();
    std::fs::write(path("data.json"), r#"{"more": 1}"#).unwrap();
    says(&server, "kept w1").await;
    // And the files stay when those change.
    bundles.serve("/b.tar.gz", words("w2", "and changed"));
    says(&server, "and changed w2").await;
    // And what is gone is gone.
    std::fs::write(path("p.rego"), says_text("sprintf(\"%v\", [n])")).unwrap();
    says(&server, "1").await;
    std::fs::remove_file(path("q.rego")).unwrap();
    let told = until(async || server.log().unwrap().contains("var n is unsafe").then_some(()));
    assert!(told.await.is_some(), "{}", server.log().unwrap());
    assert_eq!(said(&server).await, "1");
    std::fs::write(path("p.rego"), says_text("\"alone\"")).unwrap();
    says(&server, "alone").await;
}
