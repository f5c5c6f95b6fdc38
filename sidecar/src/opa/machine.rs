//! What a configuration may ask of the machine: its files and its environment.

use std::io::Read as _;
use std::path::Path;

use postern_opa_config::Host;

/// The largest file that is read: a configuration, a key, a token.
const MAX_BYTES: u64 = 16 << 20;

/// The machine that this process runs on.
pub(super) struct Machine;

impl Host for Machine {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
        let mut content = Vec::new();
        let read = file.take(MAX_BYTES + 1).read_to_end(&mut content);
        let read = read.map_err(|error| error.to_string())?;
        if read as u64 > MAX_BYTES {
            return Err(format!("it is larger than {MAX_BYTES} bytes"));
        }
        Ok(content)
    }

    fn exists(&self, path: &str) -> bool {
        Path::new(path).exists()
    }
}
