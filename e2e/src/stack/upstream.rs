//! An application that answers with what reached it, byte for byte: nothing between the socket and the answer reads paths
//! or joins headers. For tests of what a sidecar adds, takes away and leaves alone.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Serves HTTP/1.1 for as long as the runtime lives. An answer is JSON: `method`, `path` (as it came), `headers` (names in
/// lower case, repeats joined by `, `) and `lines` (each header by itself).
///
/// # Panics
/// Where no socket can be had.
pub async fn serve_upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap_or_else(|error| panic!("no socket: {error}"));
    let address = listener
        .local_addr()
        .unwrap_or_else(|error| panic!("no address: {error}"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Serves one connection to its end.
async fn serve(stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    while let Ok(Some(request)) = read(&mut stream).await {
        let body = request.to_string();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
        let answer = format!("{head} {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// One request in the words of the answer; `None` at the connection's end.
async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<serde_json::Value>> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut lines = lines.into_iter();
    let start = lines.next().unwrap_or_default();
    let mut words = start.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let lines: Vec<String> = lines.collect();
    for line in &lines {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        headers
            .entry(name.to_ascii_lowercase())
            .and_modify(|joined| {
                joined.push_str(", ");
                joined.push_str(value.trim());
            })
            .or_insert_with(|| value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok());
    let mut body = Vec::new();
    stream.take(length.unwrap_or(0)).read_to_end(&mut body).await?;
    Ok(Some(
        json!({ "method": method, "path": path, "headers": headers, "lines": lines }),
    ))
}
