//! Jobs made into plans, once each.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use aws_lc_rs::digest::{Context, SHA256};
use postern_policy::activation::Reason;
use postern_policy::compilation::{Attempt, CompileJob, CompileRefusal, Compiled, Next};
use postern_policy::{Bundle, Limits, Verification};
use tokio::task::{JoinError, spawn_blocking};

use crate::kept::Kept;
use crate::{Opa, RunError};

/// The compiler, and what it made before.
#[derive(Debug)]
pub struct Compiler {
    opa: Opa,
    kept: Kept,
    /// The program's digest, and the file that it is of.
    digest: Mutex<Option<(Identity, String)>>,
}

/// A file that wasn't replaced: inode, size, seconds and nanoseconds of its last change.
type Identity = (u64, u64, i64, i64);

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The policy is wrong, in OPA's words.
    #[error(transparent)]
    Refused(#[from] CompileRefusal),
    /// The program doesn't run, or takes too much.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What it made can't be read.
    #[error("opa made a bundle that can't be read: {0}")]
    Output(String),
    /// The disk doesn't let it.
    #[error("compiling needs {}: {source}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A thread of ours ended unexpectedly.
    #[error("compiling ended unexpectedly: {0}")]
    Broken(#[from] JoinError),
}

impl From<CompileError> for Reason {
    fn from(error: CompileError) -> Self {
        match error {
            CompileError::Refused(refusal) => Self::Compile(refusal),
            other => Self::Compiler(other.to_string()),
        }
    }
}

impl Compiler {
    /// A compiler that works, and keeps what it makes, in a folder of its own.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn open(opa: Opa, folder: &Path) -> io::Result<Self> {
        Ok(Self {
            opa,
            kept: Kept::open(folder)?,
            digest: Mutex::default(),
        })
    }

    /// Makes a plan, or finds the one that was made of the same. Touches the disk on threads of its own.
    ///
    /// # Errors
    /// [`CompileError::Refused`] where the policy is wrong, the others where it couldn't be compiled at all.
    pub async fn compile(&self, job: &CompileJob) -> Result<Compiled, CompileError> {
        self.compile_with(job, &self.opa).await
    }

    /// As [`Compiler::compile`], by a process that stays behind nothing: for who waits for the plan before doing anything.
    ///
    /// # Errors
    /// As [`Compiler::compile`].
    pub async fn compile_at_once(&self, job: &CompileJob) -> Result<Compiled, CompileError> {
        self.compile_with(job, &self.opa.in_foreground()).await
    }

    async fn compile_with(&self, job: &CompileJob, opa: &Opa) -> Result<Compiled, CompileError> {
        let of = format!("{}-{}", job.digest(), self.program_digest().await?);
        let (kept, looked_for) = (self.kept.clone(), of.clone());
        if let Some(compiled) = spawn_blocking(move || kept.read(&looked_for)).await? {
            return Ok(compiled);
        }
        let compiled = self.build(opa, job).await?;
        let (kept, made) = (self.kept.clone(), compiled.clone());
        // A disk that refuses costs the next start a compilation, not this one its policy.
        let _ = spawn_blocking(move || kept.write(&of, &made)).await?;
        Ok(compiled)
    }

    /// The plan that `opa build` makes of a bundle by itself: of these files, by their paths in it, for these entrypoints. Not
    /// kept: the bundle that the plan is put into is.
    ///
    /// # Errors
    /// [`CompileError::Run`] with [`RunError::Failed`] where the policy is wrong, the others where it couldn't be compiled.
    pub async fn plan_of_bundle(
        &self,
        files: Vec<(String, Vec<u8>)>,
        entrypoints: &[String],
    ) -> Result<Vec<u8>, CompileError> {
        let kept = self.kept.clone();
        let stage = spawn_blocking(move || staged(&kept, &files)).await?;
        let stage = stage.map_err(|(path, source)| CompileError::Disk { path, source })?;
        let output = stage.path().join("out.tar.gz");
        let mut arguments: Vec<String> = ["build", "--target=plan", "--bundle", "."]
            .map(str::to_owned)
            .to_vec();
        arguments.push(format!("--output={}", output.display()));
        arguments.extend(entrypoints.iter().map(|name| format!("--entrypoint={name}")));
        self.opa.run(Some(&stage.path().join("in")), &arguments).await?;
        let plan = spawn_blocking(move || {
            let plan = plan_of(&output);
            drop(stage);
            plan
        });
        plan.await?
    }

    async fn build(&self, opa: &Opa, job: &CompileJob) -> Result<Compiled, CompileError> {
        let mut attempt = job.begin();
        // One for each path that turns out to be none, and the last.
        for _ in 0..=job.wanted().len() {
            match self.attempt(opa, &attempt).await {
                Ok(plan) => return Ok(attempt.built(plan)),
                Err(CompileError::Run(RunError::Failed { said })) => match attempt.failed(&said) {
                    Next::Retry(next) => attempt = *next,
                    Next::Refused(refusal) => return Err(refusal.into()),
                },
                Err(error) => return Err(error),
            }
        }
        Err(CompileError::Output(
            "it finds entrypoints missing without end".to_owned(),
        ))
    }

    async fn attempt(&self, opa: &Opa, attempt: &Attempt) -> Result<Vec<u8>, CompileError> {
        let (kept, files) = (self.kept.clone(), attempt.files());
        let stage = spawn_blocking(move || staged(&kept, &files)).await?;
        let stage = stage.map_err(|(path, source)| CompileError::Disk { path, source })?;
        let output = stage.path().join("out.tar.gz");
        let mut arguments = attempt.arguments();
        arguments.insert(1, format!("--output={}", output.display()));
        opa.run(Some(&stage.path().join("in")), &arguments).await?;
        let plan = spawn_blocking(move || {
            let plan = plan_of(&output);
            drop(stage);
            plan
        });
        plan.await?
    }

    async fn program_digest(&self) -> Result<String, CompileError> {
        let path = self.opa.program().to_owned();
        let known = self.digest.lock().ok().and_then(|known| known.clone());
        let found = spawn_blocking(move || match (identity(&path), known) {
            (Ok(now), Some((then, digest))) if now == then => Ok((now, digest)),
            (Ok(now), _) => digest(&path)
                .map(|digest| (now, digest))
                .map_err(|source| (path, source)),
            (Err(source), _) => Err((path, source)),
        });
        let found = found.await?.map_err(|(path, source)| RunError::Run {
            opa: path.display().to_string(),
            source,
        })?;
        let digest = found.1.clone();
        if let Ok(mut known) = self.digest.lock() {
            *known = Some(found);
        }
        Ok(digest)
    }
}

fn staged(kept: &Kept, files: &[(String, Vec<u8>)]) -> Result<tempfile::TempDir, (PathBuf, io::Error)> {
    let stage = kept
        .stage()
        .map_err(|error| (PathBuf::from("a folder to work in"), error))?;
    let inside = stage.path().join("in");
    for (path, content) in files {
        let path = inside.join(path);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, content));
        written.map_err(|error| (path, error))?;
    }
    Ok(stage)
}

fn plan_of(archive: &Path) -> Result<Vec<u8>, CompileError> {
    let bytes = fs::read(archive).map_err(|source| CompileError::Disk {
        path: archive.to_owned(),
        source,
    })?;
    let limits = Limits {
        archive_bytes: 256 << 20,
        inflated_bytes: 512 << 20,
        ..Limits::default()
    };
    let bundle = Bundle::read(&bytes, &Verification::Unsigned, &limits)
        .map_err(|error| CompileError::Output(error.to_string()))?;
    bundle
        .file("plan.json")
        .map(<[u8]>::to_vec)
        .ok_or_else(|| CompileError::Output("it has no plan; is it version 1 or newer?".to_owned()))
}

fn identity(path: &Path) -> io::Result<Identity> {
    let meta = fs::metadata(path)?;
    Ok((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
}

/// SHA-256 in hexadecimal.
fn digest(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        match buffer.get(..count) {
            Some(read) if count > 0 => context.update(read),
            _ => return Ok(hex::encode(context.finish().as_ref())),
        }
    }
}
