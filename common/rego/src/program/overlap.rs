//! Rules at paths that hold base data. OPA builds such a bundle, and refuses it when it is activated
//! (`v1/ast/conflicts.go`, `v1/storage/storage.go`: `NonEmpty`).

use super::Program;
use super::paths::Paths;
use crate::error::LoadError;
use crate::value::Value;

impl Program {
    /// Whether `data` can be the base document of this program: none of its rules is at a path that holds data, or
    /// below data that is no object. Only rules that an entrypoint needs are known to a plan; OPA looks at all.
    ///
    /// # Errors
    /// [`LoadError::DataConflict`], with the first path in their order.
    pub fn check_data(&self, data: &Value) -> Result<(), LoadError> {
        match self.paths.overlap(data) {
            Some(path) => Err(LoadError::DataConflict { path }),
            None => Ok(()),
        }
    }
}

impl Paths {
    /// The first path of a function that holds data.
    fn overlap(&self, data: &Value) -> Option<String> {
        let mut found: Option<String> = None;
        // The paths begin with what the planner calls a generation, which is none of the document's.
        let root = self.nodes.first()?;
        let mut open: Vec<(usize, String, &Value)> = root
            .children
            .values()
            .map(|node| (*node, String::new(), data))
            .collect();
        while let Some((at, path, value)) = open.pop() {
            let Some(node) = self.nodes.get(at) else { continue };
            if node.function.is_some() && !path.is_empty() && found.as_ref().is_none_or(|found| path < *found)
            {
                found = Some(path.clone());
            }
            for (name, child) in &node.children {
                let below = match value {
                    Value::Object(object) => object.get_str(name),
                    // Nothing can be put there.
                    other => Some(other),
                };
                if let Some(below) = below {
                    let separator = if path.is_empty() { "" } else { "/" };
                    open.push((*child, format!("{path}{separator}{name}"), below));
                }
            }
        }
        found
    }
}
