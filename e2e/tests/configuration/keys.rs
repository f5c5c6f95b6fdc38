//! From the types to the keys that a file may have: where each stands, what it holds, and what its comment says.

use syn::{GenericArgument, ItemStruct, PathArguments, Type};

use crate::known_codes;
use crate::source::{Source, doc, serde_has, serde_value};

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    /// Where it stands: `issuers[].audiences`.
    pub(crate) path: String,
    /// What it holds, in words.
    pub(crate) kind: String,
    /// Whether the file must have it, where it has what it stands in.
    pub(crate) required: bool,
    /// What it is where the file doesn't say, by its comment.
    pub(crate) default: Option<String>,
    /// The same as a number, by the code, where that is plain to see.
    pub(crate) default_in_code: Option<u64>,
    /// What it means.
    pub(crate) meaning: String,
    /// The least and the most that it may be.
    pub(crate) bounds: Option<(u64, u64)>,
    /// Whether it holds a number.
    pub(crate) is_number: bool,
    /// The error codes that it leads to.
    pub(crate) codes: Vec<String>,
}

/// The sections in a value, each with the step that leads there.
type Within = &'static [(&'static str, &'static str)];

/// Types that read themselves: how the page calls what they read, and the sections in it, with what leads there.
const OF_ITS_OWN: &[(&str, &str, Within)] = &[
    (
        "Accept",
        "a word, or a map with one key",
        &[(".jwt", "Jwt"), (".mtls", "Mtls"), (".api_key", "ApiKey")],
    ),
    ("Algorithm", "algorithm", &[]),
    ("Asymmetric", "algorithm", &[]),
    ("AskPolicy", "`enforce` or `off`", &[]),
    ("Listen", "address", &[]),
    ("OnUnknownKid", "`refuse`, or a map", &[("", "Wait")]),
    ("PathBuf", "path", &[]),
    ("RequiredClaims", "names, or names with values", &[]),
    ("String", "text", &[]),
    ("TokenSource", "a word, or a map with one key", &[]),
    ("bool", "`true` or `false`", &[]),
    ("u32", "number", &[]),
    ("u64", "number", &[]),
];

/// Every key of the file that `File` of this source declares, in the order of the declarations.
pub(crate) fn keys(source: &Source) -> Vec<Key> {
    let mut keys = Vec::new();
    let codes = known_codes().into_iter().collect::<Vec<_>>();
    let mut walk = Walk {
        source,
        codes: &codes,
        keys: &mut keys,
    };
    walk.section("", "File");
    keys
}

struct Walk<'a> {
    source: &'a Source,
    codes: &'a [String],
    keys: &'a mut Vec<Key>,
}

impl Walk<'_> {
    fn section(&mut self, path: &str, name: &str) {
        let source = self.source;
        let section = source
            .section(name)
            .unwrap_or_else(|| panic!("{path}: no section is called {name}"));
        for field in &section.fields {
            self.field(path, section, field);
        }
    }

    fn field(&mut self, within: &str, section: &ItemStruct, field: &syn::Field) {
        let name =
            serde_value(&field.attrs, "rename").unwrap_or_else(|| field.ident.as_ref().unwrap().to_string());
        let path = if within.is_empty() {
            name
        } else {
            format!("{within}.{name}")
        };
        let mut holds = Holds::of(&field.ty);
        let (kind, sections) = self.kind(&path, &holds.inner);
        if holds.list {
            holds.suffix = "[]";
        }
        let text = doc(&field.attrs);
        assert!(!text.is_empty() && !text.contains('|'), "{path}: {text:?}");
        let (meaning, default) = without_default(&text);
        let optional =
            holds.option || serde_has(&field.attrs, "default") || serde_has(&section.attrs, "default");
        self.keys.push(Key {
            kind: match (holds.list, holds.map) {
                (true, _) => format!("list of {kind}"),
                (_, true) => format!("map to {kind}"),
                _ => kind,
            },
            required: !optional,
            default,
            default_in_code: self.source.default_number(section, field),
            bounds: bounds(&meaning),
            is_number: matches!(holds.inner.as_str(), "u32" | "u64"),
            codes: self
                .codes
                .iter()
                .filter(|code| meaning.contains(&format!("`{code}`")))
                .cloned()
                .collect(),
            meaning,
            path: path.clone(),
        });
        for (step, section) in sections {
            self.section(&format!("{path}{}{step}", holds.suffix), &section);
        }
    }

    /// How the page calls what a type holds, and the sections in it.
    fn kind(&self, path: &str, name: &str) -> (String, Vec<(String, String)>) {
        if let Some((_, kind, sections)) = OF_ITS_OWN.iter().find(|(own, ..)| *own == name) {
            let sections = sections
                .iter()
                .map(|(step, name)| ((*step).to_owned(), (*name).to_owned()));
            return ((*kind).to_owned(), sections.collect());
        }
        if let Some(words) = self.source.words(name) {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            return (words.join(", "), Vec::new());
        }
        assert!(
            self.source.section(name).is_some(),
            "{path} is a {name}: say in OF_ITS_OWN what that looks like in the file"
        );
        ("section".to_owned(), vec![(String::new(), name.to_owned())])
    }
}

/// What stands in an option, a list or a map.
struct Holds {
    inner: String,
    option: bool,
    list: bool,
    map: bool,
    suffix: &'static str,
}

impl Holds {
    fn of(kind: &Type) -> Self {
        let Type::Path(path) = kind else {
            panic!("a field of another kind than the page knows");
        };
        let last = path.path.segments.last().unwrap();
        let inner = match &last.arguments {
            PathArguments::AngleBracketed(arguments) => arguments.args.last(),
            _ => None,
        };
        let name = last.ident.to_string();
        let Some(GenericArgument::Type(inner)) = inner else {
            return Self {
                inner: name,
                option: false,
                list: false,
                map: false,
                suffix: "",
            };
        };
        let inner = Self::of(inner);
        match name.as_str() {
            "Option" => Self {
                option: true,
                ..inner
            },
            "Vec" => Self { list: true, ..inner },
            "BTreeMap" => Self { map: true, ..inner },
            _ => panic!("{name}<…> is another kind than the page knows"),
        }
    }
}

/// A comment without its sentence `Default ….`, and what that says.
fn without_default(text: &str) -> (String, Option<String>) {
    let Some(start) = text.find("Default: ").or_else(|| text.find("Default ")) else {
        return (text.to_owned(), None);
    };
    let (before, sentence) = text.split_at(start);
    let end = sentence.find(". ").map_or(sentence.len(), |end| end + 1);
    let (sentence, after) = sentence.split_at(end);
    let value = sentence
        .trim_start_matches("Default")
        .trim_start_matches(':')
        .trim()
        .trim_end_matches('.');
    let rest = format!("{} {}", before.trim(), after.trim());
    (rest.trim().to_owned(), Some(value.to_owned()))
}

/// The first `N to M` of a comment.
fn bounds(text: &str) -> Option<(u64, u64)> {
    let words: Vec<_> = text
        .split([' ', ',', ':', ';'])
        .filter(|word| !word.is_empty())
        .collect();
    words.windows(3).find_map(|three| match three {
        [least, "to", most] => {
            let most = most.trim_end_matches('.');
            Some((least.parse().ok()?, most.parse().ok()?))
        }
        _ => None,
    })
}
