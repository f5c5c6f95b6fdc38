//! `summary.json`: a flat object `name: number` of what was measured in this run, and of nothing else.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

/// The figures of a run.
#[derive(Default)]
pub struct Summary(BTreeMap<&'static str, f64>);

impl Summary {
    /// Adds a figure. One that is not a number was not measured, and is left out.
    pub fn add(&mut self, name: &'static str, value: f64) {
        if value.is_finite() {
            self.0.insert(name, value);
        }
    }

    /// Takes over the figures of another part of the run.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Writes the file, replacing the one of an earlier run.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string_pretty(&self.0)? + "\n";
        std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_was_not_measured_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench/summary.json");
        let mut summary = Summary::default();
        summary.add("measured", 0.5);
        summary.add("not_measured", f64::NAN);
        summary.write(&path).unwrap();
        let read: BTreeMap<String, f64> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(read, BTreeMap::from([("measured".to_owned(), 0.5)]));
    }
}
