//! What a plan tells of the Rego that it was made from: the files it names, and the rules that are in it.

use std::sync::Arc;

use super::Program;

impl Program {
    /// The Rego files that the plan names, as they were called when it was built. A plan knows no more of them than that
    /// and rows and columns: neither their text nor a digest.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(AsRef::as_ref)
    }

    /// Calls files what `name` says, where it says something: for whoever had them planned under other names.
    pub fn rename_files<'n>(&mut self, name: impl Fn(&str) -> Option<&'n str>) {
        for file in &mut self.files {
            if let Some(name) = name(file) {
                *file = Arc::from(name);
            }
        }
    }

    /// The paths below `data` of the rules and functions that the plan has, in their order, each once: those that an
    /// entrypoint needs. Of a rule with variables in its head it is the part before them.
    #[must_use]
    pub fn rule_paths(&self) -> Vec<Vec<Arc<str>>> {
        let mut found = Vec::new();
        // The paths begin with what the planner calls a generation, which is none of the document's.
        let generations = self.paths.nodes.first().map(|root| root.children.values());
        let mut open: Vec<(usize, Vec<Arc<str>>)> = generations
            .into_iter()
            .flatten()
            .map(|node| (*node, Vec::new()))
            .collect();
        while let Some((at, path)) = open.pop() {
            let Some(node) = self.paths.nodes.get(at) else {
                continue;
            };
            for (name, child) in &node.children {
                let mut below = path.clone();
                below.push(Arc::clone(name));
                open.push((*child, below));
            }
            if node.function.is_some() {
                found.push(path);
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use crate::{NoHost, Program};

    #[test]
    fn rules_and_files_are_those_of_the_plan() {
        let plan = br#"{"static": {"strings": [{"value": "result"}], "files": [{"value": "a/p.rego"}, {"value": "b.rego"}]},
            "plans": {"plans": [{"name": "a", "blocks": []}]},
            "funcs": {"funcs": [
                {"name": "g0.data.b.y", "path": ["g0", "b", "y"], "params": [0, 1], "return": 2, "blocks": []},
                {"name": "g0.data.a.x", "path": ["g0", "a", "x"], "params": [0, 1], "return": 2, "blocks": []},
                {"name": "g1.data.a.x", "path": ["g1", "a", "x"], "params": [0, 1], "return": 2, "blocks": []}]}}"#;
        let program = Program::load(plan, &NoHost).unwrap();
        assert_eq!(program.files().collect::<Vec<_>>(), ["a/p.rego", "b.rego"]);
        let paths: Vec<String> = program.rule_paths().iter().map(|path| path.join("/")).collect();
        assert_eq!(paths, ["a/x", "b/y"]);
    }
}
