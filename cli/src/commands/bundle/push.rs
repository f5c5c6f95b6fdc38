//! `postern bundle push`: hands a bundle to the control plane, which verifies it before it serves it.

use std::path::PathBuf;

use postern_policy::BundleName;
use postern_proto::policy::v1::{
    BundleInfo, PublishBundleRequest, iam_policy_service_client::IamPolicyServiceClient,
};
use serde::Serialize;
use tonic::Code;

use super::files;
use crate::{
    control_plane::{self, TargetArgs},
    exit::Exit,
    output::{self, OutputArgs, Printed},
};

/// `postern bundle push`.
#[derive(Debug, clap::Args)]
pub struct PushArgs {
    /// The bundle.
    #[arg(value_name = "BUNDLE")]
    archive: PathBuf,
    /// The name to serve it under: 1 to 128 of a-z, 0-9, `-`, `_` and `.`, the first a letter or digit.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name: BundleName,
    /// What sidecars ask, `orders/authz/decision` say: checked before it is served, and needed for a bundle with Rego and no
    /// plan. Can be given more than once [default: whatever its plan has].
    #[arg(short, long = "entrypoint", value_name = "PATH")]
    entrypoints: Vec<String>,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) async fn run(args: &PushArgs) -> anyhow::Result<Exit> {
    let archive = files::read_archive(&args.archive)?;
    let channel = control_plane::connect(&args.target.target()?).await?;
    let mut service = IamPolicyServiceClient::new(channel);
    let request = PublishBundleRequest {
        name: args.name.to_string(),
        archive: archive.into(),
        entrypoints: args.entrypoints.clone(),
    };
    match service.publish_bundle(request).await {
        Ok(answer) => {
            let served = Served::from(answer.into_inner().bundle.unwrap_or_default());
            output::print(args.output.output, &served)?;
            Ok(Exit::Yes)
        }
        Err(status) if status.code() == Code::InvalidArgument => {
            output::note(&format!(
                "refused; what was served before is still served: {}",
                status.message()
            ));
            Ok(Exit::No)
        }
        Err(status) => Err(control_plane::refused(status)),
    }
}

/// The control plane's rule, said before anything is sent; it has the last word.
fn parse_name(text: &str) -> Result<BundleName, String> {
    BundleName::parse(text).ok_or_else(|| format!("expected {}", BundleName::EXPECTED))
}

/// A bundle as the control plane serves it.
#[derive(Debug, Serialize)]
struct Served {
    name: String,
    revision: String,
    etag: String,
    /// Seconds since the epoch.
    published_at: i64,
    /// In bytes.
    size: u64,
    entrypoints: Vec<String>,
    /// The id of the key that signed it, verified by the control plane; empty when it takes unsigned ones.
    signed_by: String,
    /// The sequence that its signer gave it; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
}

impl From<BundleInfo> for Served {
    fn from(info: BundleInfo) -> Self {
        Self {
            name: info.name,
            revision: info.revision,
            etag: info.etag,
            published_at: info.published_at,
            size: info.size,
            entrypoints: info.entrypoints,
            signed_by: info.signed_by,
            sequence: info.sequence,
        }
    }
}

impl Printed for Served {
    fn human(&self) -> String {
        let signed_by = if self.signed_by.is_empty() {
            "nobody"
        } else {
            &self.signed_by
        };
        let sequence = self.sequence.map(|sequence| format!("sequence {sequence}, "));
        format!(
            "{} is served: revision {:?}, {}{} bytes, signed by {signed_by}, entrypoints {}",
            self.name,
            self.revision,
            sequence.unwrap_or_default(),
            self.size,
            self.entrypoints.join(", ")
        )
    }
}
