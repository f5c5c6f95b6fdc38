//! Who depends on whom, as a value. It holds facts and knows no law.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::MetadataCommand;

/// The workspace as the laws see it.
#[derive(Clone, Default)]
pub(crate) struct Graph {
    /// Our crates by name.
    pub(crate) rooms: BTreeMap<String, Room>,
    /// Everything that any of them is built with on this machine, others' crates included.
    pub(crate) packages: BTreeSet<String>,
}

/// One crate of ours.
#[derive(Clone, Default)]
pub(crate) struct Room {
    /// Its folder, below the workspace's.
    pub(crate) folder: String,
    /// What its manifest asks for, of any kind, behind any feature.
    pub(crate) direct: BTreeSet<String>,
    /// What it is linked with when it is built by itself with its default features: transitive, normal dependencies.
    /// Known only of the crates that it was asked for.
    pub(crate) reached: BTreeSet<String>,
    pub(crate) takes_workspace_lints: bool,
    /// Whether a README or a crate doc says its job.
    pub(crate) says_its_job: bool,
}

impl Graph {
    /// Asks cargo; what is reached through others only for `deep`, since each costs a run of `cargo tree`.
    pub(crate) fn of_this_workspace(deep: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .no_deps()
            .exec()
            .unwrap_or_else(|error| panic!("cargo metadata: {error}"));
        let mut graph = Graph {
            packages: tree(
                &root,
                &["--workspace", "--all-features", "-e", "normal,build,dev"],
            ),
            ..Graph::default()
        };
        for package in metadata.workspace_packages() {
            let folder = package
                .manifest_path
                .parent()
                .map_or_else(PathBuf::new, Into::into);
            let name = package.name.to_string();
            let reached = match deep.contains(&name.as_str()) {
                true => tree(&root, &["-p", &name, "-e", "normal"]),
                false => BTreeSet::new(),
            };
            let room = Room {
                direct: package
                    .dependencies
                    .iter()
                    .map(|dependency| dependency.name.clone())
                    // A crate may switch on its own test features.
                    .filter(|dependency| *dependency != name)
                    .collect(),
                reached: reached.into_iter().filter(|other| *other != name).collect(),
                takes_workspace_lints: takes_workspace_lints(&folder),
                says_its_job: says_its_job(&folder),
                folder: folder
                    .strip_prefix(&metadata.workspace_root)
                    .unwrap_or(&folder)
                    .to_string_lossy()
                    .into_owned(),
            };
            graph.rooms.insert(name, room);
        }
        graph
    }

    /// Plants a direct dependency.
    pub(crate) fn depend(&mut self, from: &str, to: &str) {
        self.rooms
            .entry(from.to_owned())
            .or_default()
            .direct
            .insert(to.to_owned());
    }

    /// Plants a transitive one.
    pub(crate) fn reach(&mut self, from: &str, to: &str) {
        self.rooms
            .entry(from.to_owned())
            .or_default()
            .reached
            .insert(to.to_owned());
    }
}

/// The names that `cargo tree` lists. Not cargo metadata's graph: that unites the features which all crates of the
/// workspace ask for, and so shows a crate what it would never get by itself.
fn tree(root: &Path, arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["tree", "--prefix", "none", "--no-dedupe", "--format", "{p}"])
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("cargo tree: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree {arguments:?}: {errors}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

fn takes_workspace_lints(folder: &Path) -> bool {
    read(&folder.join("Cargo.toml")).contains("[lints]\nworkspace = true\n")
}

fn says_its_job(folder: &Path) -> bool {
    let documented = |file: &str| read(&folder.join(file)).starts_with("//!");
    folder.join("README.md").exists() || documented("src/lib.rs") || documented("src/main.rs")
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_default()
}
