//! Makes the signed bundle of a policy folder: from the plan that is built in while the Rego is the demo's, else by opa.
//! The only place of `dev` that knows how bundles are made.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use postern_jose::LocalSigner;
use postern_policy::{
    BundleBuilder, BundleError, Limits,
    bundle::{sign, with_sequence},
};

use crate::{
    clock,
    dev::demo,
    policy::{
        COMPILE_DEADLINE, CompileError, CompileRequest, MissingTool, PolicyFolder, compile, locate_opa,
    },
};

/// The demo's policy, and its tests.
const DEMO_REGO: (&str, &[u8]) = ("orders.rego", include_bytes!("../../../demo/policy/orders.rego"));
const DEMO_TESTS: (&str, &[u8]) = (
    "orders_test.rego",
    include_bytes!("../../../demo/policy/orders_test.rego"),
);
/// What OPA makes of it; a test holds it to that.
const DEMO_PLAN: &[u8] = include_bytes!("../../../demo/policy/plan.json");

/// Makes bundles.
pub struct Maker {
    signer: Arc<LocalSigner>,
    opa: Option<PathBuf>,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// There is no opa to compile with.
    #[error(transparent)]
    NoCompiler(#[from] MissingTool),
    /// The policy is wrong, or couldn't be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// What was compiled can't be packed or signed.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

impl Maker {
    /// With the opa at `opa`, or whichever is there when it is needed.
    ///
    /// # Errors
    /// When `opa` isn't a program.
    pub fn new(signer: Arc<LocalSigner>, opa: Option<&Path>) -> Result<Self, MissingTool> {
        let opa = opa.map(|opa| locate_opa(Some(opa))).transpose()?;
        Ok(Self { signer, opa })
    }

    /// The signed bundle of what lies in `dir`, which is `folder`.
    ///
    /// # Errors
    /// When it can't be compiled here, or at all.
    pub async fn make(
        &self,
        dir: &Path,
        folder: &PolicyFolder,
        revision: &str,
    ) -> Result<Vec<u8>, MakeError> {
        let builder = if folder.files().eq([DEMO_REGO]) {
            let (name, rego) = DEMO_REGO;
            BundleBuilder::new(revision).file(name, rego).plan(DEMO_PLAN)
        } else {
            let opa = match &self.opa {
                Some(opa) => opa.clone(),
                None => locate_opa(None)?,
            };
            let request = CompileRequest {
                policy_dir: dir,
                entrypoints: &[demo::ENTRYPOINT.to_owned()],
                opa: &opa,
                deadline: COMPILE_DEADLINE,
            };
            compile(&request).await?.bundle(revision)
        };
        let limits = Limits::default();
        let archive = with_sequence(&builder.build()?, clock::now_ms(), &limits)?;
        Ok(sign(&archive, &*self.signer, demo::BUNDLE, &limits)?)
    }
}

/// Copies the demo policy into `dir`, unless something is there: what a person wrote is never overwritten.
///
/// # Errors
/// What the file system said.
pub fn write_demo(dir: &Path) -> anyhow::Result<PathBuf> {
    let context = || format!("copying the demo policy into {}", dir.display());
    if !dir.exists() {
        // Under another name until it is whole, so that a start that was cut off leaves no half of a policy.
        let parent = dir.parent().unwrap_or(Path::new("."));
        let stage = tempfile::tempdir_in(parent).with_context(context)?;
        for (name, content) in [DEMO_REGO, DEMO_TESTS] {
            fs::write(stage.path().join(name), content).with_context(context)?;
        }
        fs::rename(stage.keep(), dir).with_context(context)?;
    }
    Ok(dir.to_owned())
}

#[cfg(test)]
mod tests {
    use postern_jose::Algorithm;
    use postern_policy::{Bundle, Engine as _, PlanEngine, Verification};

    use super::*;

    fn maker(opa: Option<&Path>) -> Maker {
        let signer = Arc::new(LocalSigner::generate(Algorithm::ES256).unwrap());
        Maker {
            signer,
            opa: opa.map(Path::to_owned),
        }
    }

    #[tokio::test]
    async fn the_unchanged_demo_becomes_a_signed_bundle_without_any_compiler() {
        let temp = tempfile::tempdir().unwrap();
        let dir = write_demo(&temp.path().join("policy")).unwrap();
        let folder = PolicyFolder::read(&dir).unwrap();
        let archive = maker(Some(Path::new("/nowhere/opa")))
            .make(&dir, &folder, "r1")
            .await
            .unwrap();
        let bundle = Bundle::read(&archive, &Verification::Unsigned, &Limits::default()).unwrap();
        assert_eq!(bundle.revision(), "r1");
        assert_eq!(bundle.claimed_key_id().unwrap().as_deref(), Some("demo"));
        let engine = PlanEngine::from_bundle(&bundle).unwrap();
        assert!(engine.entrypoint(demo::ENTRYPOINT).is_some());
    }

    #[tokio::test]
    async fn a_changed_policy_is_left_to_opa() {
        let temp = tempfile::tempdir().unwrap();
        let dir = write_demo(&temp.path().join("policy")).unwrap();
        fs::write(dir.join("more.rego"), "package more").unwrap();
        let folder = PolicyFolder::read(&dir).unwrap();
        let made = maker(Some(Path::new("/nowhere/opa")))
            .make(&dir, &folder, "r1")
            .await;
        assert!(
            matches!(made, Err(MakeError::Compile(CompileError::NotRun(_)))),
            "{made:?}"
        );
    }

    #[test]
    fn what_a_person_wrote_is_never_overwritten() {
        let temp = tempfile::tempdir().unwrap();
        let dir = write_demo(&temp.path().join("policy")).unwrap();
        assert!(dir.join("orders_test.rego").exists());
        fs::write(dir.join("orders.rego"), "mine").unwrap();
        fs::remove_file(dir.join("orders_test.rego")).unwrap();
        write_demo(&dir).unwrap();
        assert_eq!(fs::read_to_string(dir.join("orders.rego")).unwrap(), "mine");
        assert!(!dir.join("orders_test.rego").exists());
    }
}
