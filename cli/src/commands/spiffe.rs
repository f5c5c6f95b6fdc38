//! `postern spiffe`: SPIFFE identities as the sidecar reads them. Says what a text or a certificate is; whether anybody
//! should believe the certificate is the proxy's to find out.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use clap::Subcommand;
use postern_mesh::{PeerCertificate, SpiffeId};
use serde::Serialize;

use crate::{
    exit::Exit,
    output::{self, OutputArgs, Printed},
    time_text,
};

/// Longer than a certificate and those above it; a file is read no further.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// `postern spiffe …`.
#[derive(Debug, clap::Args)]
pub struct SpiffeArgs {
    #[command(subcommand)]
    command: SpiffeCommand,
}

#[derive(Debug, Subcommand)]
enum SpiffeCommand {
    /// Show the parts of a SPIFFE ID, or the rule that it breaks.
    ///
    /// Of a certificate, the ID is its only URI, by the rules of the X.509-SVID standard. A file with a chain is read as
    /// its first certificate, the leaf. Nobody verifies the certificate here.
    #[command(
        after_help = "Exits 0 for a valid SPIFFE ID, 1 for anything else, with the rule that it breaks.\n\n\
        Examples:\n  \
        postern spiffe id spiffe://prod.example/ns/shop/sa/web\n  \
        postern spiffe id svid.0.pem -o json"
    )]
    Id(IdArgs),
}

#[derive(Debug, clap::Args)]
struct IdArgs {
    /// A SPIFFE ID, or a file with an X.509 certificate in PEM or DER.
    #[arg(value_name = "ID|CERTIFICATE")]
    given: String,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs `postern spiffe …`.
pub fn run(args: &SpiffeArgs) -> anyhow::Result<Exit> {
    let SpiffeCommand::Id(args) = &args.command;
    let identity = if is_file(&args.given) {
        Identity::of_file(Path::new(&args.given))?
    } else {
        Identity::of_text(&args.given)
    };
    match identity {
        Ok(identity) => {
            output::print(args.output.output, &identity)?;
            Ok(Exit::Yes)
        }
        Err(rule) => {
            output::note(&format!("{}: {rule}", args.given.escape_debug()));
            Ok(Exit::No)
        }
    }
}

/// A text with a scheme is never taken for a file; one without is, if it is there or is called like one.
fn is_file(given: &str) -> bool {
    let path = Path::new(given);
    let called_so = path.extension().is_some_and(|extension| {
        ["pem", "crt", "cer", "der"]
            .iter()
            .any(|known| extension == *known)
    });
    !given.contains("://") && (path.is_file() || called_so)
}

/// A valid SPIFFE ID and where it is from.
#[derive(Debug, Serialize)]
struct Identity {
    spiffe_id: String,
    trust_domain: String,
    /// With its leading slash; empty for a trust domain's own ID.
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateFacts>,
}

/// What else the sidecar reads of a certificate.
#[derive(Debug, Serialize)]
struct CertificateFacts {
    /// RFC 8705 §3.1, as `cnf` of a bound token has it.
    #[serde(rename = "x5t#S256")]
    thumbprint_s256: String,
    not_before: String,
    not_after: String,
}

/// The rule that is broken, said for a person.
type Broken = String;

impl Identity {
    fn of_text(text: &str) -> Result<Self, Broken> {
        SpiffeId::parse(text)
            .map(|id| Self::new(&id, None))
            .map_err(|rule| rule.to_string())
    }

    fn of_file(path: &Path) -> anyhow::Result<Result<Self, Broken>> {
        let mut content = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content))
            .with_context(|| format!("reading {}", path.display()))?;
        ensure!(
            content.len() as u64 <= MAX_FILE_BYTES,
            "{} is longer than {MAX_FILE_BYTES} bytes, so no certificate",
            path.display()
        );
        let text = std::str::from_utf8(&content).ok();
        let certificate = match text.and_then(first_certificate) {
            Some((pem, others)) => {
                if others > 0 {
                    output::note(&format!(
                        "{others} more in the file; the first, the leaf, was read"
                    ));
                }
                PeerCertificate::parse_pem(pem)
            }
            None => match text.and_then(other_pem) {
                Some(label) => {
                    return Ok(Err(format!(
                        "the file holds a PEM `{label}`, and no certificate (`CERTIFICATE`), which is what has a SPIFFE ID"
                    )));
                }
                None => PeerCertificate::parse_der(&content),
            },
        };
        Ok(certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| Self::of_certificate(&certificate)))
    }

    fn of_certificate(certificate: &PeerCertificate) -> Result<Self, Broken> {
        let id = certificate.spiffe_id().map_err(|rule| rule.to_string())?;
        let facts = CertificateFacts {
            thumbprint_s256: certificate.thumbprint_s256(),
            not_before: time_text::utc(certificate.not_before().0),
            not_after: time_text::utc(certificate.not_after().0),
        };
        Ok(Self::new(id, Some(facts)))
    }

    fn new(id: &SpiffeId, certificate: Option<CertificateFacts>) -> Self {
        Self {
            spiffe_id: id.to_string(),
            trust_domain: id.trust_domain().to_owned(),
            path: id.path().to_owned(),
            certificate,
        }
    }
}

/// The first certificate of a PEM file, and how many come after it.
fn first_certificate(text: &str) -> Option<(&str, usize)> {
    let (_, rest) = text.split_once(BEGIN)?;
    let (body, after) = rest.split_once(END)?;
    let start = text.len() - rest.len() - BEGIN.len();
    let length = BEGIN.len() + body.len() + END.len();
    Some((text.get(start..start + length)?, after.matches(BEGIN).count()))
}

/// What a PEM file holds that has no certificate; never what stands in it.
fn other_pem(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, _) = rest.split_once("-----")?;
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
    (label.len() <= 64 && label.bytes().all(plain)).then_some(label)
}

impl Printed for Identity {
    fn human(&self) -> String {
        let mut lines = vec![
            format!("spiffe id     {}", self.spiffe_id),
            format!("trust domain  {}", self.trust_domain),
            format!(
                "path          {}",
                if self.path.is_empty() {
                    "none: the trust domain itself, no workload"
                } else {
                    &self.path
                }
            ),
        ];
        if let Some(certificate) = &self.certificate {
            lines.push(format!("x5t#S256      {}", certificate.thumbprint_s256));
            lines.push(format!("valid from    {}", certificate.not_before));
            lines.push(format!("valid until   {}", certificate.not_after));
        }
        lines.join("\n")
    }
}
