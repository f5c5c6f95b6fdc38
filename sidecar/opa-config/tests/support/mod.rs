//! A machine of the test's own, and cases that are files: a configuration whose comments say how it is started.
#![allow(dead_code, reason = "each test takes what it needs")]
#![expect(clippy::expect_used, reason = "a test that can't go on says why")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use postern_config::ConfigError;
use postern_opa_config::{Host, Plan};

/// What the configuration is called on the command line.
pub(crate) const CONFIG: &str = "opa.yaml";

/// Files and an environment.
#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) variables: BTreeMap<String, String>,
}

impl Machine {
    pub(crate) fn with_config(text: &str) -> Self {
        let mut machine = Self::default();
        machine.files.insert(CONFIG.to_owned(), text.to_owned());
        machine
    }
}

impl Host for Machine {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        let file = self.files.get(path).ok_or("there is no such file")?;
        Ok(file.clone().into_bytes())
    }
}

/// What `config` says, started in the usual way.
pub(crate) fn read(config: &str) -> Result<Plan, ConfigError> {
    read_with(&[], config)
}

/// The same with more flags.
pub(crate) fn read_with(args: &[&str], config: &str) -> Result<Plan, ConfigError> {
    let usual = ["--server", "--config-file", CONFIG];
    let args: Vec<String> = usual.iter().chain(args).map(ToString::to_string).collect();
    Plan::read(&args, &Machine::with_config(config))
}

/// A configuration in a file.
pub(crate) struct Case {
    pub(crate) name: String,
    args: Vec<String>,
    machine: Machine,
    directives: BTreeMap<String, String>,
}

impl Case {
    pub(crate) fn run(&self) -> Result<Plan, ConfigError> {
        Plan::read(&self.args, &self.machine)
    }

    /// What stands behind `# NAME:`.
    pub(crate) fn directive(&self, name: &str) -> &str {
        self.directives.get(name).map_or("", String::as_str)
    }
}

/// Every case in `tests/configs/FOLDER`.
pub(crate) fn cases(folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/configs")
        .join(folder);
    let files = fs::read_dir(&folder).expect("a folder of cases");
    let cases: Vec<Case> = files.map(|file| case(&file.expect("a file").path())).collect();
    assert!(!cases.is_empty(), "{} is empty", folder.display());
    cases
}

fn case(path: &Path) -> Case {
    let text = fs::read_to_string(path).expect("a readable case");
    let directives: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let words = |name: &str| {
        let words = directives.get(name).map_or("", String::as_str).split_whitespace();
        words
            .map(|word| word.replace("CONFIG", CONFIG))
            .collect::<Vec<_>>()
    };
    let mut machine = Machine::with_config(&text);
    for variable in words("env") {
        let (name, value) = variable.split_once('=').expect("NAME=value");
        machine.variables.insert(name.to_owned(), value.to_owned());
    }
    let args = match words("args") {
        args if args.is_empty() => ["--server", "--config-file", CONFIG].map(str::to_owned).to_vec(),
        args => args,
    };
    Case {
        name: path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        args,
        machine,
        directives,
    }
}
