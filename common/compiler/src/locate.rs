//! Where the pinned `opa` is. Looks, never downloads, builds or runs anything.

use std::{
    ffi::OsString,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// The folder of the tool cache that `make tools` fills; its version is the one that e2e/tools/go.mod pins.
const CACHED: &str = "tools/opa-v1.22.2/opa";

/// There is no `opa` where one was looked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MissingTool {
    /// One was named, and isn't a program.
    #[error("{} ({from}) is not a program that can be run", path.display())]
    NotAProgram {
        /// As it was named.
        path: PathBuf,
        /// The flag or variable that named it.
        from: &'static str,
    },
    /// None was named, and none was found.
    #[error(
        "compiling Rego needs opa, and there is none here (looked for {} and in PATH); run `make tools`, \
         or name one with --opa or POSTERN_OPA",
        cached.display()
    )]
    NotFound {
        /// Where `make tools` puts it.
        cached: PathBuf,
    },
}

/// Finds `opa`: the one given, that of `POSTERN_OPA`, that of the tool cache, that of `PATH`, in this order.
///
/// # Errors
/// When there is none; the message says how to get it.
pub fn locate_opa(given: Option<&Path>) -> Result<PathBuf, MissingTool> {
    locate(given, |name| std::env::var_os(name))
}

fn locate(given: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, MissingTool> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let named = given.map(|path| (path.to_owned(), "--opa"));
    if let Some((path, from)) = named.or_else(|| Some((set("POSTERN_OPA")?.into(), "POSTERN_OPA"))) {
        return if is_program(&path) {
            Ok(absolute(path))
        } else {
            Err(MissingTool::NotAProgram { path, from })
        };
    }
    let cache = set("POSTERN_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let base = set("XDG_CACHE_HOME").map(PathBuf::from);
        let base = base.unwrap_or_else(|| PathBuf::from(set("HOME").unwrap_or_default()).join(".cache"));
        base.join("postern")
    });
    let cached = cache.join(CACHED);
    if is_program(&cached) {
        return Ok(absolute(cached));
    }
    let path = set("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("opa"))
        .find(|file| is_program(file));
    found.map(absolute).ok_or(MissingTool::NotFound { cached })
}

/// A program by its path or, where that is a mere name, in the folders of `PATH`.
#[must_use]
pub fn program_in_path(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 || program.is_absolute() {
        return is_program(program).then(|| absolute(program.to_owned()));
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&folders).map(|folder| folder.join(program));
    found.find(|file| is_program(file)).map(absolute)
}

/// It is run in another working directory.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn program(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn locate_with(given: Option<&Path>, variables: &[(&str, &Path)]) -> Result<PathBuf, MissingTool> {
        locate(given, |name| {
            variables
                .iter()
                .find(|(own, _)| *own == name)
                .map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_first_of_flag_variable_cache_and_path_wins() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let cached = at("cache").join(CACHED);
        for file in [&at("given/opa"), &at("named/opa"), &cached, &at("bin/opa")] {
            program(file);
        }
        let (named, cache, bin) = (at("named/opa"), at("cache"), at("bin"));
        let all: [(&str, &Path); 3] = [("POSTERN_OPA", &named), ("POSTERN_CACHE", &cache), ("PATH", &bin)];
        assert_eq!(locate_with(Some(&at("given/opa")), &all), Ok(at("given/opa")));
        assert_eq!(locate_with(None, &all), Ok(named.clone()));
        assert_eq!(locate_with(None, &all[1..]), Ok(cached));
        assert_eq!(locate_with(None, &all[2..]), Ok(at("bin/opa")));
    }

    #[test]
    fn the_cache_is_where_the_script_puts_it() {
        let folder = tempfile::tempdir().unwrap();
        let (home, xdg) = (folder.path().join("home"), folder.path().join("xdg"));
        program(&home.join(".cache/postern").join(CACHED));
        assert_eq!(
            locate_with(None, &[("HOME", &home)]),
            Ok(home.join(".cache/postern").join(CACHED))
        );
        program(&xdg.join("postern").join(CACHED));
        let both: [(&str, &Path); 2] = [("HOME", &home), ("XDG_CACHE_HOME", &xdg)];
        assert_eq!(locate_with(None, &both), Ok(xdg.join("postern").join(CACHED)));
    }

    #[test]
    fn a_named_opa_that_cannot_run_is_not_replaced_by_another() {
        let folder = tempfile::tempdir().unwrap();
        program(&folder.path().join("opa"));
        let text = folder.path().join("text");
        fs::write(&text, "").unwrap();
        let error = locate_with(Some(&text), &[("PATH", folder.path())]).unwrap_err();
        assert_eq!(
            error,
            MissingTool::NotAProgram {
                path: text.clone(),
                from: "--opa"
            }
        );
        let error = locate_with(None, &[("POSTERN_OPA", &text), ("PATH", folder.path())])
            .unwrap_err()
            .to_string();
        assert!(error.contains("POSTERN_OPA"), "{error}");
    }

    #[test]
    fn where_there_is_none_the_message_says_how_to_get_it() {
        let error = locate_with(None, &[]).unwrap_err().to_string();
        assert!(error.contains("make tools") && error.contains("--opa"), "{error}");
    }

    #[test]
    fn the_pinned_version_is_the_modules() {
        let module = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/tools/go.mod");
        let module = fs::read_to_string(module).unwrap();
        let version = module
            .lines()
            .find_map(|line| {
                line.trim()
                    .trim_start_matches("require ")
                    .strip_prefix("github.com/open-policy-agent/opa ")
            })
            .unwrap();
        assert_eq!(
            CACHED,
            format!("tools/opa-{}/opa", version.split(' ').next().unwrap())
        );
    }
}
