//! Services as OPA asks them: OPA itself and the sidecar in its place are started with one configuration, and what comes of
//! each must be the same, be it a token's request or the status itself.

#[cfg(test)]
mod authority;
#[cfg(test)]
#[path = "services/aws.rs"]
mod aws;
#[cfg(test)]
#[path = "services/pki.rs"]
mod pki;
#[cfg(test)]
#[path = "services/programs.rs"]
mod programs;
#[cfg(test)]
#[path = "services/recorder.rs"]
mod recorder;
#[cfg(test)]
#[path = "services/tls.rs"]
mod tls;
#[cfg(test)]
#[path = "services/tokens.rs"]
mod tokens;

use std::path::Path;

use programs::{Program, came_of};
use recorder::{Answer, Came, Recorder, Speaks};

/// Headers that say how a message is sent and who wrote the client.
const OF_THE_CLIENT: [&str; 5] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "user-agent",
];

/// What both programs must have sent alike: everything but a status' own text, and the client's words.
fn comparable(came: &Came) -> Came {
    let mut came = came.clone();
    came.headers
        .retain(|(name, _)| !OF_THE_CLIENT.contains(&name.as_str()));
    if came.target.contains("/status") {
        came.body.clear();
    }
    came
}

/// What comes of OPA and of the sidecar, until each has sent its first status.
#[cfg(test)]
async fn both(
    folder: &Path,
    config: &str,
    environment: &[(&str, String)],
    recorder: &Recorder,
) -> [Vec<Came>; 2] {
    let opa = came_of(Program::Opa, folder, config, environment, recorder).await;
    let ours = came_of(Program::Sidecar, folder, config, environment, recorder).await;
    [opa, ours]
}

/// That both send the same, up to the first status; gives what the sidecar sent.
#[cfg(test)]
async fn alike(
    folder: &Path,
    config: &str,
    environment: &[(&str, String)],
    recorder: &Recorder,
) -> Vec<Came> {
    let [opa, ours] = both(folder, config, environment, recorder).await;
    let firsts = [&opa, &ours].map(|came| {
        let status = came
            .iter()
            .position(|came| came.target.contains("/status"))
            .unwrap();
        came.iter().take(status + 1).map(comparable).collect::<Vec<_>>()
    });
    assert_eq!(firsts[0], firsts[1], "{config}");
    ours
}

fn yes(_: &Came) -> Answer {
    (200, Vec::new(), "{}".to_owned())
}

#[tokio::test]
async fn headers_and_bearer_tokens_are_sent_as_opa_sends_them() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(Speaks::Plain, yes).await;
    let token = folder.path().join("token");
    std::fs::write(&token, " from a file\n").unwrap();
    for credentials in [
        "{}".to_owned(),
        "{bearer: {token: abc}}".to_owned(),
        "{bearer: {token: abc, scheme: Token}}".to_owned(),
        format!("{{bearer: {{token_path: {}}}}}", token.display()),
        "{bearer: {}}".to_owned(),
    ] {
        let config = format!(
            "services: {{s: {{url: 'http://127.0.0.1:{}/a/b/', headers: {{x-one: '1', Host: other, Content-Type: text/plain, \
             Authorization: mine}}, credentials: {credentials}}}}}\n\
             status: {{service: s, partition_name: p}}\n",
            recorder.port
        );
        let came = alike(folder.path(), &config, &[], &recorder).await;
        assert_eq!(came[0].target, "/a/b/status/p");
        assert_eq!(came[0].header("x-one"), Some("1"));
    }
}
