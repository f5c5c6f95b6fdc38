//! The types that configuration is read into, as they stand in the source.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::{Attribute, Expr, ExprLit, Fields, Item, ItemEnum, ItemStruct, Lit, Meta, Stmt};

/// Types and functions of a few files, by name.
#[derive(Default)]
pub(crate) struct Source {
    structs: BTreeMap<String, ItemStruct>,
    enums: BTreeMap<String, ItemEnum>,
    numbers: BTreeMap<String, u64>,
    asked: RefCell<BTreeSet<String>>,
}

impl Source {
    /// Everything in these files, and in the files of these folders.
    pub(crate) fn read(root: &Path, parts: &[&str]) -> Self {
        let mut source = Self::default();
        for part in parts {
            source.take_path(&root.join(part));
        }
        source
    }

    /// Everything in one text.
    pub(crate) fn parse(text: &str) -> Self {
        let mut source = Self::default();
        source.take(text);
        source
    }

    fn take_path(&mut self, path: &Path) {
        if path.is_dir() {
            let mut entries: Vec<_> = std::fs::read_dir(path)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            entries.sort();
            for entry in entries {
                self.take_path(&entry);
            }
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            self.take(&std::fs::read_to_string(path).unwrap());
        }
    }

    fn take(&mut self, text: &str) {
        let mut defaults = BTreeMap::new();
        let mut structs = Vec::new();
        for item in syn::parse_file(text).unwrap().items {
            match item {
                Item::Struct(item) if reads_keys(&item) => structs.push(item),
                Item::Enum(item) => {
                    let name = item.ident.to_string();
                    assert!(
                        self.enums.insert(name.clone(), item).is_none(),
                        "two enums are called {name}"
                    );
                }
                Item::Fn(item) => {
                    if let [Stmt::Expr(value, None)] = item.block.stmts.as_slice()
                        && let Some(number) = number(value)
                    {
                        defaults.insert(item.sig.ident.to_string(), number);
                    }
                }
                Item::Impl(item) => self.take_default(&item),
                _ => {}
            }
        }
        for item in structs {
            for field in &item.fields {
                if let Some(function) = serde_value(&field.attrs, "default")
                    && let Some(number) = defaults.get(&function)
                {
                    self.numbers.insert(member(&item, field), *number);
                }
            }
            let name = item.ident.to_string();
            assert!(
                self.structs.insert(name.clone(), item).is_none(),
                "two sections are called {name}"
            );
        }
    }

    /// `impl Default for X`, of which the numbers are noted.
    fn take_default(&mut self, item: &syn::ItemImpl) {
        let is_default = item
            .trait_
            .as_ref()
            .is_some_and(|(path, ..)| path.segments.last().is_some_and(|last| last.ident == "Default"));
        let syn::Type::Path(of) = &*item.self_ty else {
            return;
        };
        if !is_default {
            return;
        }
        for function in &item.items {
            if let syn::ImplItem::Fn(function) = function
                && let [Stmt::Expr(Expr::Struct(made), None)] = function.block.stmts.as_slice()
            {
                for field in &made.fields {
                    if let (syn::Member::Named(name), Some(number)) = (&field.member, number(&field.expr)) {
                        let of = &of.path.segments.last().unwrap().ident;
                        self.numbers.insert(format!("{of}.{name}"), number);
                    }
                }
            }
        }
    }

    /// The section of this name.
    pub(crate) fn section(&self, name: &str) -> Option<&ItemStruct> {
        self.asked.borrow_mut().insert(name.to_owned());
        self.structs.get(name)
    }

    /// The words that a choice of this name has, where it is one of words only.
    pub(crate) fn words(&self, name: &str) -> Option<Vec<String>> {
        let item = self.enums.get(name)?;
        item.variants
            .iter()
            .map(|variant| {
                matches!(variant.fields, Fields::Unit).then(|| snake_case(&variant.ident.to_string()))
            })
            .collect()
    }

    /// The number that a field has where the file says none.
    pub(crate) fn default_number(&self, section: &ItemStruct, field: &syn::Field) -> Option<u64> {
        self.numbers.get(&member(section, field)).copied()
    }

    /// Sections that nobody has asked for.
    pub(crate) fn sections_not_asked_for(&self) -> impl Iterator<Item = &str> {
        let asked = self.asked.borrow().clone();
        self.structs
            .keys()
            .map(String::as_str)
            .filter(move |name| !asked.contains(*name))
    }
}

/// Whether the file's keys are read into this: it is deserialized, and refuses keys that it doesn't know.
fn reads_keys(item: &ItemStruct) -> bool {
    !item.fields.is_empty() && serde_has(&item.attrs, "deny_unknown_fields")
}

fn member(section: &ItemStruct, field: &syn::Field) -> String {
    format!("{}.{}", section.ident, field.ident.as_ref().unwrap())
}

fn number(value: &Expr) -> Option<u64> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => number.base10_parse().ok(),
        _ => None,
    }
}

/// The doc comment, in one line.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
    let line = |attribute: &Attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    };
    attributes.iter().filter_map(line).collect::<Vec<_>>().join(" ")
}

/// Whether `#[serde(…)]` has this word, with a value or without.
pub(crate) fn serde_has(attributes: &[Attribute], word: &str) -> bool {
    serde(attributes).any(|(name, _)| name == word)
}

/// The value of `#[serde(word = "value")]`.
pub(crate) fn serde_value(attributes: &[Attribute], word: &str) -> Option<String> {
    serde(attributes)
        .find(|(name, _)| name == word)
        .and_then(|(_, value)| value)
}

fn serde(attributes: &[Attribute]) -> impl Iterator<Item = (String, Option<String>)> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
        .flat_map(|attribute| {
            let mut found = Vec::new();
            attribute
                .parse_nested_meta(|meta| {
                    let value = meta
                        .value()
                        .and_then(syn::parse::ParseBuffer::parse::<syn::LitStr>)
                        .ok()
                        .map(|text| text.value());
                    found.push((meta.path.require_ident()?.to_string(), value));
                    Ok(())
                })
                .unwrap();
            found
        })
}

/// A variant's name as `rename_all = "snake_case"` writes it.
fn snake_case(name: &str) -> String {
    let mut written = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !written.is_empty() {
            written.push('_');
        }
        written.extend(character.to_lowercase());
    }
    written
}
