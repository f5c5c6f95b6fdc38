//! A name for what lies in a policy folder: the same content has the same name, wherever and whenever it lies there.

use aws_lc_rs::digest::{Context, SHA256};

/// As many bytes of the hash as tell policies of one developer apart.
const NAME_BYTES: usize = 8;

/// `dev-` and the beginning of a SHA-256 over all files.
pub fn revision<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Context::new(&SHA256);
    for (path, content) in files {
        for part in [path.as_bytes(), content] {
            // Lengths first, so that no two lists of files run together into one.
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    let digest = hash.finish();
    let hex: String = digest
        .as_ref()
        .iter()
        .take(NAME_BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("dev-{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> String {
        revision(files.iter().map(|(path, content)| (*path, content.as_bytes())))
    }

    #[test]
    fn the_same_content_has_the_same_name_and_any_change_another() {
        let one = of(&[("a.rego", "package a"), ("data.json", "{}")]);
        assert_eq!(one, of(&[("a.rego", "package a"), ("data.json", "{}")]));
        assert_ne!(one, of(&[("a.rego", "package a"), ("data.json", "{ }")]));
        assert_ne!(one, of(&[("b.rego", "package a"), ("data.json", "{}")]));
    }

    #[test]
    fn moving_bytes_from_one_file_to_the_next_is_a_change() {
        assert_ne!(of(&[("a", "xy"), ("b", "")]), of(&[("a", "x"), ("b", "y")]));
    }
}
