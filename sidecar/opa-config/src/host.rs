//! What a configuration may ask of the machine that it is read on. Never asked for more.

/// The files and the environment that a configuration names.
pub trait Host {
    /// The environment variable `name`, if it is set, be it to nothing.
    fn variable(&self, name: &str) -> Option<String>;

    /// What stands in the file at `path`, as the path was written.
    ///
    /// # Errors
    /// Why it can't be read, in a few words. An implementation bounds the size of what it reads.
    fn file(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Whether there is something at `path`. OPA takes a verification key for a file's name if there is such a file, and
    /// for the key itself otherwise.
    fn exists(&self, path: &str) -> bool {
        self.file(path).is_ok()
    }
}
