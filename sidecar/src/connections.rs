//! Connections: accepted from a bound socket up to a bound that listeners share, beyond which one waits for a place and the
//! others wait in the kernel's queue. Never looks at what comes over them.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::PollSemaphore;

use crate::listen::{Bound, Socket, SocketFile};

/// How long to wait when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connections of a bound socket, each as soon as `permits` has a place for it.
///
/// # Errors
/// When the socket can't be handed to the runtime.
pub(crate) fn connections(bound: Bound, permits: Arc<Semaphore>) -> io::Result<Incoming> {
    let Bound { file, socket } = bound;
    let listener = Listener {
        _file: file,
        socket: match socket {
            Socket::Tcp(listener) => Accepting::Tcp(TcpListener::from_std(listener)?),
            Socket::Unix(listener) => Accepting::Unix(UnixListener::from_std(listener)?),
        },
    };
    Ok(Incoming {
        listener,
        permits: PollSemaphore::new(permits),
        accepted: None,
        pause: None,
    })
}

/// Connections as they come.
pub(crate) struct Incoming {
    listener: Listener,
    permits: PollSemaphore,
    /// Accepted, and waiting for a place.
    accepted: Option<Transport>,
    /// After an error.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Incoming {
    /// Closes the door, and gives those that had come before and that there is a place for: who connected to a socket that
    /// was there isn't cut off.
    pub(crate) fn last(self) -> Vec<Connection> {
        let Listener { _file: file, socket } = self.listener;
        drop(file);
        let mut transports: Vec<Transport> = self.accepted.into_iter().collect();
        if let Err(error) = socket.rest(&mut transports) {
            tracing::debug!(%error, "the last connections could not be accepted");
        }
        let permits = self.permits.into_inner();
        transports
            .into_iter()
            .map_while(|transport| {
                let permit = Arc::clone(&permits).try_acquire_owned().ok()?;
                Some(Connection {
                    transport,
                    _permit: permit,
                })
            })
            .collect()
    }
}

impl Stream for Incoming {
    type Item = io::Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(pause) = &mut this.pause {
                ready!(pause.as_mut().poll(context));
                this.pause = None;
            }
            if this.accepted.is_none() {
                match ready!(this.listener.socket.poll_accept(context)) {
                    Ok(transport) => this.accepted = Some(transport),
                    // The client went away, or we are out of descriptors: neither is a reason to stop listening.
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        this.pause = Some(Box::pin(sleep(ACCEPT_PAUSE)));
                        continue;
                    }
                }
            }
            // Only now, so that a listener without clients takes no place from the others. The semaphore is never closed;
            // if it were, nothing more would be accepted.
            let Some(permit) = ready!(this.permits.poll_acquire(context)) else {
                return Poll::Ready(None);
            };
            if let Some(transport) = this.accepted.take() {
                return Poll::Ready(Some(Ok(Connection {
                    transport,
                    _permit: permit,
                })));
            }
        }
    }
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

impl Accepting {
    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Transport>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = ready!(listener.poll_accept(context))?;
                stream.set_nodelay(true)?;
                Poll::Ready(Ok(Transport::Tcp(stream)))
            }
            Self::Unix(listener) => {
                let (stream, _) = ready!(listener.poll_accept(context))?;
                Poll::Ready(Ok(Transport::Unix(stream)))
            }
        }
    }

    /// What the kernel has queued, without waiting.
    fn rest(self, transports: &mut Vec<Transport>) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => {
                let listener = listener.into_std()?;
                while let Some((stream, _)) = unless_empty(listener.accept())? {
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    transports.push(Transport::Tcp(TcpStream::from_std(stream)?));
                }
            }
            Self::Unix(listener) => {
                let listener = listener.into_std()?;
                while let Some((stream, _)) = unless_empty(listener.accept())? {
                    stream.set_nonblocking(true)?;
                    transports.push(Transport::Unix(UnixStream::from_std(stream)?));
                }
            }
        }
        Ok(())
    }
}

/// `None` when nobody waits to be accepted.
fn unless_empty<C>(accepted: io::Result<C>) -> io::Result<Option<C>> {
    match accepted {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        accepted => accepted.map(Some),
    }
}

enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// An accepted connection; when it ends, another may be accepted.
pub(crate) struct Connection {
    transport: Transport,
    _permit: OwnedSemaphorePermit,
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
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    /// Not in pieces: told so, the HTTP libraries gather small ones and write a burst of answers at once.
    fn is_write_vectored(&self) -> bool {
        false
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
    async fn who_had_connected_when_the_door_closes_is_let_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let bound = bind(&Listen::Unix(path.clone())).unwrap();
        let incoming = connections(bound, Arc::new(Semaphore::new(2))).unwrap();
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(UnixStream::connect(&path).await.unwrap());
        }
        let last = incoming.last();
        assert_eq!(last.len(), 2, "as many as there are places for");
        assert!(UnixStream::connect(&path).await.is_err());
    }
}
