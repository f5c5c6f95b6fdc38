//! How much a bundle may hold. Every bound has a default that suits policies; raise one on purpose only.

/// Bounds of an archive. What crosses one is refused while it is read, before it takes the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The archive as it comes, compressed, in bytes. Default 32 MiB.
    pub archive_bytes: usize,
    /// Everything in it, inflated, in bytes. Default 256 MiB.
    pub inflated_bytes: u64,
    /// One file in it, in bytes. Default: as much as everything.
    pub file_bytes: u64,
    /// How many files. Default 10,000.
    pub files: usize,
    /// A file's path, in bytes. Default 1,024.
    pub path_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            archive_bytes: 32 * 1024 * 1024,
            inflated_bytes: 256 * 1024 * 1024,
            file_bytes: 256 * 1024 * 1024,
            files: 10_000,
            path_bytes: 1024,
        }
    }
}
