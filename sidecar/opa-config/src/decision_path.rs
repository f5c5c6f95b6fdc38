//! Where a decision is in `data`: paths with slashes, as three of OPA's parts read them, and references of Rego.

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A key, or the name of a package or rule.
    Text(String),
    /// The number that a path's segment is when it looks like one.
    Number(i64),
}

/// A decision below `data`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DecisionPath {
    /// As it was written, which is what decision logs call it.
    pub written: String,
    /// From `data` on; none is all of `data`.
    pub segments: Vec<Segment>,
}

impl DecisionPath {
    /// The plugin's `path`: `envoy/authz/allow`, where slashes at its ends or in pairs mean nothing.
    #[must_use]
    pub fn of_plugin(written: &str) -> Self {
        let segments = written.split('/').filter(|segment| !segment.is_empty());
        Self {
            written: written.to_owned(),
            segments: segments.map(plugins_segment).collect(),
        }
    }

    /// OPA's own paths (`mask_decision`, `default_decision`): every slash but the first one begins a segment, be it an
    /// empty one.
    #[must_use]
    pub fn of_opa(written: &str) -> Self {
        let path = written.strip_prefix('/').unwrap_or(written);
        let segments = (!path.is_empty()).then(|| path.split('/').map(opas_segment));
        Self {
            written: written.to_owned(),
            segments: segments.into_iter().flatten().collect(),
        }
    }

    /// The plugin's `query`, where it is a plain reference (`data.envoy.authz.allow`, `data.a["b-c"][0]`); `None` for any
    /// other.
    #[must_use]
    pub fn of_query(written: &str) -> Option<Self> {
        let mut rest = written.trim().strip_prefix("data")?;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            let (segment, after) = step(rest)?;
            segments.push(segment);
            rest = after;
        }
        Some(Self {
            written: written.to_owned(),
            segments,
        })
    }

    /// As OPA's tools name an entrypoint: `envoy/authz/allow`, without slashes at its ends.
    #[must_use]
    pub fn entrypoint(&self) -> String {
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Text(text) => text.clone(),
            Segment::Number(number) => number.to_string(),
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

/// Go's `strconv.Atoi`.
fn plugins_segment(text: &str) -> Segment {
    text.parse()
        .map_or_else(|_| Segment::Text(text.to_owned()), Segment::Number)
}

/// OPA's own reading of a number, which takes `1.0` for one.
fn opas_segment(text: &str) -> Segment {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let is_number = !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && fraction.bytes().all(|b| b == b'0')
        && text.trim_start_matches(['+', '-']).len() <= 19;
    match whole.parse::<i64>() {
        Ok(number) if is_number && number >= 0 => Segment::Number(number),
        _ => Segment::Text(text.to_owned()),
    }
}

/// The first step of `rest`: `.name`, `["text"]` or `[1]`.
fn step(rest: &str) -> Option<(Segment, &str)> {
    if let Some(rest) = rest.strip_prefix('.') {
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end)?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        return (is_name && !KEYWORDS.contains(&name)).then(|| (Segment::Text(name.to_owned()), after));
    }
    let rest = rest.strip_prefix('[')?;
    if let Some(text) = rest.strip_prefix('"') {
        let (text, after) = text.split_once("\"]")?;
        let is_plain = !text.contains(['"', '\\']) && !text.chars().any(char::is_control);
        return is_plain.then(|| (Segment::Text(text.to_owned()), after));
    }
    let (digits, after) = rest.split_once(']')?;
    let is_number = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let number = digits.parse().ok().filter(|_| is_number)?;
    Some((Segment::Number(number), after))
}

/// Rego's words, which no OPA of any version would take after a dot without more ado.
const KEYWORDS: &[&str] = &[
    "as", "contains", "data", "default", "else", "every", "false", "if", "import", "in", "input", "not",
    "null", "package", "some", "true", "with",
];
