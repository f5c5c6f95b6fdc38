//! Everything that can be checked and written before anything starts, so that what is wrong is said before anything runs.

use std::{env, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use postern_jose::LocalSigner;

use super::{
    args::DevArgs,
    clients::{self, Clients},
    folder::{Folder, runtime_dir, write_private},
    leftovers,
    part::{Launches, Part},
    policy::write_demo,
    ports::Ports,
    programs::{EnvoyChoice, Programs, path_folders},
    settings, signing_key,
};
use crate::policy::locate_opa;

/// A data folder in which everything is in place.
pub struct Setup {
    /// The open folder.
    pub folder: Folder,
    /// Free ports.
    pub ports: Ports,
    /// Where the sidecar will answer Envoy.
    pub socket: PathBuf,
    /// How the parts are started.
    pub launches: Launches,
    /// This program; an absolute path.
    pub postern: String,
    /// The folder whose Rego decides; absolute.
    pub policy_dir: PathBuf,
    /// The demo clients.
    pub clients: Clients,
    /// Signs bundles.
    pub signer: Arc<LocalSigner>,
}

impl Setup {
    /// Checks, then writes.
    ///
    /// # Errors
    /// The first thing that is wrong. Nothing has been started.
    pub fn prepare(args: &DevArgs) -> anyhow::Result<Self> {
        let ports = Ports::from_base(args.port_base)?;
        // Found again by what compiles; here, so that a wrong flag is wrong usage and nothing has started.
        if let Some(opa) = &args.opa {
            locate_opa(Some(opa))?;
        }
        let programs = Programs::find(&envoy_choice(args)?)?;
        let policy_dir = args.policy_dir.as_deref().map(existing_dir).transpose()?;
        let folder = Folder::open(&args.dev.data_dir)?;
        // First, since it says more than that a port is taken.
        leftovers::check_none(&folder)?;
        ports.check_free(!args.no_envoy)?;
        let socket = folder.ext_authz_socket(&runtime_dir())?;
        let policy_dir = match policy_dir {
            Some(dir) => dir,
            None => write_demo(&folder.path("policy"))?,
        };
        let signer = Arc::new(signing_key::load_or_generate(&folder)?);
        let clients = clients::load_or_generate(&folder.path("clients.json"))?;
        let files = [
            (Part::ControlPlane, settings::control_plane(&folder, ports)),
            (Part::Sidecar, settings::sidecar(&folder, ports, &socket)),
            (Part::Envoy, settings::envoy(ports, &socket)),
        ];
        for (part, text) in files {
            let path = folder.config(part.file_stem());
            write_private(&path, text.as_bytes()).with_context(|| format!("writing {}", path.display()))?;
        }
        let launches = Launches::new(&programs, &folder, ports);
        Ok(Self {
            folder,
            ports,
            socket,
            launches,
            postern: programs.postern.to_string_lossy().into_owned(),
            policy_dir,
            clients,
            signer,
        })
    }
}

fn envoy_choice(args: &DevArgs) -> anyhow::Result<EnvoyChoice> {
    Ok(match &args.envoy {
        _ if args.no_envoy => EnvoyChoice::None,
        Some(path) => EnvoyChoice::This(path.clone()),
        None => {
            let working_dir = env::current_dir().context("the working directory")?;
            EnvoyChoice::Search {
                working_dir,
                path: path_folders(),
            }
        }
    })
}

fn existing_dir(dir: &std::path::Path) -> anyhow::Result<PathBuf> {
    let found = std::fs::canonicalize(dir).with_context(|| format!("--policy-dir {}", dir.display()))?;
    anyhow::ensure!(
        found.is_dir(),
        "--policy-dir {}: expected a folder",
        dir.display()
    );
    Ok(found)
}
