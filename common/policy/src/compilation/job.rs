//! What is to be compiled.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use super::{Attempt, CompileRefusal, PACKAGE};
use crate::collection::{Collection, DataPath};

/// A path that will be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The path.
    pub path: DataPath,
    /// Whether a policy without anything there is refused. Otherwise it answers undefined, as OPA does.
    pub required: bool,
}

/// Rego to be compiled, and what will be asked of it.
#[derive(Debug, Clone)]
pub struct CompileJob {
    pub(super) collection: Arc<Collection>,
    pub(super) wanted: Arc<[Wanted]>,
}

impl CompileJob {
    /// A job.
    ///
    /// # Errors
    /// When a module is in the package that is ours.
    pub fn new(collection: Arc<Collection>, wanted: Arc<[Wanted]>) -> Result<Self, CompileRefusal> {
        let ours = |name: &String| name == PACKAGE;
        if let Some(module) = collection
            .modules()
            .iter()
            .find(|module| module.package.first().is_some_and(ours))
        {
            return Err(CompileRefusal::of(
                format!("{}: the package {PACKAGE} is Postern's own; rename it", module.id),
                &collection,
            ));
        }
        Ok(Self { collection, wanted })
    }

    /// SHA-256, in hexadecimal, of everything that the plan depends on besides the compiler: Rego, names and languages of
    /// modules, paths, and the form of what we keep. Base data isn't in it.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut context = Context::new(&SHA256);
        let mut add = |part: &[u8]| {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        };
        add(super::plan::FORMAT.as_bytes());
        add(&[self.collection.version().number()]);
        for module in self.collection.modules() {
            for part in [
                module.id.as_bytes(),
                module.path.as_bytes(),
                &[module.version.number()],
                &module.text,
            ] {
                add(part);
            }
            add(module.bundle.as_deref().unwrap_or_default().as_bytes());
        }
        add(b"wanted");
        for wanted in self.wanted.iter() {
            add(wanted.path.to_string().as_bytes());
        }
        hex::encode(context.finish().as_ref())
    }

    /// The first attempt: what the packages leave open is taken for a rule.
    #[must_use]
    pub fn begin(&self) -> Attempt {
        Attempt::first(self)
    }

    /// What each module is called by OPA itself, by the name that it has in a plan that was made of this.
    #[must_use]
    pub fn module_names(&self) -> HashMap<String, String> {
        self.begin().module_names()
    }

    /// What is compiled.
    #[must_use]
    pub fn collection(&self) -> &Arc<Collection> {
        &self.collection
    }

    /// What will be asked.
    #[must_use]
    pub fn wanted(&self) -> &Arc<[Wanted]> {
        &self.wanted
    }
}
