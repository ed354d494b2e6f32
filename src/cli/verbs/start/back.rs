//! A start that did not come to its end: nothing of it is left running.

use crate::cli::changing::carry_out::{AGAIN, ApplyOptions, Approval, Proposal, Sources, carry_out, offer};
use crate::cli::context::flags::Global;
use crate::cli::context::manifest_file::ManifestFile;
use crate::cli::verbs::start::one_model;
use crate::hub::HubFacts;
use crate::manifest::{Model, State};
use crate::name::{ModelName, PodName};
use crate::plan::plan;
use crate::ui;
use miette::Result;

/// Brings the pods back to what the manifest says, which is as it was before; weights and engines stay. A server that
/// it wants to run anyway is left as it is.
pub(super) async fn take_back(
    (global, file): (&Global, &ManifestFile),
    name: &ModelName,
    pods: &[PodName],
    options: &ApplyOptions,
) -> Result<()> {
    // the file as it is now: it may have got its id
    let mut manifest = file.parse(file.again()?.text())?;
    match manifest.models.get(name) {
        Some(Model { state: State::Running, .. }) => {
            ui::note(AGAIN);
            return Ok(());
        }
        Some(Model { state: State::Stopped, .. }) | None => {}
    }
    manifest.pods.retain(|pod, _| pods.contains(pod));
    let context = one_model(global, manifest, name)?;
    let hub = HubFacts::default();
    let observed = context.observe().await;
    let back = plan(&context.inputs(&observed, &hub));
    let lost = back.pods.iter().find(|(_, view)| !view.reachable).map(|(pod, _)| pod);
    if let Some(pod) = lost {
        ui::note(&format!(
            "`{pod}` does not answer: what was begun there may go on. `pi plan` shows it, `pi apply` ends it."
        ));
    }
    if back.is_empty() {
        return Ok(());
    }
    ui::note("What was begun is taken back:");
    let options = ApplyOptions {
        approval: Approval::Given,
        jobs: options.jobs,
        json: options.json,
        sources: Sources::Pods,
        lock_wait: options.lock_wait,
        again: "`pi plan` shows what is left.",
    };
    let done = match offer(&context, &options, back, hub)? {
        Proposal::Agreed(agreed) => carry_out(&context, &options, &agreed, plan).await.map(drop),
        Proposal::Over(_) => Ok(()),
    };
    context.remote.close().await;
    done
}
