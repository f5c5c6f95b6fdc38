//! Private files of the control plane: several processes may start on one data folder at once, so that who writes is told
//! apart by chance.

use std::io;
use std::path::Path;

use postern_process::Claimed;

use crate::Entropy;

/// Writes `bytes` to `path` with mode 0600 unless a file is there; see [`postern_process::claim_private`].
///
/// # Errors
/// Whatever the file system answers; then `path` is as it was.
pub(crate) fn claim_private(path: &Path, bytes: &[u8], entropy: &dyn Entropy) -> io::Result<Claimed> {
    let writer = hex::encode(crate::random_bytes::<8>(entropy));
    postern_process::claim_private(path, bytes, &writer)
}
