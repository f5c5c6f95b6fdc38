//! A path below `data` that is asked: names, and numbers where OPA reads numbers. The same document is spelled in several
//! ways, by OPA's own parts and by us; each is read here, once.

use std::borrow::Cow;
use std::fmt;

use postern_rego::Value;

use super::text::Scanner;

/// One step of a [`DataPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A member's name.
    Name(String),
    /// An index of an array, or a number as an object's key or a set's member.
    Number(i64),
}

/// A path below `data`: what a policy is asked for. The empty one is all of `data`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DataPath(Vec<Segment>);

/// A text that names no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no reference to a document: expected one such as `data.envoy.authz.allow` or `data.roles[\"a b\"][0]`"
)]
pub struct PathError(String);

impl FromIterator<Segment> for DataPath {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl DataPath {
    /// As opa-envoy-plugin reads its `path`: parts between slashes, empty ones don't count, and what is a whole number
    /// is a number.
    #[must_use]
    pub fn of_plugin(path: &str) -> Self {
        let parts = path.split('/').filter(|part| !part.is_empty());
        Self(
            parts
                .map(|part| match part.parse() {
                    Ok(number) => Segment::Number(number),
                    Err(_) => Segment::Name(part.to_owned()),
                })
                .collect(),
        )
    }

    /// As OPA reads `mask_decision`, `drop_decision` and `opa build -e` (`ref.ParseDataPath`): parts between slashes, with a
    /// slash in front or not. What is a whole number, and not a negative one, is a number; an empty part is a name.
    #[must_use]
    pub fn of_names(path: &str) -> Self {
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.is_empty() {
            return Self::default();
        }
        Self(
            path.split('/')
                .map(|part| match natural(part) {
                    Some(number) => Segment::Number(number),
                    None => Segment::Name(part.to_owned()),
                })
                .collect(),
        )
    }

    /// As our own configuration names entrypoints: [`normalize_entrypoint`](crate::engine::normalize_entrypoint).
    #[must_use]
    pub fn of_entrypoint(path: &str) -> Self {
        Self::of_names(&crate::engine::normalize_entrypoint(path))
    }

    /// As Rego writes it: `data.a["b c"][0]`.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn of_ref(text: &str) -> Result<Self, PathError> {
        let refuse = || PathError(text.chars().take(200).collect());
        let mut scanner = Scanner::new(text.trim());
        if scanner.word() != Some("data") {
            return Err(refuse());
        }
        let mut segments = Vec::new();
        while let Some(segment) = scanner.step() {
            segments.push(segment.ok_or_else(refuse)?);
        }
        if scanner.is_at_end() {
            Ok(Self(segments))
        } else {
            Err(refuse())
        }
    }

    /// Its steps.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// As `opa build -e` takes it; `None` where that can't say it: a negative number, a slash in a name, an empty name, a name
    /// that would be a number.
    #[must_use]
    pub fn entrypoint(&self) -> Option<String> {
        let parts: Option<Vec<String>> = self.0.iter().map(plain).collect();
        parts.map(|parts| parts.join("/"))
    }

    /// What it is called among entrypoints: slash-separated where that says it, as a reference elsewhere.
    #[must_use]
    pub fn name(&self) -> String {
        self.entrypoint().unwrap_or_else(|| self.to_string())
    }

    /// The reference with every name in brackets, which is Rego whatever the names are.
    #[must_use]
    pub fn quoted(&self) -> String {
        let mut text = "data".to_owned();
        for segment in &self.0 {
            match segment {
                Segment::Name(name) => text.push_str(&format!("[{}]", Value::from(name.as_str()).to_json())),
                Segment::Number(number) => text.push_str(&format!("[{number}]")),
            }
        }
        text
    }

    /// What base data holds there, as OPA's storage finds it, whose paths are made of text: `data.list["0"]` is the list's
    /// first element, and `data.object[2]` the member under `"2"`.
    #[must_use]
    pub fn find<'v>(&self, data: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(data, |value, segment| {
            let text = match segment {
                Segment::Name(name) => Cow::Borrowed(name.as_str()),
                Segment::Number(number) => Cow::Owned(number.to_string()),
            };
            match value {
                Value::Object(members) => members.get_str(&text),
                Value::Array(elements) => elements.get(usize::try_from(index(&text)?).ok()?),
                _ => None,
            }
        })
    }

    /// Whether rules of a package can be at, above or below this path.
    #[must_use]
    pub fn meets(&self, package: &[String]) -> bool {
        self.0
            .iter()
            .zip(package)
            .all(|(segment, name)| matches!(segment, Segment::Name(own) if own == name))
    }

    /// Whether the document there holds all of the package's.
    #[must_use]
    pub fn is_above(&self, package: &[String]) -> bool {
        self.0.len() <= package.len() && self.meets(package)
    }
}

fn plain(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Name(name) if !name.is_empty() && !name.contains('/') && natural(name).is_none() => {
            Some(name.clone())
        }
        Segment::Number(number) if *number >= 0 => Some(number.to_string()),
        _ => None,
    }
}

/// As OPA's `util.Atoi` reads a number, without those below zero: `1.0` is one.
fn natural(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = whole.bytes().all(|byte| byte.is_ascii_digit()) && fraction.bytes().all(|byte| byte == b'0');
    match whole {
        "" => plain.then_some(0),
        whole => whole.parse().ok().filter(|_| plain),
    }
}

/// As storage reads an index: nothing below zero, but zero may have a sign.
fn index(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(rest) => natural(rest).filter(|number| *number == 0 && !rest.starts_with('+')),
        None => natural(text),
    }
}

/// As Rego writes it.
impl fmt::Display for DataPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data")?;
        for segment in &self.0 {
            match segment {
                Segment::Name(name) if super::text::is_word(name) => write!(f, ".{name}")?,
                Segment::Name(name) => write!(f, "[{}]", Value::from(name.as_str()).to_json())?,
                Segment::Number(number) => write!(f, "[{number}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_opa_reads_paths_its_own_way() {
        for (path, expected) in [
            ("envoy/authz/allow", "data.envoy.authz.allow"),
            ("/envoy//authz/allow/", "data.envoy.authz.allow"),
            ("a/0/-1/007", "data.a[0][-1][7]"),
            ("a/b c/1.0", r#"data.a["b c"]["1.0"]"#),
            ("", "data"),
        ] {
            assert_eq!(DataPath::of_plugin(path).to_string(), expected, "{path}");
        }
        assert_eq!(
            DataPath::of_names("/system/log/mask").to_string(),
            "data.system.log.mask"
        );
        assert_eq!(DataPath::of_names("a/0/-1").to_string(), r#"data.a[0]["-1"]"#);
        assert_eq!(
            DataPath::of_names("a/1.0/1.5/+2/1.0.0").to_string(),
            r#"data.a[1]["1.5"][2]["1.0.0"]"#
        );
        assert_eq!(DataPath::of_names("a//").to_string(), r#"data.a[""][""]"#);
        assert_eq!(DataPath::of_entrypoint("data.a.b").to_string(), "data.a.b");
    }

    #[test]
    fn a_reference_is_read_back() {
        for text in [
            "data",
            "data.a.b_1",
            r#"data["a b"][0]["x/y"].z"#,
            r#"data["é\n"]"#,
        ] {
            let path = DataPath::of_ref(text).unwrap();
            assert_eq!(DataPath::of_ref(&path.to_string()).unwrap(), path, "{text}");
            assert_eq!(DataPath::of_ref(&path.quoted()).unwrap(), path, "{text}");
        }
        for text in [
            "input.a",
            "data.a == 1",
            "data.a[x]",
            "data.a; true",
            "data.",
            "data[",
            "x := data.a",
            "database",
        ] {
            assert!(DataPath::of_ref(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_plain_names_are_entrypoints() {
        let entrypoint = |text: &str| DataPath::of_ref(text).unwrap().entrypoint();
        assert_eq!(entrypoint(r#"data.a["b c"]"#).as_deref(), Some("a/b c"));
        assert_eq!(entrypoint("data.a[0]").as_deref(), Some("a/0"));
        assert_eq!(entrypoint("data.a[-1]"), None);
        assert_eq!(entrypoint(r#"data.a["0"]"#), None);
        assert_eq!(entrypoint(r#"data["a/b"]"#), None);
        assert_eq!(entrypoint(r#"data.a[""]"#), None);
        assert_eq!(DataPath::of_ref("data.a[-1]").unwrap().name(), "data.a[-1]");
    }

    #[test]
    fn base_data_is_found_as_opas_storage_finds_it() {
        let data = Value::from_json_str(r#"{"a":[{"0":"name"},2],"n":{"1":3}}"#).unwrap();
        let find = |text: &str| DataPath::of_ref(text).unwrap().find(&data).map(Value::to_json);
        assert_eq!(find("data.a[1]").as_deref(), Some("2"));
        assert_eq!(find(r#"data.a[0]["0"]"#).as_deref(), Some("\"name\""));
        assert_eq!(find("data.a[0][0]").as_deref(), Some("\"name\""));
        assert_eq!(find(r#"data.a["1.0"]"#).as_deref(), Some("2"));
        assert_eq!(find("data.a[-1]"), None);
        assert_eq!(find(r#"data.a["x"]"#), None);
        assert_eq!(find("data.n[1]").as_deref(), Some("3"));
        assert_eq!(find("data.a[1].x"), None);
    }

    #[test]
    fn a_path_meets_the_packages_around_it() {
        let package: Vec<String> = ["a", "b"].map(str::to_owned).to_vec();
        let meets = |text: &str| DataPath::of_ref(text).unwrap().meets(&package);
        assert!(meets("data") && meets("data.a") && meets("data.a.b") && meets("data.a.b.c[0]"));
        assert!(!meets("data.b") && !meets("data.a[0]") && !meets("data.a.bc"));
        assert!(DataPath::of_ref("data.a").unwrap().is_above(&package));
        assert!(!DataPath::of_ref("data.a.b.c").unwrap().is_above(&package));
    }
}
