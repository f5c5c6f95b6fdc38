//! Services over real HTTP: what is sent, to whom, and what is kept back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use postern_opa_config::{BearerToken, Credentials, Host, Keys, MinTls, ServerTls, Service as Configured};
use reqwest::Method;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Around, Service, services};
use crate::opa::machine::Machine;
use crate::random::Randomness;

/// A request without its body.
type Came = Request<()>;

/// What answers `/moved` with a redirect to `elsewhere`, never answers `/never`, and says yes to all else.
async fn answer(
    State((came, elsewhere)): State<(UnboundedSender<Came>, Option<String>)>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let (path, answer) = (parts.uri.path().to_owned(), Response::builder());
    let _ = came.send(Request::from_parts(parts, ()));
    match (path.as_str(), elsewhere) {
        ("/never", _) => std::future::pending().await,
        ("/moved", Some(elsewhere)) => answer
            .status(307)
            .header("location", elsewhere)
            .body(Body::empty())
            .unwrap(),
        _ => answer.body(Body::empty()).unwrap(),
    }
}

/// A server that records what comes; gives its URL.
async fn server(elsewhere: Option<String>) -> (String, UnboundedReceiver<Came>) {
    let (sender, came) = unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state((sender, elsewhere));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, came)
}

fn configured(url: &str, credentials: Credentials) -> Configured {
    Configured {
        url: url.to_owned(),
        headers: Vec::new(),
        credentials,
        tls: ServerTls::default(),
        response_header_timeout_seconds: 10,
    }
}

fn bearer(token: BearerToken) -> Credentials {
    Credentials::Bearer {
        scheme: "Bearer".to_owned(),
        token,
    }
}

fn made(configured: Configured) -> Result<Arc<dyn Service>, String> {
    made_on(configured, Arc::new(Machine))
}

fn made_on(configured: Configured, host: Arc<dyn Host + Send + Sync>) -> Result<Arc<dyn Service>, String> {
    let named = [("a".to_owned(), configured)].into();
    let around = Around {
        host,
        randomness: Arc::new(Randomness::from_system().unwrap()),
        min_tls: MinTls::Tls12,
    };
    let mut made: BTreeMap<_, _> =
        services(&named, &Keys::new(), &around).map_err(|error| error.to_string())?;
    Ok(made.remove("a").unwrap())
}

async fn ask(service: &dyn Service, path: &str) -> Result<u16, String> {
    let request = service.request(Method::GET, path).await?;
    let answer = service.send(request, service.header_timeout()).await?;
    Ok(answer.status().as_u16())
}

fn authorization(came: &Came) -> Vec<&str> {
    let values = came.headers().get_all("authorization").iter();
    values.map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn its_headers_and_its_token_go_with_each_request() {
    let (url, mut came) = server(None).await;
    let service = made(Configured {
        headers: vec![
            ("X-Key".to_owned(), "k3y".to_owned().into()),
            ("user-agent".to_owned(), "a fleet".to_owned().into()),
            ("Host".to_owned(), "another".to_owned().into()),
        ],
        credentials: bearer(BearerToken::Given("s3cr3t".to_owned().into())),
        ..configured(&format!("{url}/base"), Credentials::None)
    });
    let service = service.unwrap();
    assert_eq!(ask(service.as_ref(), "/logs/").await, Ok(200));
    let request = came.recv().await.unwrap();
    assert_eq!(request.uri(), "/base/logs");
    assert_eq!(authorization(&request), ["Bearer s3cr3t"]);
    assert_eq!(request.headers()["x-key"], "k3y");
    assert_eq!(request.headers()["user-agent"], "a fleet");
    assert_eq!(
        format!("http://{}", request.headers()["host"].to_str().unwrap()),
        url
    );
    let shown = format!("{service:?}");
    assert!(!shown.contains("s3cr3t") && !shown.contains("k3y"), "{shown}");
}

#[tokio::test]
async fn the_file_of_a_token_is_read_for_each_request() {
    let (url, mut came) = server(None).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let path = path.to_str().unwrap();
    let service = made(configured(
        &url,
        Credentials::Bearer {
            scheme: "Token".to_owned(),
            token: BearerToken::File(path.to_owned()),
        },
    ));
    let service = service.unwrap();
    let missing = ask(service.as_ref(), "x").await.unwrap_err();
    assert!(
        missing.contains("services.a") && missing.contains(path),
        "{missing}"
    );
    for token in ["first\n", " second "] {
        std::fs::write(path, token).unwrap();
        ask(service.as_ref(), "x").await.unwrap();
        let request = came.recv().await.unwrap();
        assert_eq!(authorization(&request), [format!("Token {}", token.trim())]);
    }
    std::fs::write(path, "tw\no").unwrap();
    let unsendable = ask(service.as_ref(), "x").await.unwrap_err();
    assert!(
        unsendable.contains(path) && !unsendable.contains("tw"),
        "{unsendable}"
    );
}

#[tokio::test]
async fn a_redirect_is_followed_and_the_token_stays_where_it_belongs() {
    let (other, mut came_there) = server(None).await;
    let (url, mut came) = server(Some(format!("{other}/there"))).await;
    let service = made(configured(
        &url,
        bearer(BearerToken::Given("s3cr3t".to_owned().into())),
    ))
    .unwrap();
    assert_eq!(ask(service.as_ref(), "moved").await, Ok(200));
    assert_eq!(authorization(&came.recv().await.unwrap()), ["Bearer s3cr3t"]);
    let there = came_there.recv().await.unwrap();
    assert_eq!(there.uri(), "/there");
    assert_eq!(authorization(&there), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    let (url, _came) = server(None).await;
    let service = made(configured(&url, Credentials::None)).unwrap();
    let problem = ask(service.as_ref(), "never").await.unwrap_err();
    assert_eq!(problem, "services.a: no answer within 10 s");
    for (seconds, bound) in [(0, 600), (3, 3), (u64::MAX, 600)] {
        let service = made(Configured {
            response_header_timeout_seconds: seconds,
            ..configured(&url, Credentials::None)
        });
        assert_eq!(
            service.unwrap().header_timeout(),
            Duration::from_secs(bound),
            "{seconds}"
        );
    }
}

struct Behind(String);

impl Host for Behind {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "HTTP_PROXY").then(|| self.0.clone())
    }

    fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        Machine.file(path)
    }
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_asked() {
    let (proxy, mut came) = server(None).await;
    let credentials = bearer(BearerToken::Given("s3cr3t".to_owned().into()));
    let service = made_on(
        configured("http://service.invalid", credentials),
        Arc::new(Behind(proxy)),
    );
    assert_eq!(ask(service.unwrap().as_ref(), "x").await, Ok(200));
    let request = came.recv().await.unwrap();
    assert_eq!(request.headers()["host"], "service.invalid");
    assert_eq!(request.uri(), "http://service.invalid/x");
    let refused = made_on(
        configured("http://a", Credentials::None),
        Arc::new(Behind("socks5://p:1".to_owned())),
    );
    assert!(
        refused
            .unwrap_err()
            .contains("services.a: the environment variable HTTP_PROXY")
    );
}

#[test]
fn what_cannot_be_sent_or_read_is_named_at_start() {
    let header = made(Configured {
        headers: vec![("x".to_owned(), "a\nb".to_owned().into())],
        ..configured("http://a", Credentials::None)
    });
    assert_eq!(
        header.unwrap_err(),
        "services.a: headers.x: it can't be sent as a header"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let tls = |path: &std::path::Path| {
        made(Configured {
            tls: ServerTls {
                ca_cert: Some(path.to_str().unwrap().to_owned()),
                ..ServerTls::default()
            },
            ..configured("https://a", Credentials::None)
        })
    };
    let missing = tls(&path).unwrap_err();
    assert!(missing.starts_with("services.a: tls.ca_cert: "), "{missing}");
    std::fs::write(&path, "nothing").unwrap();
    let empty = tls(&path).unwrap_err();
    assert!(empty.contains("no certificate in it"), "{empty}");
}

/// A server that speaks nothing newer than TLS 1.2; gives its URL and its certificate.
async fn old_tls_server() -> (String, String) {
    use tokio_rustls::rustls::{ServerConfig, version::TLS12};
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_no_client_auth();
    let key = certified.signing_key.serialize_der().try_into().unwrap();
    let config = builder
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                    .await;
            }
        }
    });
    (url, certified.cert.pem())
}

#[tokio::test]
async fn tls_is_as_new_as_the_flag_says() {
    let (url, certificate) = old_tls_server().await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, certificate).unwrap();
    for (min_tls, is_spoken) in [(MinTls::Tls12, true), (MinTls::Tls13, false)] {
        let around = Around {
            host: Arc::new(Machine),
            randomness: Arc::new(Randomness::from_system().unwrap()),
            min_tls,
        };
        let configured = Configured {
            tls: ServerTls {
                ca_cert: Some(ca.to_str().unwrap().to_owned()),
                ..ServerTls::default()
            },
            ..configured(&url, Credentials::None)
        };
        let named = [("a".to_owned(), configured)].into();
        let made = services(&named, &Keys::new(), &around).unwrap();
        assert_eq!(
            ask(made["a"].as_ref(), "x").await.is_ok(),
            is_spoken,
            "{min_tls:?}"
        );
    }
}
