//! What the documentation points at is there.

#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

use std::path::{Path, PathBuf};

use postern_e2e::stack::root;

/// All Markdown files of the repository, without those of peers that npm installed.
fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let others = name.starts_with('.') || name.starts_with("target") || name == "node_modules";
        if path.is_dir() && !others {
            documents(&path, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// The targets of `[text](target)` that lie in the repository, without their anchors.
fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .filter(|target| !target.contains("://") && !target.starts_with('#') && !target.contains(' '))
        .map(|target| target.split('#').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut all = Vec::new();
    documents(&root(), &mut all);
    let mut broken = Vec::new();
    let mut followed = 0;
    for document in &all {
        let folder = document.parent().unwrap();
        for link in links(&std::fs::read_to_string(document).unwrap()) {
            followed += 1;
            if !folder.join(&link).exists() {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(
        followed > 20,
        "the README alone has a dozen: {followed} links in {} documents",
        all.len()
    );
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_link_is_found_with_and_without_an_anchor() {
    assert_eq!(links("see [a](b.md#c), [d](https://e) and [f](#g)"), ["b.md"]);
}
