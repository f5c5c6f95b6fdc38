//! The end of a log, to be shown where a part died. Reads a bounded piece, whatever the log's size.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

/// As many lines as tell why something died.
const LINES: usize = 12;
/// A stack trace fits; a runaway line does not.
const BYTES: u64 = 8 * 1024;

/// The last lines of the file at `path`; empty when it can't be read.
pub fn last_lines(path: &Path) -> Vec<String> {
    read(path).unwrap_or_default()
}

fn read(path: &Path) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let surplus = lines.len().saturating_sub(LINES);
    lines.drain(..surplus);
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let temp = tempfile::NamedTempFile::new().unwrap();
        let text: String = (0..100).map(|number| format!("line {number}\n")).collect();
        std::fs::write(temp.path(), text).unwrap();
        let lines = last_lines(temp.path());
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (LINES, "line 99"));
    }

    #[test]
    fn a_runaway_line_is_cut_and_a_missing_file_is_empty() {
        let temp = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(temp.path(), "é".repeat(100_000)).unwrap();
        assert!(last_lines(temp.path())[0].len() <= 9_000);
        assert!(last_lines(Path::new("/nowhere")).is_empty());
    }
}
