//! What is asked: a reference to a rule or a package, as OPA writes it (`data.orders.authz.allow`), which is what a plan can
//! have an entrypoint for.

use std::str::FromStr;

/// A reference that begins with `data` and whose parts are all names or texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    text: String,
    segments: Vec<String>,
}

impl Query {
    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As `opa build -e` takes it: `orders/authz/allow`.
    pub fn entrypoint(&self) -> String {
        self.segments.join("/")
    }

    /// Its last part.
    pub fn last(&self) -> &str {
        self.segments.last().map(String::as_str).unwrap_or_default()
    }

    /// The same reference of what is at `name` below it.
    pub fn below(&self, name: &str) -> Self {
        let mut segments = self.segments.clone();
        segments.push(name.to_owned());
        Self {
            text: format!("{}{}", self.text, member(name)),
            segments,
        }
    }
}

/// `.name`, or `["a name"]` for what can't be written so.
fn member(name: &str) -> String {
    let plain = |at: usize, b: u8| b == b'_' || b.is_ascii_alphabetic() || at > 0 && b.is_ascii_digit();
    if !name.is_empty() && name.bytes().enumerate().all(|(at, b)| plain(at, b)) {
        format!(".{name}")
    } else {
        format!("[{name:?}]")
    }
}

impl FromStr for Query {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = || {
            format!(
                "`{text}` is not a reference to a rule or package such as data.orders.authz.allow; what else is to be \
                 evaluated, write as a rule and ask for it"
            )
        };
        let mut rest = text.strip_prefix("data").ok_or_else(wrong)?;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            let (segment, after) = segment(rest).ok_or_else(wrong)?;
            // It couldn't be told from two segments.
            if segment.contains('/') {
                return Err(format!(
                    "`{text}` has a part with a slash in it, which no entrypoint can have"
                ));
            }
            segments.push(segment);
            rest = after;
        }
        if segments.is_empty() {
            return Err(
                "`data` as a whole is no rule or package; name one, data.orders.authz.allow say".to_owned(),
            );
        }
        let text = text.to_owned();
        Ok(Self { text, segments })
    }
}

/// Takes the first `.name` or `["text"]`.
fn segment(text: &str) -> Option<(String, &str)> {
    if let Some(named) = text.strip_prefix('.') {
        let end = named
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(named.len());
        let (name, rest) = named.split_at_checked(end)?;
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        // `_` alone is a wildcard.
        return (starts_well && name != "_").then(|| (name.to_owned(), rest));
    }
    let quoted = text.strip_prefix('[')?;
    let mut parts = serde_json::Deserializer::from_str(quoted).into_iter::<String>();
    let name = parts.next()?.ok()?;
    let rest = quoted.get(parts.byte_offset()..)?;
    Some((name, rest.strip_prefix(']')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_become_entrypoints() {
        for (text, entrypoint) in [
            ("data.orders.authz.allow", "orders/authz/allow"),
            (" data.a ", "a"),
            (r#"data.a["b-c"].d"#, "a/b-c/d"),
            (r#"data["x"]["y\"z"]"#, "x/y\"z"),
        ] {
            assert_eq!(text.parse::<Query>().unwrap().entrypoint(), entrypoint, "{text}");
        }
    }

    #[test]
    fn what_is_below_is_written_as_opa_writes_it() {
        let package: Query = "data.a".parse().unwrap();
        assert_eq!(package.below("test_x").as_str(), "data.a.test_x");
        assert_eq!(package.below("b-c").as_str(), r#"data.a["b-c"]"#);
        assert_eq!(package.below("b-c").as_str().parse(), Ok(package.below("b-c")));
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in [
            "",
            "data",
            "input.x",
            "1 + 1",
            "data.a[_]",
            "data.a._",
            "data.a[x]",
            "data.a[",
            "data..a",
            "database",
            "data.1",
            r#"data["a/b"]"#,
            "data.a == 1",
        ] {
            assert!(text.parse::<Query>().is_err(), "{text}");
        }
    }
}
