//! Servers that record what comes to them: in plain text, over TLS, and in the place of a proxy, where they stand in for
//! whomever is asked through it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Came {
    pub(super) method: String,
    /// As it was written.
    pub(super) target: String,
    /// In order of their names.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    /// The certificate that the client showed.
    pub(super) certificate: Option<Vec<u8>>,
}

impl Came {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(given, _)| given == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// What is answered: a status, headers, a body.
pub(super) type Answer = (u16, Vec<(&'static str, String)>, String);
type Answers = Arc<dyn Fn(&Came) -> Answer + Send + Sync>;

/// A server, and what came to it.
#[derive(Clone)]
pub(super) struct Recorder {
    pub(super) port: u16,
    came: Arc<Mutex<Vec<Came>>>,
    told: Arc<tokio::sync::Notify>,
    /// One for each connection, beside this server's own.
    connections: Arc<()>,
}

/// How it is spoken to.
#[derive(Clone)]
pub(super) enum Speaks {
    Plain,
    Tls(TlsAcceptor),
    /// `CONNECT` leads to itself, over TLS.
    Proxy(TlsAcceptor),
}

impl Recorder {
    pub(super) async fn start(
        speaks: Speaks,
        answers: impl Fn(&Came) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let recorder = Self {
            port: listener.local_addr().unwrap().port(),
            came: Arc::default(),
            told: Arc::default(),
            connections: Arc::default(),
        };
        let (here, answers): (_, Answers) = (recorder.clone(), Arc::new(answers));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (here, answers, speaks) = (here.clone(), Arc::clone(&answers), speaks.clone());
                tokio::spawn(async move {
                    let told = Arc::clone(&here.told);
                    here.connected(stream, speaks, answers).await;
                    drop(here);
                    told.notify_waiters();
                });
            }
        });
        recorder
    }

    /// What came until now, which is forgotten.
    pub(super) fn taken(&self) -> Vec<Came> {
        std::mem::take(&mut *self.came.lock().unwrap())
    }

    /// Waits until nobody is connected any more.
    pub(super) async fn left_alone(&self) {
        loop {
            let told = self.told.notified();
            // Ours, and that of whoever accepts.
            if Arc::strong_count(&self.connections) <= 2 {
                return;
            }
            told.await;
        }
    }

    /// Waits until something came that is looked for.
    pub(super) async fn until(&self, wanted: impl Fn(&Came) -> bool) {
        loop {
            let told = self.told.notified();
            if self.came.lock().unwrap().iter().any(&wanted) {
                return;
            }
            told.await;
        }
    }

    async fn connected(&self, mut stream: TcpStream, speaks: Speaks, answers: Answers) {
        match speaks {
            Speaks::Plain => self.serve(stream, None, answers).await,
            Speaks::Tls(acceptor) => self.encrypted(stream, acceptor, answers).await,
            Speaks::Proxy(acceptor) => {
                let mut begin = [0; 7];
                while stream.peek(&mut begin).await.unwrap_or(7) < 7 {
                    tokio::task::yield_now().await;
                }
                if &begin != b"CONNECT" {
                    return self.serve(stream, None, answers).await;
                }
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                self.add(Came {
                    method: "CONNECT".to_owned(),
                    target: String::from_utf8(head)
                        .unwrap()
                        .split(' ')
                        .nth(1)
                        .unwrap()
                        .to_owned(),
                    headers: Vec::new(),
                    body: Bytes::new(),
                    certificate: None,
                });
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                self.encrypted(stream, acceptor, answers).await;
            }
        }
    }

    async fn encrypted(&self, stream: TcpStream, acceptor: TlsAcceptor, answers: Answers) {
        // Whoever doesn't trust it goes away.
        if let Ok(stream) = acceptor.accept(stream).await {
            let shown = stream.get_ref().1.peer_certificates();
            let certificate = shown.and_then(|chain| chain.first()).map(|first| first.to_vec());
            self.serve(stream, certificate, answers).await;
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
        certificate: Option<Vec<u8>>,
        answers: Answers,
    ) {
        let service = service_fn(move |request: Request<Incoming>| {
            let (here, certificate, answers) = (self.clone(), certificate.clone(), Arc::clone(&answers));
            async move { Ok::<_, Infallible>(here.answered(request, certificate, &answers).await) }
        });
        let builder = Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answered(
        &self,
        request: Request<Incoming>,
        certificate: Option<Vec<u8>>,
        answers: &Answers,
    ) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let mut headers: Vec<_> = parts
            .headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        headers.sort();
        let came = Came {
            method: parts.method.to_string(),
            target: parts.uri.to_string(),
            headers,
            body: body.collect().await.unwrap().to_bytes(),
            certificate,
        };
        let (status, headers, body) = answers(&came);
        self.add(came);
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        response.body(Full::from(body)).unwrap()
    }

    fn add(&self, came: Came) {
        self.came.lock().unwrap().push(came);
        self.told.notify_waiters();
    }
}
