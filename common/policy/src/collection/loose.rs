//! What `opa run` is given besides bundles: files of Rego, JSON and YAML, and folders of them (`v1/loader`). Who reads the
//! disk is somebody else; here is what each file means.

use std::collections::BTreeMap;

use postern_rego::{Object, Value};

use super::data::{merged, owned};
use super::text::package;
use super::{CollectionError, Module, RegoVersion};

/// A file, and how it was come by.
#[derive(Debug, Clone, Copy)]
pub struct LooseFile<'f> {
    /// Its path, as it was given or found below what was given.
    pub path: &'f str,
    /// Where its data goes: the prefix that was given with the path (`a.b:file`), and the folders between that and the
    /// file.
    pub place: &'f [String],
    /// Whether it was given itself, and not found in a folder: then it is read whatever it is called.
    pub named: bool,
    /// Its bytes.
    pub content: &'f [u8],
}

/// Rego and data outside of bundles.
#[derive(Debug, Clone)]
pub struct Loose {
    modules: BTreeMap<String, Module>,
    data: Value,
}

impl Default for Loose {
    fn default() -> Self {
        Self {
            modules: BTreeMap::new(),
            data: Value::Object(Object::default()),
        }
    }
}

/// What a file is.
enum Kind {
    Rego,
    Json,
    Yaml,
}

impl Loose {
    /// What of the data lies at these roots.
    pub(crate) fn owned_by(&self, roots: &[String]) -> Value {
        owned(&self.data, roots)
    }

    /// Takes in a file. One that OPA passes over (it was found, and its name ends in nothing known) is passed over.
    ///
    /// # Errors
    /// [`CollectionError::File`]: what the file is not, or with what it collides.
    pub fn add(&mut self, file: &LooseFile<'_>, version: RegoVersion) -> Result<(), CollectionError> {
        let refuse = |problem: String| CollectionError::File {
            file: file.path.to_owned(),
            problem,
        };
        let text = |content| std::str::from_utf8(content).map_err(|_| refuse("it is not UTF-8".to_owned()));
        match Kind::of(file) {
            None => Ok(()),
            Some(Kind::Rego) => {
                let id = file.path.trim_matches('/').to_owned();
                let package = package(text(file.content)?)
                    .ok_or_else(|| refuse("it doesn't begin with a package".to_owned()))?;
                let module = Module {
                    id: file.path.to_owned(),
                    bundle: None,
                    path: id.clone(),
                    package,
                    version,
                    text: file.content.to_vec(),
                };
                self.modules.insert(id, module);
                Ok(())
            }
            Some(Kind::Json) => {
                let value =
                    Value::from_json_slice(file.content).map_err(|error| refuse(error.to_string()))?;
                self.merge(file, value)
            }
            Some(Kind::Yaml) => {
                let value = Value::from_yaml_str(text(file.content)?).map_err(refuse)?;
                self.merge(file, value)
            }
        }
    }

    fn merge(&mut self, file: &LooseFile<'_>, value: Value) -> Result<(), CollectionError> {
        let refuse = |problem: String| CollectionError::File {
            file: file.path.to_owned(),
            problem,
        };
        let placed = file.place.iter().rev().fold(value, |inner, name| {
            Value::Object([(Value::from(name.as_str()), inner)].into_iter().collect())
        });
        if placed.as_object().is_none() {
            return Err(refuse(format!(
                "document must be of type object, and is {}",
                placed.type_name()
            )));
        }
        if placed.nesting() > postern_rego::MAX_NESTING {
            return Err(refuse("nests too deeply".to_owned()));
        }
        self.data = merged(self.data.clone(), &placed)
            .map_err(|place| refuse(format!("sets data at {place}, which another file sets, too")))?;
        Ok(())
    }

    /// The modules in the order of their names.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.values()
    }

    /// The data of all files.
    #[must_use]
    pub fn data(&self) -> &Value {
        &self.data
    }
}

impl Kind {
    fn of(file: &LooseFile<'_>) -> Option<Self> {
        let name = file.path.rsplit_once('/').map_or(file.path, |(_, name)| name);
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("rego") => Some(Self::Rego),
            Some("json") => Some(Self::Json),
            Some("yaml" | "yml") => Some(Self::Yaml),
            _ if !file.named => None,
            // OPA tries them in this order. What begins with a package is neither JSON nor a YAML object.
            _ => Some(match std::str::from_utf8(file.content) {
                Ok(text) if package(text).is_some() => Self::Rego,
                _ if Value::from_json_slice(file.content).is_ok() => Self::Json,
                _ => Self::Yaml,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(files: &[(&str, &[&str], bool, &str)]) -> Result<Loose, String> {
        let mut loose = Loose::default();
        for (path, place, named, content) in files {
            let place: Vec<String> = place.iter().map(|name| (*name).to_owned()).collect();
            let file = LooseFile {
                path,
                place: &place,
                named: *named,
                content: content.as_bytes(),
            };
            loose
                .add(&file, RegoVersion::V1)
                .map_err(|error| error.to_string())?;
        }
        Ok(loose)
    }

    #[test]
    fn each_file_is_what_its_name_says() {
        let loose = loaded(&[
            ("/policy/p.rego", &[], true, "package a.b\nx := 1\n"),
            ("d/data.json", &["d"], false, r#"{"x":1}"#),
            ("d/more.yaml", &["d"], false, "y: [2]\n"),
            ("d/readme.md", &["d"], false, "# nothing"),
            ("odd", &["o"], true, "[1]"),
        ])
        .unwrap();
        assert_eq!(loose.data().to_json(), r#"{"d":{"x":1,"y":[2]},"o":[1]}"#);
        let modules: Vec<_> = loose
            .modules()
            .map(|module| (module.id.as_str(), module.package.join("/")))
            .collect();
        assert_eq!(modules, [("/policy/p.rego", "a/b".to_owned())]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = loaded(&[("a.json", &[], true, "[1]")]).unwrap_err();
        assert!(
            error.contains("a.json") && error.contains("must be of type object"),
            "{error}"
        );
        let error = loaded(&[
            ("a.json", &[], true, r#"{"a":{"b":1}}"#),
            ("b.yaml", &["a"], false, "b: 2\n"),
        ])
        .unwrap_err();
        assert!(error.contains("b.yaml") && error.contains("a/b"), "{error}");
        let error = loaded(&[("a.rego", &[], true, "x := 1")]).unwrap_err();
        assert!(error.contains("a.rego") && error.contains("package"), "{error}");
    }
}
