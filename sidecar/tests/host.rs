//! What the listener for checks does with more than it takes, with less than a request, and with what isn't gRPC: driven
//! over HTTP/2 frame by frame.

#[cfg(test)]
mod world;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse, attribute_context,
};
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderMap, Method, Request};
use prost::Message;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use world::{Config, World};

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
const SOON: Duration = Duration::from_secs(10);

/// An HTTP/2 client that sends what it is told to.
#[cfg(test)]
struct Raw(SendRequest<Bytes>);

/// What came back.
#[cfg(test)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    trailers: HeaderMap,
}

#[cfg(test)]
impl Reply {
    fn grpc_status(&self) -> &str {
        let status = self
            .trailers
            .get("grpc-status")
            .or(self.headers.get("grpc-status"));
        status.unwrap().to_str().unwrap()
    }

    fn check(&self) -> CheckResponse {
        assert_eq!((self.status, self.grpc_status()), (200, "0"));
        let length = u32::from_be_bytes(self.body[1..5].try_into().unwrap()) as usize;
        assert_eq!((self.body[0], length), (0, self.body.len() - 5));
        CheckResponse::decode(&self.body[5..]).unwrap()
    }

    /// HTTP status, headers and body of a denial.
    fn denial(&self) -> (i32, Vec<String>, Json) {
        match self.check().http_response.unwrap() {
            HttpResponse::DeniedResponse(denied) => (
                denied.status.unwrap().code,
                denied
                    .headers
                    .into_iter()
                    .map(|option| option.header.unwrap().key)
                    .collect(),
                serde_json::from_str(&denied.body).unwrap(),
            ),
            other => panic!("not a denial: {other:?}"),
        }
    }
}

#[cfg(test)]
impl Raw {
    async fn connect(config: &Config) -> Self {
        Self::with_window(config, 1 << 16).await
    }

    async fn with_window(config: &Config, window: u32) -> Self {
        let stream = UnixStream::connect(config.socket()).await.unwrap();
        Self::over(stream, window).await.unwrap()
    }

    async fn over<T>(stream: T, window: u32) -> Option<Self>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let handshake = h2::client::Builder::new()
            .initial_window_size(window)
            .handshake(stream)
            .await;
        let (send, connection) = handshake.ok()?;
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Some(Self(send))
    }

    async fn begin(&self, request: Request<()>, end: bool) -> (ResponseFuture, SendStream<Bytes>) {
        let mut ready = self.0.clone().ready().await.unwrap();
        ready.send_request(request, end).unwrap()
    }

    async fn send(&self, request: Request<()>, body: Bytes) -> Reply {
        let (response, mut stream) = self.begin(request, false).await;
        stream.reserve_capacity(body.len());
        stream.send_data(body, true).unwrap();
        reply(response).await
    }
}

#[cfg(test)]
async fn reply(response: ResponseFuture) -> Reply {
    timeout(SOON, whole(response)).await.expect("an answer in time")
}

#[cfg(test)]
async fn whole(response: ResponseFuture) -> Reply {
    let (head, mut stream) = response.await.unwrap().into_parts();
    let mut body = BytesMut::new();
    while let Some(data) = stream.data().await {
        let data = data.unwrap();
        stream.flow_control().release_capacity(data.len()).unwrap();
        body.extend_from_slice(&data);
    }
    Reply {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.freeze(),
        trailers: stream.trailers().await.unwrap().unwrap_or_default(),
    }
}

#[cfg(test)]
fn request() -> Request<()> {
    Request::builder()
        .method(Method::POST)
        .uri(format!("http://sidecar{CHECK}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", "200m")
        .body(())
        .unwrap()
}

#[cfg(test)]
fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], message].concat().into()
}

/// A check without a token, and with as much of a body.
#[cfg(test)]
fn check_request(body_bytes: usize) -> Bytes {
    let http = attribute_context::HttpRequest {
        method: "GET".to_owned(),
        path: "/orders".to_owned(),
        raw_body: vec![b'x'; body_bytes],
        ..Default::default()
    };
    let attributes = AttributeContext {
        request: Some(attribute_context::Request {
            time: None,
            http: Some(http),
        }),
        ..Default::default()
    };
    let request = CheckRequest {
        attributes: Some(attributes),
    };
    framed(&request.encode_to_vec())
}

#[tokio::test]
async fn beyond_the_bound_a_check_is_denied_at_once_and_those_before_are_answered() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["overload"] = json!({ "max_in_flight": 2 });
    let sidecar = config.start_ready().await;
    let (one, other) = (
        Raw::connect(&sidecar.config).await,
        Raw::connect(&sidecar.config).await,
    );
    let (first, mut first_body) = one.begin(request(), false).await;
    let (second, mut second_body) = other.begin(request(), false).await;
    // Whether they have come can't be seen from outside: asked until they have.
    let mut refused = one.send(request(), check_request(0)).await;
    for _ in 0..100 {
        if refused.denial().0 == 503 {
            break;
        }
        refused = one.send(request(), check_request(0)).await;
    }
    let (status, headers, body) = refused.denial();
    assert_eq!((status, &body["code"]), (503, &json!("overloaded")));
    assert!(headers.contains(&"retry-after".to_owned()), "{headers:?}");
    for name in ["decision_id", "correlation_id"] {
        assert!(body[name].is_string(), "{body}");
    }
    for (response, stream) in [(first, &mut first_body), (second, &mut second_body)] {
        stream.send_data(check_request(0), true).unwrap();
        assert_eq!(reply(response).await.denial().0, 401);
    }
    assert_eq!(
        one.send(request(), check_request(0)).await.denial().0,
        401,
        "there is room again"
    );
    let metrics = sidecar.metrics().await;
    assert!(
        metrics.contains("outcome=\"denied\",code=\"overloaded\""),
        "{metrics}"
    );
}

#[tokio::test]
async fn what_is_no_grpc_is_told_so_by_http() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let raw = Raw::connect(&sidecar.config).await;

    let mut get = request();
    *get.method_mut() = Method::GET;
    let refused = raw.send(get, Bytes::new()).await;
    assert_eq!(
        (refused.status, refused.headers["allow"].to_str().unwrap()),
        (405, "POST")
    );

    let mut json = request();
    json.headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    assert_eq!(raw.send(json, Bytes::from_static(b"{}")).await.status, 415);

    for path in ["/", "/envoy.service.auth.v3.Authorization/Other", "/a.B/Check"] {
        let mut other = request();
        *other.uri_mut() = format!("http://sidecar{path}").parse().unwrap();
        let refused = raw.send(other, check_request(0)).await;
        assert_eq!((refused.status, refused.grpc_status()), (200, "12"), "{path}");
    }
    assert_eq!(
        raw.send(request(), check_request(0)).await.denial().0,
        401,
        "the connection is as good as before"
    );
}

#[tokio::test]
async fn what_is_no_message_is_refused_with_a_grpc_status() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["overload"] = json!({ "max_message_kib": 64 });
    let sidecar = config.start_ready().await;
    let raw = Raw::connect(&sidecar.config).await;
    let compressed = [&[1], &check_request(0)[1..]].concat();
    let twice = [check_request(0), check_request(0)].concat();
    let cases: [(&str, Bytes, &str); 7] = [
        ("nothing", Bytes::new(), "13"),
        ("half a prefix", Bytes::from_static(&[0, 0]), "13"),
        ("less than said", Bytes::from_static(&[0, 0, 0, 0, 9, 1]), "13"),
        ("two messages", twice.into(), "13"),
        ("compressed", compressed.into(), "12"),
        ("more than is taken", check_request(65 << 10), "8"),
        ("no CheckRequest", framed(b"\xff\xff"), "3"),
    ];
    for (what, body, status) in cases {
        let refused = raw.send(request(), body).await;
        assert_eq!((refused.status, refused.grpc_status()), (200, status), "{what}");
    }
    let announced = Bytes::from_static(&[0, 0x7f, 0xff, 0xff, 0xff, 1]);
    let (response, mut stream) = raw.begin(request(), false).await;
    stream.send_data(announced, false).unwrap();
    assert_eq!(
        reply(response).await.grpc_status(),
        "8",
        "refused before it is sent"
    );
    assert_eq!(raw.send(request(), check_request(60 << 10)).await.denial().0, 401);
}

#[tokio::test]
async fn a_message_in_pieces_is_one_message_and_one_that_does_not_come_is_given_up() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["overload"] = json!({ "message_deadline_seconds": 1 });
    let sidecar = config.start_ready().await;
    let raw = Raw::connect(&sidecar.config).await;

    let (response, mut stream) = raw.begin(request(), false).await;
    let (stuck, _stuck_stream) = raw.begin(request(), false).await;
    let (reset, mut reset_stream) = raw.begin(request(), false).await;
    let whole = check_request(0);
    for at in 0..whole.len() {
        stream.send_data(whole.slice(at..=at), false).unwrap();
        tokio::task::yield_now().await;
    }
    stream.send_data(Bytes::new(), true).unwrap();
    assert_eq!(reply(response).await.denial().0, 401);
    reset_stream.send_reset(h2::Reason::CANCEL);
    assert!(reset.await.is_err());
    assert_eq!(reply(stuck).await.grpc_status(), "4");

    assert_eq!(
        raw.send(request(), check_request(3 << 20)).await.denial().0,
        401,
        "one that fills many frames"
    );
}

/// A question of an application.
#[cfg(test)]
fn other(path: &str) -> Request<()> {
    let mut other = request();
    *other.uri_mut() = format!("http://sidecar{path}").parse().unwrap();
    other
}

const VALIDATE: &str = "/postern.edge.v1.AuthEdgeService/ValidateToken";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

#[tokio::test]
async fn what_applications_ask_is_bounded_too_and_takes_nothing_from_envoy() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["overload"] = json!({ "max_in_flight": 2, "message_deadline_seconds": 1 });
    let sidecar = config.start_ready().await;
    let raw = Raw::connect(&sidecar.config).await;
    let (first, _first_stream) = raw.begin(other(VALIDATE), false).await;
    let (second, _second_stream) = raw.begin(other(VALIDATE), false).await;
    let refused = raw.send(other(VALIDATE), framed(b"")).await;
    assert_eq!(refused.grpc_status(), "14", "there are as many as there may be");
    assert_eq!(raw.send(request(), check_request(0)).await.denial().0, 401);
    for stuck in [first, second] {
        assert_eq!(reply(stuck).await.grpc_status(), "4");
    }
    let answered = raw.send(other(VALIDATE), framed(b"")).await;
    assert_eq!(answered.grpc_status(), "0", "there is room again");
}

/// A watch ends when its client likes; as many as there may be leave room for what is answered.
#[tokio::test]
async fn watches_are_bounded_by_themselves_and_take_no_place_from_questions() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["overload"] = json!({ "max_in_flight": 2 });
    let sidecar = config.start_ready().await;
    let raw = Raw::connect(&sidecar.config).await;
    let mut watches = Vec::new();
    for _ in 0..2 {
        let (watched, mut question) = raw.begin(other(WATCH), false).await;
        question.send_data(framed(b""), true).unwrap();
        let mut never_ends = timeout(SOON, watched).await.unwrap().unwrap().into_body();
        assert!(timeout(SOON, never_ends.data()).await.unwrap().unwrap().is_ok());
        watches.push(never_ends);
    }
    let refused = raw.send(other(WATCH), framed(b"")).await;
    assert_eq!(refused.grpc_status(), "14", "there are as many as there may be");
    let answered = raw.send(other(VALIDATE), framed(b"")).await;
    assert_eq!(answered.grpc_status(), "0");
    assert_eq!(raw.send(request(), check_request(0)).await.denial().0, 401);
}

#[tokio::test]
async fn who_is_told_to_leave_and_does_not_is_cut_when_the_place_is_needed() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["ext_authz"]["max_connections"] = json!(1);
    config.document["overload"] = json!({ "drain_seconds": 1 });
    let sidecar = config.start_ready().await;
    let holding = Raw::connect(&sidecar.config).await;
    let (watched, mut question) = holding.begin(other(WATCH), false).await;
    question.send_data(framed(b""), true).unwrap();
    let mut never_ends = timeout(SOON, watched).await.unwrap().unwrap().into_body();
    assert!(timeout(SOON, never_ends.data()).await.unwrap().unwrap().is_ok());

    let envoy = async {
        let raw = Raw::connect(&sidecar.config).await;
        let (answered, mut question) = raw.begin(request(), false).await;
        question.send_data(check_request(0), true).unwrap();
        whole(answered).await.denial().0
    };
    assert_eq!(timeout(3 * SOON, envoy).await.expect("a place"), 401);
}

#[tokio::test]
async fn an_answer_waits_for_a_client_with_little_room() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let raw = Raw::with_window(&sidecar.config, 10).await;
    assert_eq!(raw.send(request(), check_request(0)).await.denial().0, 401);
}

#[tokio::test]
async fn headers_beyond_all_measure_cost_one_request_not_the_connection() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let raw = Raw::connect(&sidecar.config).await;
    let mut large = request();
    large
        .headers_mut()
        .insert("x-large", "a".repeat(20 << 10).parse().unwrap());
    let refused = raw.send(large, Bytes::new()).await;
    assert_eq!(refused.status, 431);
    assert_eq!(raw.send(request(), check_request(0)).await.denial().0, 401);
}

/// Asks over one connection after the other, until nobody is there to connect to. A question that was sent is answered.
#[cfg(test)]
async fn ask_to_the_end(socket: Option<&Path>, address: &str, answered: &AtomicU64) {
    loop {
        let connected = match socket {
            Some(path) => match UnixStream::connect(path).await {
                Ok(stream) => Raw::over(stream, 1 << 16).await,
                Err(_) => return,
            },
            None => match TcpStream::connect(address).await {
                Ok(stream) => Raw::over(stream, 1 << 16).await,
                Err(_) => return,
            },
        };
        let Some(raw) = connected else { continue };
        // An error here says that the connection takes no more questions.
        while let Ok(mut ready) = raw.0.clone().ready().await {
            let Ok((response, mut stream)) = ready.send_request(request(), false) else {
                break;
            };
            stream.send_data(check_request(0), true).unwrap();
            assert_eq!(reply(response).await.denial().0, 401);
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_check_under_way_fails_when_the_process_is_told_to_end() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let (socket, address) = (sidecar.config.socket(), sidecar.config.tcp());
    let answered = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for n in 0..8 {
        let (socket, address, answered) = (socket.clone(), address.clone(), Arc::clone(&answered));
        clients.spawn(async move {
            ask_to_the_end((n % 2 == 0).then_some(socket.as_path()), &address, &answered).await;
        });
    }
    while answered.load(Ordering::Relaxed) < 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ended = tokio::task::spawn_blocking(|| sidecar.terminate());
    // Nothing is left to wait for: it takes less than the drain may.
    let (status, _) = timeout(Duration::from_secs(4), ended).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
}
