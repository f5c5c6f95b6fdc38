//! Sockets: bound once at start, so that a taken address is told before anything runs; accepted from up to a bound, beyond
//! which connections wait in the kernel's queue. Never reads what comes over them.

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, stream};
use postern_config::Listen;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::transport::server::Connected;

/// Who may open the socket file: its owner and its group, which Envoy shares.
const SOCKET_MODE: u32 = 0o660;
/// How long to wait when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why an address can't be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process listens there.
    #[error("{0} is taken: another process listens there; stop it, or give another address")]
    Taken(Listen),
    /// Something that is no socket stands in its place, and isn't ours to remove.
    #[error("{} exists and is not a socket; move it away, or give another path", .0.display())]
    NotASocket(PathBuf),
    /// The system refuses.
    #[error("{listen}: {error}")]
    Refused {
        /// Where.
        listen: Listen,
        /// Why.
        error: io::Error,
    },
}

/// A bound socket that isn't accepted from yet.
#[derive(Debug)]
pub(crate) enum Bound {
    /// A TCP port.
    Tcp(std::net::TcpListener),
    /// A Unix socket.
    Unix(std::os::unix::net::UnixListener),
}

/// Binds `listen`.
///
/// # Errors
/// When it is taken, or the system refuses.
pub(crate) fn bind(listen: &Listen) -> Result<Bound, BindError> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken(listen.clone()),
        _ => BindError::Refused {
            listen: listen.clone(),
            error,
        },
    };
    match listen {
        Listen::Tcp(address) => {
            let listener = std::net::TcpListener::bind(address).map_err(refused)?;
            listener.set_nonblocking(true).map_err(refused)?;
            Ok(Bound::Tcp(listener))
        }
        Listen::Unix(path) => {
            remove_stale(path, listen)?;
            let listener = std::os::unix::net::UnixListener::bind(path).map_err(refused)?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE)).map_err(refused)?;
            listener.set_nonblocking(true).map_err(refused)?;
            Ok(Bound::Unix(listener))
        }
    }
}

/// Removes a socket file that nobody listens on any more: what a killed process leaves behind.
fn remove_stale(path: &Path, listen: &Listen) -> Result<(), BindError> {
    let refused = |error| BindError::Refused {
        listen: listen.clone(),
        error,
    };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(BindError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(BindError::Taken(listen.clone())),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(refused)
        }
        Err(error) => Err(refused(error)),
    }
}

/// The connections of a bound socket, at most as many at once as `permits` has.
///
/// # Errors
/// When the socket can't be handed to the runtime.
pub(crate) fn connections(
    bound: Bound,
    permits: Arc<Semaphore>,
) -> io::Result<impl Stream<Item = io::Result<Connection>>> {
    let listener = match bound {
        Bound::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener)?),
        Bound::Unix(listener) => Listener::Unix(UnixListener::from_std(listener)?),
    };
    Ok(stream::unfold(
        (listener, permits),
        |(listener, permits)| async move {
            // The semaphore is never closed; if it were, nothing more would be accepted.
            let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
            let transport = loop {
                match listener.accept().await {
                    Ok(transport) => break transport,
                    // The client went away, or we are out of descriptors: neither is a reason to stop listening.
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            };
            Some((
                Ok(Connection {
                    transport,
                    _permit: permit,
                }),
                (listener, permits),
            ))
        },
    ))
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
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
    _permit: OwnedSemaphorePermit,
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
    use super::*;

    fn socket(folder: &tempfile::TempDir) -> (PathBuf, Listen) {
        let path = folder.path().join("a.sock");
        (path.clone(), Listen::Unix(path))
    }

    #[test]
    fn a_socket_that_nobody_listens_on_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let (path, listen) = socket(&folder);
        drop(bind(&listen).unwrap());
        assert!(path.exists());
        let _bound = bind(&listen).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            SOCKET_MODE
        );
    }

    #[test]
    fn a_socket_that_somebody_listens_on_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, listen) = socket(&folder);
        let _first = bind(&listen).unwrap();
        assert!(matches!(bind(&listen), Err(BindError::Taken(_))));
        assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
    }

    #[test]
    fn a_file_that_is_no_socket_is_never_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, listen) = socket(&folder);
        std::fs::write(&path, "mine").unwrap();
        assert!(matches!(bind(&listen), Err(BindError::NotASocket(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = bind(&Listen::Tcp(address)).unwrap_err();
        assert!(error.to_string().starts_with(&address.to_string()), "{error}");
    }
}
