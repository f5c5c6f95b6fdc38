//! The key that signs this data folder's bundles: made at first start, read ever after. The private part stays in one
//! file of mode 0600.

use std::{fs, io};

use anyhow::Context as _;
use postern_jose::{Algorithm, LocalSigner};

use super::{
    demo,
    folder::{Folder, write_private},
};

/// Reads the key, or makes it; the public part is written beside it, for the control plane and the sidecar.
///
/// # Errors
/// When a file can't be read or written, or holds no such key.
pub fn load_or_generate(folder: &Folder) -> anyhow::Result<LocalSigner> {
    let path = folder.path("keys/bundle-signing.pem");
    let shown = path.display();
    let signer = match fs::read_to_string(&path).map(zeroize::Zeroizing::new) {
        Ok(pem) => {
            LocalSigner::from_pkcs8_pem(Some(demo::BUNDLE), &pem).with_context(|| format!("{shown}"))?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = LocalSigner::generate(Algorithm::ES256).context("making the bundle signing key")?;
            let pem = made.to_pkcs8_pem().context("writing the bundle signing key")?;
            write_private(&path, pem.as_bytes()).with_context(|| format!("writing {shown}"))?;
            LocalSigner::from_pkcs8_pem(Some(demo::BUNDLE), &pem).with_context(|| format!("{shown}"))?
        }
        Err(error) => return Err(error).with_context(|| format!("reading {shown}")),
    };
    let public = signer
        .public_jwk()
        .to_spki_pem()
        .context("the public part of the bundle signing key")?;
    let path = folder.path("keys/bundle-signing.pub.pem");
    write_private(&path, public.as_bytes()).with_context(|| format!("writing {}", path.display()))?;
    Ok(signer)
}

#[cfg(test)]
mod tests {
    use postern_jose::Signer as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_kept() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(temp.path()).unwrap();
        let (first, again) = (
            load_or_generate(&folder).unwrap(),
            load_or_generate(&folder).unwrap(),
        );
        assert_eq!(first.public_jwk().thumbprint(), again.public_jwk().thumbprint());
        assert_eq!((first.key_id(), first.algorithm()), ("demo", Algorithm::ES256));
    }
}
