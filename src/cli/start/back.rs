//! A start that did not come to its end: nothing of it is left running.

use crate::cli::apply::{Asked, Assent, Manner, Proposal, carry_out, offer};
use crate::cli::args::Global;
use crate::cli::manifest_file::ManifestFile;
use crate::cli::start::one_model;
use crate::cli::world::World;
use crate::hub::HubFacts;
use crate::name::{ModelName, PodName};
use crate::plan::plan;
use crate::ui;
use miette::Result;

/// Brings the pods back to what the manifest says, which is as it was before; weights and engines stay.
pub(super) async fn take_back(
    file: &ManifestFile,
    name: &ModelName,
    (global, begun): (&Global, &World),
    manner: &Manner,
) -> Result<()> {
    let pods: Vec<PodName> =
        begun.manifest.models.get(name).map(|model| model.pods.clone()).unwrap_or_default();
    let mut manifest = file.parse(file.text())?;
    manifest.pods.retain(|pod, _| pods.contains(pod));
    let world = one_model(global, manifest, name)?;
    let hub = HubFacts::default();
    let observed = world.observe().await;
    let back = plan(&world.inputs(&observed, &hub));
    let lost = back.pods.iter().find(|(_, view)| !view.reachable).map(|(pod, _)| pod);
    ui::note(&format!("{} is as it was.", file.shown()));
    if let Some(pod) = lost {
        ui::note(&format!(
            "`{pod}` does not answer: what was begun there may go on. `pi plan` shows it, `pi apply` ends it."
        ));
    }
    if back.is_empty() {
        return Ok(());
    }
    ui::note("What was begun is taken back:");
    let manner = Manner {
        assent: Assent::Given,
        jobs: manner.jobs,
        json: manner.json,
        asked: Asked::Pods,
        again: "`pi plan` shows what is left.",
    };
    let done = match offer(&world, &manner, back, hub)? {
        Proposal::Agreed(agreed) => carry_out(&world, &manner, &agreed, plan).await.map(drop),
        Proposal::Over(_) => Ok(()),
    };
    world.remote.close().await;
    done
}
