//! A bundle's base data: each `data.json`, `data.yaml` and `data.yml` stands for the folder that it is in, and all of them
//! together make one document. Two files may share objects, never a leaf.

use postern_rego::{Object, Value};

use super::archive::Files;
use super::digest::file_name;
use super::{BundleError, Manifest};

/// Reads and joins the data files, and holds the result to the manifest's roots.
pub(super) fn read(files: &Files, manifest: &Manifest) -> Result<Value, BundleError> {
    let mut data = Value::Object(Object::default());
    for (path, content) in files.iter().filter(|(path, _)| is_data(path)) {
        let refuse = |problem: String| BundleError::Data {
            path: path.clone(),
            problem,
        };
        let value = parse(path, content).map_err(refuse)?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if folder.is_empty() && value.as_object().is_none() {
            return Err(refuse(format!(
                "is {}; expected an object at the root of the data",
                value.type_name()
            )));
        }
        let placed = folder
            .rsplit('/')
            .filter(|name| !name.is_empty())
            .fold(value, |inner, name| {
                Value::Object([(Value::from(name), inner)].into_iter().collect())
            });
        if placed.nesting() > postern_rego::MAX_NESTING {
            return Err(refuse("nests too deeply".to_owned()));
        }
        data = join(data, &placed, &mut Vec::new())
            .map_err(|place| refuse(format!("sets `{place}`, which another data file sets too")))?;
    }
    check_roots(&data, manifest, &mut Vec::new())?;
    Ok(data)
}

/// Whether a file is data: of its folder, whatever that is.
pub(super) fn is_data(path: &str) -> bool {
    matches!(file_name(path), "data.json" | "data.yaml" | "data.yml")
}

/// What a data file says. OPA reads one that is called YAML as JSON where it is that.
pub(super) fn parse(path: &str, content: &[u8]) -> Result<Value, String> {
    let json = Value::from_json_slice(content).map_err(|error| error.to_string());
    if path.ends_with(".json") || json.is_ok() {
        return json;
    }
    let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8".to_owned())?;
    Value::from_yaml_str(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Both documents as one, or the path at which they disagree.
fn join(ours: Value, theirs: &Value, path: &mut Vec<String>) -> Result<Value, String> {
    let (Value::Object(mut members), Some(others)) = (ours, theirs.as_object()) else {
        return Err(path.join("/"));
    };
    for (name, value) in others {
        let joined = match members.get(name) {
            None => value.clone(),
            Some(present) => {
                path.push(name.as_str().unwrap_or_default().to_owned());
                let joined = join(present.clone(), value, path)?;
                path.pop();
                joined
            }
        };
        members.insert(name.clone(), joined);
    }
    Ok(Value::Object(members))
}

/// Data may stand below a root; above one there may be nothing but the objects that lead to it.
fn check_roots<'v>(
    value: &'v Value,
    manifest: &Manifest,
    path: &mut Vec<&'v str>,
) -> Result<(), BundleError> {
    if manifest.owns(path) {
        return Ok(());
    }
    match value.as_object() {
        Some(members) if path.is_empty() || manifest.leads_to_root(path) => {
            for (name, value) in members {
                path.push(name.as_str().unwrap_or_default());
                check_roots(value, manifest, path)?;
                path.pop();
            }
            Ok(())
        }
        _ => Err(BundleError::OutsideRoots {
            path: path.join("/"),
            roots: manifest.roots.join(", "),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(manifest: &str, files: &[(&str, &str)]) -> Result<String, String> {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect();
        let manifest = Manifest::parse(manifest.as_bytes()).unwrap();
        read(&files, &manifest)
            .map(|data| data.to_json())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn each_file_stands_for_its_folder() {
        let files = [
            ("data.json", r#"{"a":{"x":1}}"#),
            ("a/b/data.json", "[2]"),
            ("c/other.json", "{}"),
            ("c/data.yaml", "y:\n  - true\n"),
            ("c/d/data.yml", r#"{"z": 1.0}"#),
        ];
        assert_eq!(
            read_with("{}", &files).unwrap(),
            r#"{"a":{"b":[2],"x":1},"c":{"d":{"z":1.0},"y":[true]}}"#
        );
        assert!(
            read_with("{}", &[("data.yaml", "a: [")])
                .unwrap_err()
                .starts_with("`data.yaml`: ")
        );
        assert_eq!(read_with("{}", &[]).unwrap(), "{}");
    }

    #[test]
    fn two_files_that_set_the_same_are_refused() {
        let files = [("data.json", r#"{"a":{"b":1}}"#), ("a/data.json", r#"{"b":1}"#)];
        let error = read_with("{}", &files).unwrap_err();
        assert!(error.contains("sets `a/b`"), "{error}");
    }

    #[test]
    fn the_root_must_be_an_object() {
        assert!(
            read_with("{}", &[("data.json", "[]")])
                .unwrap_err()
                .contains("expected an object")
        );
        assert!(
            read_with("{}", &[("data.json", "{")])
                .unwrap_err()
                .starts_with("`data.json`: ")
        );
    }

    #[test]
    fn data_outside_the_roots_is_refused_by_path() {
        let manifest = r#"{"roots":["orders/authz"]}"#;
        assert!(read_with(manifest, &[("orders/authz/roles/data.json", "1")]).is_ok());
        assert!(read_with(manifest, &[("data.json", "{}")]).is_ok());
        for file in [
            ("users/data.json", "{}"),
            ("orders/data.json", r#"{"x":1}"#),
            ("orders/data.json", "1"),
        ] {
            let error = read_with(manifest, &[file]).unwrap_err();
            assert!(
                error.contains("is outside the bundle's roots (orders/authz)"),
                "{error}"
            );
        }
    }
}
