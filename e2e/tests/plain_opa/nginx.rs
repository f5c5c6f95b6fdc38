//! A plain file server (nginx) as bundle server of both.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use postern_e2e::opa_envoy::bundle_server::bundle;
use postern_e2e::stack::Nginx;
use serde_json::json;

use super::{LOG, Pair, RULES, until, without_times, write};

/// A request, as nginx logs it.
#[derive(Debug)]
struct Asked {
    /// Its user agent.
    who: String,
    path: String,
    status: u16,
    /// What it had already.
    known: String,
    /// What is served.
    tag: String,
}

/// A folder that nginx serves.
struct Files {
    folder: tempfile::TempDir,
    address: SocketAddr,
    _nginx: Nginx,
}

impl Files {
    async fn serve() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("served")).unwrap();
        let address = free_address();
        let log = folder.path().join("asked");
        let servers = format!(
            "log_format asked '$http_user_agent|$uri|$status|$http_if_none_match|$sent_http_etag';\n\
             server {{ listen {address}; root {}; access_log {} asked; }}",
            folder.path().join("served").display(),
            log.display()
        );
        let nginx = Nginx::start(folder.path(), &servers, address).await;
        Self {
            folder,
            address,
            _nginx: nginx,
        }
    }

    /// Puts a file there in one step, of an age that tells it from the others: nginx makes tags of age and size.
    fn put(&self, name: &str, age: u64, bytes: impl AsRef<[u8]>) {
        let beside = self.folder.path().join("new");
        write(&beside, bytes);
        let file = std::fs::File::options().write(true).open(&beside).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(age))
            .unwrap();
        std::fs::rename(&beside, self.folder.path().join("served").join(name)).unwrap();
    }

    /// All requests for `path` by a program, so far.
    fn asked(&self, who: &str, path: &str) -> Vec<Asked> {
        let log = std::fs::read_to_string(self.folder.path().join("asked")).unwrap();
        // The last line may be half written.
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let all = whole.lines().map(Asked::read);
        all.filter(|asked| asked.path == path && asked.who.starts_with(who))
            .collect()
    }

    /// Waits until both have asked for `path` with the tag of what is served there, and were told that it is the same.
    async fn known_to_both(&self, path: &str) -> String {
        let mut tags = Vec::new();
        for who in ["Open-Policy-Agent/", "postern-sidecar/"] {
            let what = format!("{who} is told that {path} is the same");
            let tag = until(&what, async || {
                let last = self.asked(who, path).pop()?;
                (last.status == 304 && last.known == last.tag).then_some(last.tag)
            });
            tags.push(tag.await);
            let first = &self.asked(who, path)[0];
            assert_eq!((first.status, first.known.as_str()), (200, "-"), "{first:?}");
        }
        assert_eq!(tags[0], tags[1]);
        tags.swap_remove(0)
    }
}

impl Asked {
    fn read(line: &str) -> Self {
        let parts: Vec<&str> = line.split('|').collect();
        let [who, path, status, known, tag] = parts[..] else {
            panic!("no line of this format: {line}")
        };
        // Quotes are logged escaped.
        let [known, tag] = [known, tag].map(|text| text.replace("\\x22", "\""));
        Self {
            who: who.to_owned(),
            path: path.to_owned(),
            status: status.parse().unwrap(),
            known,
            tag,
        }
    }
}

fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn rules(revision: &str) -> Vec<u8> {
    let files = [("rules.rego", RULES), ("log.rego", LOG)];
    bundle(revision, &["envoy", "system/log"], &files).unwrap()
}

fn words(revision: &str, said: &str) -> Vec<u8> {
    let words = json!({"said": said, "readers": ["alice", "bob"]}).to_string();
    bundle(revision, &["words"], &[("words/data.json", &words)]).unwrap()
}

#[tokio::test]
async fn nginx_feeds_both_and_both_decide_and_tell_alike() {
    let files = Files::serve().await;
    files.put("rules.tar.gz", 1, rules("r1"));
    files.put("words.tar.gz", 2, words("w1", "hello"));
    let polled = |resource: &str| {
        let polling = json!({"min_delay_seconds": 0, "max_delay_seconds": 1});
        json!({"service": "files", "resource": resource, "polling": polling})
    };
    let config = json!({
        "services": {"files": {"url": format!("http://{}", files.address)}},
        "bundles": {"rules": polled("rules.tar.gz"), "words": polled("words.tar.gz")},
    });
    let pair = Pair::start(config).await;
    pair.in_force("rules", "r1").await;
    pair.in_force("words", "w1").await;
    pair.decide_alike().await;
    files.known_to_both("/rules.tar.gz").await;
    let first = files.known_to_both("/words.tar.gz").await;

    // Another is fetched once, and in force.
    files.put("words.tar.gz", 3, words("w2", "world"));
    pair.in_force("words", "w2").await;
    pair.decide_alike().await;
    assert_ne!(files.known_to_both("/words.tar.gz").await, first);

    // One that can't be is refused by both in the same words, and what was in force serves.
    files.put(
        "rules.tar.gz",
        4,
        bundle("r2", &["envoy", "words"], &[("rules.rego", RULES)]).unwrap(),
    );
    let both = pair
        .status("rules", |status| status["code"] == "bundle_error")
        .await;
    let [opa, ours] = both.map(|status| without_times(&status));
    assert_eq!(opa, ours);
    assert_eq!(ours["active_revision"], "r1");
    pair.decide_alike().await;

    // And so is what is gone.
    files.put("rules.tar.gz", 5, rules("r3"));
    pair.in_force("rules", "r3").await;
    std::fs::remove_file(files.folder.path().join("served/words.tar.gz")).unwrap();
    let both = pair.status("words", |status| status["http_code"] == 404).await;
    let [opa, ours] = both.map(|status| without_times(&status));
    assert_eq!(opa, ours);
    pair.decide_alike().await;
}
