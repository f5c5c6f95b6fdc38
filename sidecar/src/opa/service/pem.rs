//! A block of PEM with the headers that it may have (RFC 1421), which are how OpenSSL says that a key is encrypted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

/// A block.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) der: Zeroizing<Vec<u8>>,
}

impl Block {
    /// A header's value.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The first block of `text`, whatever stands before it.
pub(super) fn first(text: &str) -> Option<Block> {
    let mut lines = text.lines().map(str::trim_end);
    let label = lines.find_map(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"))?;
    let end = format!("-----END {label}-----");
    let mut headers = Vec::new();
    let mut base64 = Zeroizing::new(String::new());
    for line in lines {
        if line == end {
            let der = STANDARD.decode(base64.as_bytes()).ok()?;
            return Some(Block {
                label: label.to_owned(),
                headers,
                der: Zeroizing::new(der),
            });
        }
        match line.split_once(':') {
            Some((name, value)) if base64.is_empty() => {
                headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            _ => base64.push_str(line.trim()),
        }
    }
    None
}

/// A block as text.
pub(super) fn encoded(label: &str, der: &[u8]) -> Zeroizing<String> {
    postern_jose::pem::encode(label, der)
}
