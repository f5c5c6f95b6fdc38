//! OPA's command line and configuration: whatever is taken has kept its bounds and never shows a secret; whatever is refused
//! is refused in one line.

use postern_opa_config::{Address, Host, Plan};

/// One file, and variables that are put into it.
struct Machine<'a> {
    config: &'a [u8],
    variable: &'a str,
}

impl Host for Machine<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "V" || name == "OPA_RUN_SET").then(|| self.variable.to_owned())
    }

    fn file(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(self.config.to_vec())
    }
}

/// Takes `data` for flags, a line each, an empty line, and a configuration.
pub fn run(data: &[u8]) {
    let split = data.windows(2).position(|pair| pair == b"\n\n");
    let (flags, config) = match split {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (&b""[..], data),
    };
    let Ok(flags) = std::str::from_utf8(flags) else {
        return;
    };
    let variable = flags.lines().next().unwrap_or_default();
    let mut args: Vec<String> = ["--server", "--config-file=x"].map(str::to_owned).to_vec();
    args.extend(flags.lines().map(str::to_owned));
    let machine = Machine { config, variable };
    let plan = match Plan::read(&args, &machine) {
        Ok(plan) => plan,
        Err(error) => {
            assert!(!error.to_string().contains(['\n', '\r']), "{error}");
            return;
        }
    };
    drop(format!("{plan:?}"));
    assert!(plan.active("i", "v").is_object());
    for notice in &plan.not_honoured {
        assert!(!notice.to_string().contains(['\n', '\r']) && !notice.why.is_empty());
    }
    let config = &plan.config;
    for bundle in config.bundles.values() {
        assert!(
            bundle.polling.min_delay_seconds <= bundle.polling.max_delay_seconds
                && bundle.size_limit_bytes > 0
        );
    }
    if let Some(logs) = &config.decision_logs {
        assert!(
            logs.service
                .as_ref()
                .is_none_or(|service| config.services.contains_key(service))
        );
        assert!(logs.service.is_some() || logs.console);
    }
    if let Some(plugin) = &config.ext_authz {
        assert!(plugin.max_received_bytes > 0 && plugin.max_sent_bytes > 0);
        if let Address::Unix(path) = &plugin.address {
            assert!(path.as_os_str().len() <= 107);
        }
    }
    if let Ok(text) = std::str::from_utf8(machine.config) {
        drop(plan.discovered(text, &machine));
    }
}
