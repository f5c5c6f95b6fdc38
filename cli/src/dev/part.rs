//! The parts that `postern dev` runs, by name, and the command that starts each. Starts nothing itself.

use std::path::{Path, PathBuf};

use super::{
    folder::Folder,
    ports::{Ports, local},
    programs::Programs,
};

/// A process that `postern dev` runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `postern-control-plane`.
    ControlPlane,
    /// `postern-sidecar`.
    Sidecar,
    /// Envoy.
    Envoy,
    /// `postern upstream`.
    Upstream,
}

impl Part {
    /// Its name in `dev.json`.
    pub fn key(self) -> &'static str {
        match self {
            Self::ControlPlane => "control_plane",
            Self::Sidecar => "sidecar",
            Self::Envoy => "envoy",
            Self::Upstream => "upstream",
        }
    }

    /// Its name in the names of files.
    pub fn file_stem(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            _ => self.key(),
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::ControlPlane => "control plane",
            Self::Envoy => "Envoy",
            _ => self.key(),
        }
    }
}

/// What starts a part: absolute paths only, so that it works from any folder and with no environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Which part.
    pub part: Part,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where its output goes.
    pub log: PathBuf,
}

/// The launches of all parts that will run.
#[derive(Clone, Debug)]
pub struct Launches {
    /// `postern-control-plane`.
    pub control_plane: Launch,
    /// `postern-sidecar`.
    pub sidecar: Launch,
    /// `postern upstream`.
    pub upstream: Launch,
    /// Envoy, unless left out.
    pub envoy: Option<Launch>,
}

impl Launches {
    /// Settles the commands.
    pub fn new(programs: &Programs, folder: &Folder, ports: Ports) -> Self {
        let launch = |part: Part, program: &Path, arguments: &[&str]| Launch {
            part,
            argv: std::iter::once(text(program))
                .chain(arguments.iter().map(|&argument| argument.to_owned()))
                .collect(),
            log: folder.log(part.file_stem()),
        };
        let config = |part: Part| text(&folder.config(part.file_stem()));
        Self {
            control_plane: launch(
                Part::ControlPlane,
                &programs.control_plane,
                &["--config", &config(Part::ControlPlane)],
            ),
            sidecar: launch(
                Part::Sidecar,
                &programs.sidecar,
                &["--config", &config(Part::Sidecar)],
            ),
            upstream: launch(
                Part::Upstream,
                &programs.postern,
                &["upstream", "--listen", &local(ports.upstream).to_string()],
            ),
            envoy: programs.envoy.as_deref().map(|envoy| {
                let config = config(Part::Envoy);
                // No hot restart, so that several Envoys on a machine share nothing; one worker is enough to try things out.
                let arguments = ["-c", &config, "--disable-hot-restart", "--concurrency", "1"];
                let logging = ["--log-level", "warning", "--file-flush-interval-msec", "200"];
                launch(Part::Envoy, envoy, &[&arguments[..], &logging[..]].concat())
            }),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Launch> {
        [&self.control_plane, &self.sidecar, &self.upstream]
            .into_iter()
            .chain(&self.envoy)
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_absolute_and_envoy_is_only_there_when_wanted() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(temp.path()).unwrap();
        let ports = Ports::from_base(Some(18_000)).unwrap();
        let mut programs = Programs {
            postern: "/bin/postern".into(),
            control_plane: "/bin/postern-control-plane".into(),
            sidecar: "/bin/postern-sidecar".into(),
            envoy: Some("/bin/envoy".into()),
        };
        let launches = Launches::new(&programs, &folder, ports);
        assert_eq!(launches.iter().count(), 4);
        for launch in launches.iter() {
            assert!(launch.argv[0].starts_with('/'), "{launch:?}");
            for argument in launch.argv.iter().filter(|argument| argument.ends_with(".yaml")) {
                assert!(argument.starts_with('/'), "{launch:?}");
            }
        }
        assert_eq!(
            launches.upstream.argv,
            ["/bin/postern", "upstream", "--listen", "127.0.0.1:18001"]
        );
        programs.envoy = None;
        assert!(
            Launches::new(&programs, &folder, ports)
                .iter()
                .all(|launch| launch.part != Part::Envoy)
        );
    }
}
