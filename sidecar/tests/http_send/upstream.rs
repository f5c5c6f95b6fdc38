//! A server that sends what it is told to, byte for byte; and at `/echo` what it was sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What is sent at a path.
#[derive(Debug, Clone)]
pub(super) enum Sent {
    /// These bytes, then the connection is closed.
    Bytes(Vec<u8>),
    /// These, and then nothing.
    Stalls(Vec<u8>),
    /// These, and then one more byte after the other, without end.
    Floods(Vec<u8>),
    /// Nothing the first time, these the second.
    SecondTime(Vec<u8>),
}

#[derive(Default)]
struct Paths {
    sent: HashMap<String, Sent>,
    tried: HashMap<String, usize>,
}

pub(super) struct Upstream {
    port: u16,
    paths: Arc<Mutex<Paths>>,
}

impl Upstream {
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn sends(&self, path: &str, sent: &Sent) {
        let mut paths = self.paths.lock().unwrap();
        paths.sent.insert(path.to_owned(), sent.clone());
    }

    /// Who asks next asks for the first time.
    pub(super) fn forget_tries(&self) {
        self.paths.lock().unwrap().tried.clear();
    }
}

pub(super) async fn start() -> Upstream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let paths = Arc::<Mutex<Paths>>::default();
    let shared = Arc::clone(&paths);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let paths = Arc::clone(&shared);
            tokio::spawn(async move {
                // Who is gone is gone.
                let _ = serve(stream, &paths).await;
            });
        }
    });
    Upstream { port, paths }
}

/// One request over a connection, answered with what it was.
pub(super) async fn echo_once(stream: impl AsyncRead + AsyncWrite + Unpin) {
    // Who is gone is gone.
    let _ = serve(stream, &Mutex::default()).await;
}

struct Read {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// One request. Not more than what the two clients send.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Read> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.split("\r\n");
            let mut first = lines.next()?.split(' ');
            let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
            if body.len() >= length {
                let body = body.to_owned();
                return Some(Read {
                    method,
                    path,
                    headers,
                    body,
                });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, paths: &Mutex<Paths>) -> Option<()> {
    let read = read(&mut stream).await?;
    if read.path.starts_with("/echo") {
        stream.write_all(&echo(&read)).await.ok()?;
        return stream.shutdown().await.ok();
    }
    let (sent, tries) = {
        let mut paths = paths.lock().unwrap();
        let tries = paths.tried.entry(read.path.clone()).or_default();
        *tries += 1;
        let tries = *tries;
        (paths.sent.get(&read.path)?.clone(), tries)
    };
    match sent {
        Sent::Bytes(bytes) => stream.write_all(&bytes).await.ok()?,
        Sent::SecondTime(bytes) if tries > 1 => stream.write_all(&bytes).await.ok()?,
        Sent::SecondTime(_) => {}
        Sent::Stalls(bytes) => {
            stream.write_all(&bytes).await.ok()?;
            // Until the other side gives up.
            while stream.read_u8().await.is_ok() {}
        }
        Sent::Floods(bytes) => {
            stream.write_all(&bytes).await.ok()?;
            while stream.write_all(b"a").await.is_ok() {}
        }
    }
    stream.shutdown().await.ok()
}

/// What counts of what was sent.
fn echo(read: &Read) -> Vec<u8> {
    let counts = |name: &str| {
        name.starts_with("x-")
            || ["authorization", "cookie", "content-type", "content-length"].contains(&name)
    };
    let headers: HashMap<_, _> = read
        .headers
        .iter()
        .filter(|(name, _)| counts(name))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let body = json!({ "method": read.method, "path": read.path, "headers": headers, "body": read.body })
        .to_string();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
