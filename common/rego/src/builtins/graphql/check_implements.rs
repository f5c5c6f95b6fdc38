//! What a type owes the interfaces that it implements.

use super::ast::{Definition, FieldDefinition, Type, TypeKind, find_argument};
use super::check_types::{Checked, Types, wrong};
use super::text::{quoted, type_text};
use super::{Fault, refused};

impl Types<'_, '_> {
    pub(super) fn implements(&mut self, definition: &Definition, name: &str) -> Checked {
        let Some(interface) = self.all.get(name) else {
            return wrong(definition.pos, &format!("Undefined type {}.", quoted(name)));
        };
        if interface.kind != TypeKind::Interface {
            let kind = interface.kind.name();
            return wrong(
                definition.pos,
                &format!("{} is a non interface type {kind}.", quoted(name)),
            );
        }
        let who = format!("For {} to implement {name}", definition.name);
        for required in &interface.fields {
            self.context.spend(definition.fields.len().saturating_add(16))?;
            let Some(found) = definition.field(&required.name) else {
                let message = format!("{who} it must have a field called {}.", required.name);
                return wrong(definition.pos, &message);
            };
            if !self.is_covariant(&required.of, &found.of)? {
                return wrong(
                    found.pos,
                    &format!(
                        "{who} the field {} must have type {}.",
                        required.name,
                        type_text(&required.of)
                    ),
                );
            }
            self.arguments_fit(&who, required, found)?;
        }
        for transitive in &interface.interfaces {
            if definition.interfaces.contains(transitive) {
                continue;
            }
            if *transitive == definition.name {
                return wrong(
                    definition.pos,
                    &format!(
                        "Type {} cannot implement {name} because it would create a circular reference.",
                        definition.name
                    ),
                );
            }
            return wrong(
                definition.pos,
                &format!(
                    "Type {} must implement {transitive} because it is implemented by {name}.",
                    definition.name
                ),
            );
        }
        Ok(())
    }

    fn arguments_fit(&mut self, who: &str, required: &FieldDefinition, found: &FieldDefinition) -> Checked {
        let field = &required.name;
        for argument in &required.arguments {
            self.context.spend(found.arguments.len().saturating_add(16))?;
            let name = &argument.name;
            let Some(given) = find_argument(&found.arguments, name) else {
                return wrong(
                    found.pos,
                    &format!(
                        "{who} the field {field} must have the same arguments but it is missing {name}."
                    ),
                );
            };
            if !argument.of.is_compatible(&given.of, given.of.non_null) {
                return wrong(
                    given.pos,
                    &format!(
                        "{who} the field {field} must have the same arguments but {name} has the wrong type."
                    ),
                );
            }
        }
        for given in &found.arguments {
            let is_known = find_argument(&required.arguments, &given.name).is_some();
            if !is_known && given.of.non_null && given.default.is_none() {
                return wrong(
                    given.pos,
                    &format!(
                        "{who} any additional arguments on {} must be optional or have a default value but {} is required.",
                        found.name, given.name
                    ),
                );
            }
        }
        Ok(())
    }

    /// Recurses as deep as types nest, which the parser bounds.
    fn is_covariant(&mut self, required: &Type, actual: &Type) -> Result<bool, Fault> {
        if required.non_null && !actual.non_null {
            return Ok(false);
        }
        match (&required.elem, &actual.elem) {
            _ if !required.named.is_empty() => {
                if required.named == actual.named {
                    return Ok(true);
                }
                let possible = self
                    .possible
                    .get(&required.named)
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                self.context.spend(possible.len())?;
                for name in possible {
                    if !self.all.contains_key(name) {
                        return Err(refused(
                            "a union of types that don't exist, over which OPA crashes,",
                        ));
                    }
                    if *name == actual.named {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Some(required), Some(actual)) => self.is_covariant(required, actual),
            _ => Ok(false),
        }
    }
}
