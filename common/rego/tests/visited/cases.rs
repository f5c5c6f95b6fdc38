//! The cases, from their file.

/// A small policy and what it is asked with.
pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) package: String,
    pub(crate) rego: String,
    pub(crate) inputs: Vec<String>,
}

impl Case {
    pub(crate) fn entrypoint(&self) -> String {
        format!("{}/p", self.package.replace('.', "/"))
    }
}

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    let (_, text) = include_str!("cases.txt").split_once("\n== ").expect("a case");
    let case = |(at, text): (usize, &str)| {
        let (title, body) = text.split_once('\n').expect("a title and a body");
        let (inputs, rego): (Vec<&str>, Vec<&str>) = body.lines().partition(|line| line.starts_with("-- "));
        Case {
            title: title.to_owned(),
            package: format!("case{at}"),
            rego: rego.join("\n"),
            inputs: inputs
                .iter()
                .map(|line| line.trim_start_matches("-- ").to_owned())
                .collect(),
        }
    };
    text.split("\n== ").enumerate().map(case).collect()
}
