//! Connections: accepted from a bound socket up to a bound that listeners share, beyond which one waits for a place and the
//! others wait in the kernel's queue. Never reads what comes over them, except whether anything does.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tonic::transport::server::Connected;

use crate::listen::{Bound, Socket, SocketFile};

/// How long to wait when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connections of a bound socket, each as soon as `permits` has a place for it.
///
/// # Errors
/// When the socket can't be handed to the runtime.
pub(crate) fn connections(
    bound: Bound,
    permits: Arc<Semaphore>,
) -> io::Result<impl Stream<Item = io::Result<Connection>>> {
    let Bound { file, socket } = bound;
    let listener = Listener {
        _file: file,
        socket: match socket {
            Socket::Tcp(listener) => Accepting::Tcp(TcpListener::from_std(listener)?),
            Socket::Unix(listener) => Accepting::Unix(UnixListener::from_std(listener)?),
        },
    };
    Ok(stream::unfold(
        (listener, permits),
        |(listener, permits)| async move {
            let transport = listener.accept().await;
            // Only now, so that a listener without clients takes no place from the others. The semaphore is never closed;
            // if it were, nothing more would be accepted.
            let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
            let connection = Connection {
                transport,
                silence: None,
                _permit: permit,
            };
            Some((Ok(connection), (listener, permits)))
        },
    ))
}

/// An open listener. The file goes before the socket closes, as in [`Bound`].
struct Listener {
    _file: Option<SocketFile>,
    socket: Accepting,
}

enum Accepting {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    async fn accept(&self) -> Transport {
        loop {
            match self.socket.accept().await {
                Ok(transport) => return transport,
                // The client went away, or we are out of descriptors: neither is a reason to stop listening.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Accepting {
    async fn accept(&self) -> io::Result<Transport> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Transport::Tcp(stream))
            }
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Transport::Unix(stream)),
        }
    }
}

enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// An accepted connection; when it ends, another may be accepted.
pub(crate) struct Connection {
    transport: Transport,
    silence: Option<Silence>,
    _permit: OwnedSemaphorePermit,
}

/// What a client has yet to send, and until when.
struct Silence {
    bytes: usize,
    until: Pin<Box<Sleep>>,
}

impl Connection {
    /// The address of whoever connected over TCP; `None` for a Unix socket. One that is gone already has the address that
    /// nobody has.
    pub(crate) fn peer_address(&self) -> Option<IpAddr> {
        match &self.transport {
            Transport::Tcp(stream) => Some(
                stream
                    .peer_addr()
                    .map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |address| address.ip()),
            ),
            Transport::Unix(_) => None,
        }
    }

    /// Fails unless the first `bytes` come within `deadline`: who connects and says nothing doesn't keep a place.
    pub(crate) fn speaking_within(mut self, bytes: usize, deadline: Duration) -> Self {
        self.silence = Some(Silence {
            bytes,
            until: Box::pin(sleep(deadline)),
        });
        self
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = match &mut this.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        let Some(silence) = &mut this.silence else {
            return read;
        };
        if read.is_pending() {
            let over = silence.until.as_mut().poll(context);
            return over.map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        silence.bytes = silence.bytes.saturating_sub(buffer.filled().len() - before);
        if silence.bytes == 0 {
            this.silence = None;
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Transport::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Tcp(stream) => stream.is_write_vectored(),
            Transport::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Transport::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::StreamExt;
    use postern_config::Listen;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;
    use crate::listen::bind;

    const SOON: Duration = Duration::from_secs(5);

    fn listener() -> (std::net::SocketAddr, Bound) {
        let bound = bind(&Listen::Tcp("127.0.0.1:0".parse().unwrap())).unwrap();
        let Socket::Tcp(socket) = &bound.socket else {
            unreachable!("a port was asked for")
        };
        (socket.local_addr().unwrap(), bound)
    }

    #[tokio::test]
    async fn a_listener_without_clients_takes_no_place() {
        let permits = Arc::new(Semaphore::new(1));
        let (_, idle) = listener();
        let mut idle = pin!(connections(idle, Arc::clone(&permits)).unwrap());
        let (address, busy) = listener();
        let mut busy = pin!(connections(busy, permits).unwrap());
        let accepted = async {
            let _client = TcpStream::connect(address).await.unwrap();
            busy.next().await.unwrap().unwrap()
        };
        tokio::select! {
            biased;
            _ = idle.next() => panic!("nobody connects to it"),
            accepted = timeout(SOON, accepted) => assert!(accepted.is_ok(), "no place left"),
        }
    }

    #[tokio::test]
    async fn beyond_the_bound_the_next_waits_for_an_end() {
        let (address, bound) = listener();
        let mut incoming = pin!(connections(bound, Arc::new(Semaphore::new(1))).unwrap());
        let _clients = [
            TcpStream::connect(address).await.unwrap(),
            TcpStream::connect(address).await.unwrap(),
        ];
        let first = incoming.next().await;
        assert!(futures_util::poll!(incoming.next()).is_pending());
        drop(first);
        assert!(timeout(SOON, incoming.next()).await.is_ok());
    }

    #[tokio::test]
    async fn who_says_too_little_at_first_is_cut_off_and_who_speaks_may_then_be_silent() {
        let (address, bound) = listener();
        let mut incoming = pin!(connections(bound, Arc::new(Semaphore::new(2))).unwrap());
        let short = Duration::from_millis(50);
        for (says, kind) in [("ab", Some(io::ErrorKind::TimedOut)), ("abc", None)] {
            let mut client = TcpStream::connect(address).await.unwrap();
            let mut connection = incoming.next().await.unwrap().unwrap().speaking_within(3, short);
            client.write_all(says.as_bytes()).await.unwrap();
            let mut heard = String::new();
            let reading = timeout(4 * short, connection.read_to_string(&mut heard)).await;
            let ended = reading.ok().map(|read| read.unwrap_err().kind());
            assert_eq!(ended, kind, "{says}");
        }
    }
}
