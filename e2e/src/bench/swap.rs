//! Whether checks wait while policy is replaced: at one rate, once with the bundle as it is and once with another each second.

use std::sync::Arc;
use std::time::Duration;

use super::policy::PolicyCase;
use super::world::{Size, World};
use super::{Measured, Setting, Shape, at_rate};
use crate::load::ExtAuthz;
use crate::report::{Pairs, Summary, table};
use crate::traffic::check_requests;

/// How much data the bundle has, in JSON.
const BYTES: usize = 1 << 20;
const EACH: Duration = Duration::from_secs(1);

/// `swap_p99_ratio`: the 99th percentile of checks while a bundle of 1 MB is replaced each second, over the same with nothing new.
///
/// # Errors
/// Where the sidecar doesn't start, answers otherwise than it should, or doesn't take the bundles.
pub async fn swap(setting: &Setting, shape: Shape) -> anyhow::Result<Measured> {
    let folder = tempfile::tempdir()?;
    let archives = ["one", "other"].map(|name| {
        let filler = folder.path().join(format!("{name}.json"));
        std::fs::write(&filler, data(name))?;
        PolicyCase::read(setting, "rbac_30")?
            .with_file(&filler)
            .archive(setting)
    });
    let size = Size {
        asks_often: true,
        ..Size::default()
    };
    let world = World::lay_of_size(setting, &PolicyCase::read(setting, "rbac_30")?, size).await?;
    let signed = archives.map(|archive| world.bundles().signed(&archive?));
    let [one, other] = signed;
    let pair = [other?, one?];
    pair.iter()
        .rev()
        .for_each(|archive| world.bundles().serve(archive.clone()));
    let sidecar = world.start_sidecar(setting).await?;
    let requests = check_requests(&world.tokens);
    let target = Arc::new(ExtAuthz::connect(&world.sidecar_socket(), requests, 0).await?);
    let mut p99 = Pairs::default();
    let mut p50 = Pairs::default();
    let sent = world.bundles().sent();
    for _ in 0..setting.rounds {
        let quiet = at_rate(&target, shape).await?;
        let (bundles, pair) = (world.bundles().clone(), pair.clone());
        let replacing = tokio::spawn(async move {
            for archive in pair.iter().cycle() {
                bundles.serve(archive.clone());
                tokio::time::sleep(EACH).await;
            }
        });
        let swapped = at_rate(&target, shape).await;
        replacing.abort();
        let swapped = swapped?;
        p99.push(swapped.percentile_us(99.0), quiet.percentile_us(99.0));
        p50.push(swapped.percentile_us(50.0), quiet.percentile_us(50.0));
    }
    let swaps = world.bundles().sent() - sent;
    let wanted = setting.rounds as u64 * shape.stretch.as_secs().max(1);
    anyhow::ensure!(
        swaps >= wanted / 2,
        "the sidecar took {swaps} bundles only; some {wanted} were served"
    );
    let resident = sidecar.resident_mib()?;
    let mut summary = Summary::default();
    summary.add("swap_p99_ratio", p99.ratio().median);
    let row = |what: &str, pairs: &Pairs| {
        vec![
            what.to_owned(),
            pairs.reference().show(0),
            pairs.ours().show(0),
            pairs.ratio().show(2),
        ]
    };
    let text = format!(
        "Checks at {} a second while nothing changes, and while a signed bundle with {BYTES} bytes of data is replaced each second \
         ({} rounds of {:?}, {swaps} replaced, {resident:.1} MiB resident afterwards, median (min–max)):\n\n{}",
        shape.rate,
        setting.rounds,
        shape.stretch,
        table(
            &["", "quiet, µs", "replacing, µs", "ratio"],
            &[row("p50", &p50), row("p99", &p99)]
        )
    );
    Ok(Measured { summary, text })
}

/// That much JSON, as many small members.
fn data(name: &str) -> String {
    let member = |n: usize| format!("\"member-{n:06}\": {{\"team\": \"{name}\", \"level\": {n}}}");
    let length = member(0).len() + 2;
    let members: Vec<String> = (0..BYTES / length).map(member).collect();
    format!("{{\"directory\": {{{}}}}}", members.join(", "))
}
