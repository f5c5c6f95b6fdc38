//! `.signatures.json`: one JWS over the names and digests of all other files, as OPA makes and checks it.
//! Which key signed is what the JWS says; whether that key counts is what the reader's configuration says.

use std::collections::BTreeMap;

use postern_jose::{CompactRef, Signer, TokenError, sign_compact};
use serde::{Deserialize, Serialize};

use super::archive::{Files, normal_path};
use super::{BundleError, Limits, VerificationKey, digest, parse_object};

/// Where signatures stand.
pub(super) const SIGNATURES: &str = ".signatures.json";

#[derive(Deserialize)]
struct Signatures {
    #[serde(default)]
    signatures: Option<Vec<String>>,
    #[serde(default)]
    plugin: String,
}

#[derive(Serialize)]
struct WrittenSignatures {
    signatures: [String; 1],
}

#[derive(Deserialize)]
pub(super) struct Payload {
    #[serde(default)]
    pub(super) files: Vec<SignedFile>,
    #[serde(default)]
    pub(super) keyid: String,
    #[serde(default)]
    pub(super) scope: String,
}

#[derive(Serialize)]
struct WrittenPayload<'a> {
    files: Vec<SignedFile>,
    keyid: &'a str,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SignedFile {
    name: String,
    hash: String,
    algorithm: String,
}

/// Checks that the files are those that one of the keys signed, neither more nor fewer. Gives the key's id.
pub(super) fn verify(
    files: &Files,
    keys: &BTreeMap<String, VerificationKey>,
    limits: &Limits,
) -> Result<String, BundleError> {
    let text = token(files)?.ok_or(BundleError::SignatureMissing)?;
    let (token, key_id) = open(&text)?;
    let key = keys.get(&key_id).ok_or_else(|| BundleError::KeyUnknown {
        key_id: key_id.clone(),
        known: keys.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
    })?;
    let payload = token
        .verify_with_key(&key.key, &[key.algorithm])
        .map_err(|error| BundleError::SignatureWrong {
            key_id: key_id.clone(),
            why: why(&error, key),
        })?;
    let payload = parse_payload(&payload)?;
    if payload.scope != key.scope {
        return Err(BundleError::ScopeWrong {
            key_id,
            found: payload.scope,
            expected: key.scope.clone(),
        });
    }
    check_files(files, payload.files, limits, "", &|_| false)?;
    Ok(key_id)
}

/// The id of the key that the signature names, believed by nobody yet; `None` where there is no signature.
pub(super) fn claimed_key_id(files: &Files) -> Result<Option<String>, BundleError> {
    let Some(text) = token(files)? else {
        return Ok(None);
    };
    open(&text).map(|(_, key_id)| Some(key_id))
}

/// `.signatures.json` for these files.
pub(super) fn sign(files: &Files, signer: &dyn Signer, key_id: &str) -> Result<Vec<u8>, BundleError> {
    let failed = |e: &dyn std::fmt::Display| BundleError::Sign(e.to_string());
    let algorithm = digest::algorithm(digest::SIGNED_WITH).ok_or_else(|| failed(&"no digest"))?;
    let mut signed = Vec::with_capacity(files.len());
    for (path, content) in files.iter().filter(|(path, _)| *path != SIGNATURES) {
        signed.push(SignedFile {
            name: path.clone(),
            hash: hex::encode(digest::of_file(algorithm, path, content)?),
            algorithm: digest::SIGNED_WITH.to_owned(),
        });
    }
    let payload = serde_json::to_vec(&WrittenPayload {
        files: signed,
        keyid: key_id,
    })
    .map_err(|e| failed(&e))?;
    let named = Named { signer, key_id };
    let token = sign_compact(&named, None, &payload).map_err(|e| failed(&e))?;
    if let Err(error) = CompactRef::parse(&token) {
        return Err(failed(&error));
    }
    let mut text =
        serde_json::to_vec_pretty(&WrittenSignatures { signatures: [token] }).map_err(|e| failed(&e))?;
    text.push(b'\n');
    Ok(text)
}

/// A signer under the id that the bundle's readers know its key by.
struct Named<'a> {
    signer: &'a dyn Signer,
    key_id: &'a str,
}

impl Signer for Named<'_> {
    fn algorithm(&self) -> postern_jose::Algorithm {
        self.signer.algorithm()
    }

    fn key_id(&self) -> &str {
        self.key_id
    }

    fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, postern_jose::SignError> {
        self.signer.sign(signing_input)
    }
}

/// Whether there is a signatures file that says anything, in OPA's sense: `{}` is none.
#[cfg(feature = "builtins")]
pub(super) fn is_signed(files: &Files) -> bool {
    files.get(SIGNATURES).is_some_and(|content| {
        let parsed = parse_object::<Signatures>(content);
        !parsed.is_ok_and(|parsed| parsed.signatures.is_none() && parsed.plugin.is_empty())
    })
}

/// Whether the signatures file, if there is one, is of its form.
pub(super) fn check_form(files: &Files) -> Result<(), BundleError> {
    let content = files.get(SIGNATURES);
    let parsed = content.map(|content| parse_object::<Signatures>(content));
    parsed.transpose().map_err(BundleError::SignatureForm)?;
    Ok(())
}

/// The one JWS; `None` where there is no signatures file.
pub(super) fn token(files: &Files) -> Result<Option<String>, BundleError> {
    let form = |what: &str| BundleError::SignatureForm(what.to_owned());
    let Some(content) = files.get(SIGNATURES) else {
        return Ok(None);
    };
    let parsed: Signatures = parse_object(content).map_err(BundleError::SignatureForm)?;
    if !matches!(parsed.plugin.as_str(), "" | "_default") {
        return Err(form("it asks for a verification plugin; none is supported"));
    }
    let mut signatures = parsed.signatures.unwrap_or_default().into_iter();
    match (signatures.next(), signatures.next()) {
        (Some(token), None) => Ok(Some(token)),
        (None, _) => Err(form("it holds no signature; expected exactly one")),
        (Some(_), Some(_)) => Err(form("it holds more than one signature; expected exactly one")),
    }
}

/// The JWS taken apart, and the id of the key that it says it is signed with: as OPA looks for it, `kid` first.
fn open(text: &str) -> Result<(CompactRef<'_>, String), BundleError> {
    let token = CompactRef::parse(text).map_err(|e| BundleError::SignatureForm(unsaid_token(&e)))?;
    let key_id = match token.header().key_id() {
        Some(kid) if !kid.is_empty() => kid.to_owned(),
        _ => parse_payload(token.unverified_payload())?.keyid,
    };
    if key_id.is_empty() {
        Err(BundleError::KeyIdMissing)
    } else {
        Ok((token, key_id))
    }
}

pub(super) fn parse_payload(payload: &[u8]) -> Result<Payload, BundleError> {
    parse_object(payload).map_err(|e| BundleError::SignatureForm(format!("its payload: {e}")))
}

fn why(error: &TokenError, key: &VerificationKey) -> String {
    match error {
        TokenError::AlgorithmRefused => format!(
            "it isn't made with {}, which the key is configured for",
            key.algorithm
        ),
        TokenError::BadSignature => {
            "it doesn't verify; the signer used another key, or it was changed".to_owned()
        }
        other => unsaid_token(other),
    }
}

/// jose speaks of "the token"; here it is the signature.
fn unsaid_token(error: &TokenError) -> String {
    error
        .to_string()
        .replace("the token's ", "its ")
        .replace("the token ", "it ")
}

/// Holds the files to what was signed, neither more nor fewer, but for those that need no signature. In the signature their
/// paths begin with `base`.
pub(super) fn check_files(
    files: &Files,
    signed: Vec<SignedFile>,
    limits: &Limits,
    base: &str,
    is_excluded: &dyn Fn(&str) -> bool,
) -> Result<(), BundleError> {
    let mut expected = BTreeMap::new();
    for file in signed {
        let path = normal_path(file.name.as_bytes(), limits)?;
        if expected.insert(path, file).is_some() {
            return Err(BundleError::SignatureForm("it lists a file twice".to_owned()));
        }
    }
    for (path, content) in files.iter().filter(|(path, _)| *path != SIGNATURES) {
        let named = format!("{base}{path}");
        let signed = expected.remove(&named);
        if is_excluded(&named) {
            continue;
        }
        let Some(file) = signed else {
            return Err(BundleError::FileNotSigned { path: path.clone() });
        };
        let algorithm = digest::algorithm(&file.algorithm).ok_or_else(|| BundleError::DigestAlgorithm {
            path: path.clone(),
            algorithm: if file.algorithm.is_empty() {
                "unnamed".to_owned()
            } else {
                file.algorithm.clone()
            },
        })?;
        let actual = digest::of_file(algorithm, path, content)?;
        // Nothing here is secret, so a plain comparison does.
        if hex::decode(&file.hash).ok().as_deref() != Some(actual.as_slice()) {
            return Err(BundleError::FileChanged { path: path.clone() });
        }
    }
    match expected.into_keys().next() {
        Some(path) => Err(BundleError::FileMissing { path }),
        None => Ok(()),
    }
}
