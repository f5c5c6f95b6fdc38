//! Sockets: bound once at start, so that a taken address is told before anything runs. A socket file lives as long as its
//! listener and is never anybody else's that is removed. Never accepts.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use postern_config::Listen;

/// Who may open the socket file: its owner and its group, which Envoy shares.
const SOCKET_MODE: u32 = 0o660;

/// Why an address can't be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process listens there.
    #[error("{0} is taken: another process listens there; stop it, or give another address")]
    Taken(Listen),
    /// Something that is no socket stands in its place, and isn't ours to remove.
    #[error("{} exists and is not a socket; move it away, or give another path", .0.display())]
    NotASocket(PathBuf),
    /// A socket can't be where no folder is. Who may enter the folder isn't ours to decide, so it isn't made here.
    #[error("{0}: its folder isn't there; make it first, and let Envoy's user into it")]
    NoFolder(Listen),
    /// The system refuses.
    #[error("{listen}: {error}")]
    Refused {
        /// Where.
        listen: Listen,
        /// Why.
        error: io::Error,
    },
}

/// A bound socket that isn't accepted from yet. The order of the members is that in which they are dropped.
#[derive(Debug)]
pub(crate) struct Bound {
    /// Removed while the listener is still open: once it is closed, a successor may have bound the path anew.
    pub(crate) file: Option<SocketFile>,
    pub(crate) socket: Socket,
}

/// What was bound.
#[derive(Debug)]
pub(crate) enum Socket {
    /// A TCP port.
    Tcp(std::net::TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// The file of a Unix socket of ours; removed when dropped, unless another has taken its place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::symlink_metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|there| (there.dev(), there.ino()) == (self.device, self.inode));
        if ours {
            // If it can't be removed, the next start finds that nobody listens on it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Binds a name in Linux's abstract namespace of Unix sockets (unix(7)).
///
/// # Errors
/// When it is taken, or the system refuses.
pub(crate) fn bind_abstract(name: &str) -> Result<Bound, BindError> {
    let listen = || Listen::Unix(PathBuf::from(format!("@{name}")));
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken(listen()),
        _ => BindError::Refused {
            listen: listen(),
            error,
        },
    };
    let address = SocketAddr::from_abstract_name(name).map_err(refused)?;
    let listener = UnixListener::bind_addr(&address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    Ok(Bound {
        file: None,
        socket: Socket::Unix(listener),
    })
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
            Ok(Bound {
                file: None,
                socket: Socket::Tcp(listener),
            })
        }
        Listen::Unix(path) => {
            remove_stale(path, listen)?;
            let listener = UnixListener::bind(path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => BindError::NoFolder(listen.clone()),
                _ => refused(error),
            })?;
            let file = SocketFile::of(path).map_err(refused)?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE)).map_err(refused)?;
            listener.set_nonblocking(true).map_err(refused)?;
            Ok(Bound {
                file: Some(file),
                socket: Socket::Unix(listener),
            })
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
        // What a killed process leaves: a file, and nobody behind it.
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let _bound = bind(&listen).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            SOCKET_MODE
        );
    }

    #[test]
    fn a_socket_file_goes_with_its_listener() {
        let folder = tempfile::tempdir().unwrap();
        let (path, listen) = socket(&folder);
        drop(bind(&listen).unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_file_of_a_successor_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (path, listen) = socket(&folder);
        let bound = bind(&listen).unwrap();
        std::fs::remove_file(&path).unwrap();
        let _successor = UnixListener::bind(&path).unwrap();
        drop(bound);
        assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
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
    fn a_socket_whose_folder_is_not_there_asks_for_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let listen = Listen::Unix(folder.path().join("not-there/a.sock"));
        assert!(matches!(bind(&listen), Err(BindError::NoFolder(_))));
        assert!(!folder.path().join("not-there").exists());
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
