//! Bundles that come with Rego and no plan that may run, compiled here: OPA's program makes the plan, bounded and apart from
//! everything else; the bundle with it is signed with the control plane's own key, since its author's signature no longer fits.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postern_compiler::{CompileError, Compiler, Opa, RunError, RunLimits};
use postern_jose::{LocalSigner, Signer as _};
use postern_policy::{BundleError, Limits, bundle};

use crate::model::Refused;

/// How long one may take: less than whoever publishes waits.
const DEADLINE: Duration = Duration::from_secs(20);
/// As much of OPA's message as is passed on, in bytes.
const MAX_MESSAGE: usize = 8 * 1024;

/// How bundles are compiled.
#[derive(Debug, Clone)]
pub struct CompileSettings {
    /// OPA's program.
    pub opa: PathBuf,
    /// The folder to work in.
    pub folder: PathBuf,
    /// What they are signed with afterwards; `None` where nobody asks for signatures.
    pub signer: Option<Arc<LocalSigner>>,
}

/// Compiles.
pub(crate) struct BundleCompiler {
    compiler: Compiler,
    signer: Option<Arc<LocalSigner>>,
}

/// Why there is no compiled bundle.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotCompiled {
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The compiler can't be run, whatever the bundle; the text is for the log.
    #[error("{0}")]
    Unavailable(String),
}

impl BundleCompiler {
    /// # Errors
    /// When the folder can't be made.
    pub(crate) fn open(settings: &CompileSettings) -> io::Result<Self> {
        let limits = RunLimits {
            deadline: DEADLINE,
            in_background: true,
            ..RunLimits::default()
        };
        Ok(Self {
            compiler: Compiler::open(Opa::new(&settings.opa, limits), &settings.folder)?,
            signer: settings.signer.clone(),
        })
    }

    /// The archive with a plan for what is asked; with this sequence, where it has none of its author's; signed.
    pub(crate) async fn compile(
        &self,
        archive: &[u8],
        files: Vec<(String, Vec<u8>)>,
        asked: &[String],
        sequence: Option<u64>,
    ) -> Result<Vec<u8>, NotCompiled> {
        let plan = self
            .compiler
            .plan_of_bundle(files, asked)
            .await
            .map_err(not_compiled)?;
        let limits = Limits::default();
        let made = bundle::with_plan(archive, plan, &limits).and_then(|planned| {
            let Some(signer) = &self.signer else {
                return Ok(planned);
            };
            let planned = match sequence {
                Some(sequence) => bundle::with_sequence(&planned, sequence, &limits)?,
                None => planned,
            };
            bundle::sign(&planned, &**signer, signer.key_id(), &limits)
        });
        Ok(made.map_err(|error: BundleError| Refused::from(error))?)
    }
}

fn not_compiled(error: CompileError) -> NotCompiled {
    match error {
        CompileError::Run(RunError::Failed { said }) => Refused::Rego(message(&said)).into(),
        CompileError::Refused(refusal) => Refused::Rego(refusal.to_string()).into(),
        // It is of the policy's making: the same would be too much once more.
        CompileError::Run(
            error @ (RunError::Deadline { .. } | RunError::Memory { .. } | RunError::Output { .. }),
        ) => Refused::Rego(error.to_string()).into(),
        error => NotCompiled::Unavailable(error.to_string()),
    }
}

fn message(said: &str) -> String {
    let said = said.trim();
    let said = said.strip_prefix("error: ").unwrap_or(said);
    let said = said.strip_prefix("load error: bundle .: ").unwrap_or(said);
    let end = said.floor_char_boundary(MAX_MESSAGE);
    said.get(..end).unwrap_or_default().to_owned()
}
