//! One run of `opa build`, and what follows from how it ends.

use std::collections::HashMap;

use super::job::CompileJob;
use super::message::{cleaned, no_rule};
use super::plan::{Compiled, Target};
use super::{CompileRefusal, FILE, PACKAGE};
use crate::collection::Module;

/// A run of the compiler.
#[derive(Debug, Clone)]
pub struct Attempt {
    job: CompileJob,
    /// How each of the wanted paths is asked of the plan.
    kinds: Vec<Kind>,
    folders: Vec<Folder>,
}

/// What follows from a failed run.
#[derive(Debug)]
pub enum Next {
    /// It is to be tried like this.
    Retry(Box<Attempt>),
    /// The policy is refused.
    Refused(CompileRefusal),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// By its own name.
    Plain(String),
    /// By a rule of our module, of this name.
    Wrapped(String),
    /// There are no rules: the answer is in the base data.
    Data,
}

/// A folder that opa is given as a bundle, and the bundle or files that it stands for.
#[derive(Debug, Clone)]
struct Folder {
    name: String,
    /// Of a bundle; `None` for files outside of bundles, and for our module.
    bundle: Option<String>,
    roots: Vec<String>,
}

/// The folder of files outside of bundles, and of our module where no bundle has room for it.
const LOOSE: &str = "files";
const OURS: &str = "postern";

impl Attempt {
    pub(super) fn first(job: &CompileJob) -> Self {
        let collection = &job.collection;
        let kinds = job.wanted.iter().zip(0..).map(|(wanted, number)| {
            let path = &wanted.path;
            match path.entrypoint() {
                _ if !collection.may_have_rules(path) => Kind::Data,
                Some(name) => Kind::Plain(name),
                None => Kind::Wrapped(format!("e{number}")),
            }
        });
        Self {
            kinds: kinds.collect(),
            folders: folders(job),
            job: job.clone(),
        }
    }

    /// The files to compile, by the path that each must have in the folder that opa runs in.
    #[must_use]
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let collection = &self.job.collection;
        let mut files = Vec::new();
        for folder in &self.folders {
            let bundle = folder.bundle.as_ref();
            let modules = collection
                .modules()
                .iter()
                .filter(|module| module.bundle.as_ref() == bundle);
            if folder.name != OURS {
                files.extend(
                    modules.map(|module| (format!("{}/{}", folder.name, module.path), module.text.clone())),
                );
            }
            files.push((format!("{}/.manifest", folder.name), self.manifest(folder)));
        }
        if let (Some(module), Some(folder)) = (self.module(), self.folders.last()) {
            files.push((format!("{}/{FILE}", folder.name), module.into_bytes()));
        }
        files
    }

    /// What each module is called by OPA itself, by the name that it has in a plan.
    pub(super) fn module_names(&self) -> HashMap<String, String> {
        let named = self.folders.iter().flat_map(|folder| {
            let modules = self.job.collection.modules().iter();
            modules
                .filter(|module| module.bundle == folder.bundle)
                .map(|module| (format!("{}/{}", folder.name, module.path), module.id.clone()))
        });
        named.collect()
    }

    /// The arguments after `opa`, but for `--output` and its file.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let fixed = [
            "build",
            "--target=plan",
            "--prune-unused",
            "--plan-addons=unplanned_rules",
            "--optimize=0",
            "--bundle",
        ];
        let mut arguments: Vec<String> = fixed.map(str::to_owned).to_vec();
        if self.job.collection.version() == crate::collection::RegoVersion::V0 {
            arguments.push("--v0-compatible".to_owned());
        }
        let entrypoints = self.entrypoints();
        arguments.extend(entrypoints.iter().map(|name| format!("--entrypoint={name}")));
        arguments.push("--".to_owned());
        arguments.extend(self.folders.iter().map(|folder| folder.name.clone()));
        arguments
    }

    /// After a run that failed with this on its standard error and output.
    #[must_use]
    pub fn failed(mut self, said: &str) -> Next {
        let missing = no_rule(said);
        let at = missing.and_then(|missing| {
            self.kinds
                .iter()
                .position(|kind| matches!(kind, Kind::Plain(name) if *name == missing))
        });
        if let Some((at, kind)) = at.and_then(|at| Some((at, self.kinds.get_mut(at)?)))
            && let Some(wanted) = self.job.wanted.get(at)
        {
            // A package without rules is an empty object, which only a rule that refers to it gives.
            let empty = self
                .job
                .collection
                .modules()
                .iter()
                .any(|module| wanted.path.is_above(&module.package));
            *kind = if empty {
                Kind::Wrapped(format!("e{at}"))
            } else {
                Kind::Data
            };
            return Next::Retry(Box::new(self));
        }
        let folders: Vec<(String, String)> = self
            .folders
            .iter()
            .map(|folder| {
                let name = folder.bundle.as_deref().map(|name| name.trim_matches('/'));
                let shown = name.map(|name| format!("{name}/")).unwrap_or_default();
                (format!("{}/", folder.name), shown)
            })
            .collect();
        let message = without_our_module(&cleaned(said, &folders));
        Next::Refused(CompileRefusal::of(message, &self.job.collection))
    }

    /// After a run that ended well, with the plan that it made (`plan.json` of its output).
    #[must_use]
    pub fn built(self, plan_json: Vec<u8>) -> Compiled {
        let targets = self.kinds.into_iter().map(|kind| match kind {
            Kind::Plain(name) => Target::Entrypoint(name),
            Kind::Wrapped(rule) => Target::Entrypoint(format!("{PACKAGE}/{rule}")),
            Kind::Data => Target::Data,
        });
        Compiled::new(plan_json, targets.collect())
    }

    /// What the plan's entrypoints are called. opa wants one at least, also to tell what is wrong with a policy of which
    /// nothing will be asked.
    fn entrypoints(&self) -> Vec<String> {
        let names: Vec<String> = self
            .kinds
            .iter()
            .filter_map(|kind| match kind {
                Kind::Plain(name) => Some(name.clone()),
                Kind::Wrapped(rule) => Some(format!("{PACKAGE}/{rule}")),
                Kind::Data => None,
            })
            .collect();
        if names.is_empty() {
            vec![format!("{PACKAGE}/none")]
        } else {
            names
        }
    }

    /// Our module, where it is needed. It is the same in both versions of Rego.
    fn module(&self) -> Option<String> {
        let rules: Vec<String> = self
            .kinds
            .iter()
            .zip(self.job.wanted.iter())
            .filter_map(|(kind, wanted)| match kind {
                Kind::Wrapped(rule) => Some(format!("{rule} := {}\n", wanted.path.quoted())),
                _ => None,
            })
            .collect();
        let none = self.kinds.iter().all(|kind| *kind == Kind::Data);
        let rules = if none {
            "none := true\n".to_owned()
        } else {
            rules.concat()
        };
        (!rules.is_empty()).then(|| format!("package {PACKAGE}\n\n{rules}"))
    }

    fn manifest(&self, folder: &Folder) -> Vec<u8> {
        let collection = &self.job.collection;
        let member = collection
            .members()
            .iter()
            .find(|member| Some(&member.name) == folder.bundle.as_ref());
        let mut manifest = serde_json::Map::new();
        manifest.insert("revision".to_owned(), "".into());
        manifest.insert("roots".to_owned(), folder.roots.clone().into());
        if let Some(member) = member {
            let own = member.bundle.manifest();
            if let Some(version) = own.rego_version {
                manifest.insert("rego_version".to_owned(), version.into());
            }
            if !own.file_rego_versions.is_empty() {
                let versions = own.file_rego_versions.iter();
                let versions: serde_json::Map<_, _> = versions
                    .map(|(pattern, version)| (pattern.clone(), (*version).into()))
                    .collect();
                manifest.insert("file_rego_versions".to_owned(), versions.into());
            }
        }
        serde_json::Value::Object(manifest).to_string().into_bytes()
    }
}

/// A message without the places in our module: what it refers to is what was asked.
fn without_our_module(message: &str) -> String {
    let mut text = message.to_owned();
    while let Some((before, after)) = text.split_once(&format!("{FILE}:")) {
        let rest = after.split_once(": ").map_or("", |(_, rest)| rest);
        // The name of the folder or bundle that it was in.
        let before = before.rsplit_once([' ', '\n']).map_or("", |(kept, _)| kept);
        text = format!("{before} {rest}");
    }
    text
}

/// The folders, each with roots of its own, the last of which has room for our module.
fn folders(job: &CompileJob) -> Vec<Folder> {
    let collection = &job.collection;
    let mut folders: Vec<Folder> = Vec::new();
    for member in collection.members() {
        // A bundle without Rego has nothing to compile.
        let has_modules = collection
            .modules()
            .iter()
            .any(|module| module.bundle.as_ref() == Some(&member.name));
        if has_modules {
            folders.push(Folder {
                name: folder_name(&member.name, &folders),
                bundle: Some(member.name.clone()),
                roots: member.bundle.manifest().roots.clone(),
            });
        }
    }
    let loose: Vec<&Module> = collection
        .modules()
        .iter()
        .filter(|module| module.bundle.is_none())
        .collect();
    if !loose.is_empty() {
        let mut roots: Vec<String> = loose.iter().map(|module| module.package.join("/")).collect();
        roots.sort();
        roots.dedup();
        // Of roots within one another, the outer one.
        let all = roots.clone();
        roots.retain(|root| {
            !all.iter().any(|other| {
                root.strip_prefix(other.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
            })
        });
        folders.push(Folder {
            name: LOOSE.to_owned(),
            bundle: None,
            roots,
        });
    }
    // The one bundle that owns everything has room for our module, too.
    if !folders
        .last()
        .is_some_and(|folder| folder.roots.iter().any(String::is_empty))
    {
        folders.push(Folder {
            name: OURS.to_owned(),
            bundle: None,
            roots: vec![PACKAGE.to_owned()],
        });
    }
    folders
}

/// A folder's name for a bundle's: the same where it can be, since opa's messages and the plan name files by it.
fn folder_name(name: &str, taken: &[Folder]) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
            c
        } else {
            '_'
        }
    };
    let mut folder: String = name.trim_matches('/').chars().map(plain).take(100).collect();
    if folder.is_empty() || folder.starts_with(['.', '-']) || [LOOSE, OURS].contains(&folder.as_str()) {
        folder.insert_str(0, "b_");
    }
    while taken.iter().any(|other| other.name == folder) {
        folder.push('_');
    }
    folder
}
