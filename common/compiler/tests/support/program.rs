//! Programs that tests write. Shared with tests of other crates.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a shell script to `path` that can be run at once. Another process does: one that is started here meanwhile would hold the
/// file open for writing, and a file that is can't be run.
pub(crate) fn write(path: &Path, text: &str) {
    let mut shell = Command::new("/bin/sh")
        .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let written = write!(shell.stdin.take().unwrap(), "#!/bin/sh\n{text}\n");
    written.unwrap();
    assert!(shell.wait().unwrap().success());
}
