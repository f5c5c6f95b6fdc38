//! A plan put into a bundle that came without one.

use super::{Bundle, BundleError, Limits, PLAN, PLAN_PROTOBUF, SIGNATURES, Verification, archive};

/// The archive with this `plan.json`, in the place of any plan that it has; everything else in it stays as it was. A signature,
/// which no longer fits, is left out.
///
/// # Errors
/// When the archive isn't a good bundle, or with the plan it is more than `limits` allow.
pub fn with_plan(archive: &[u8], plan: Vec<u8>, limits: &Limits) -> Result<Vec<u8>, BundleError> {
    let mut files = Bundle::read(archive, &Verification::Unsigned, limits)?.into_files();
    for gone in [SIGNATURES, PLAN_PROTOBUF] {
        files.remove(gone);
    }
    files.insert(PLAN.to_owned(), plan);
    let planned = archive::write(
        files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_slice())),
    )?;
    Bundle::read(&planned, &Verification::Unsigned, limits)?;
    Ok(planned)
}
