//! One pod: everything from storage to servers.

use crate::manifest::State;
use crate::name::EngineId;
use crate::observe::{Gap, GpuSight, Life, MountSeen, ServerSeen};
use crate::plan::download::Downloads;
use crate::plan::finding::{Finding, Severity};
use crate::plan::order::Unnumbered;
use crate::plan::place::place;
use crate::plan::step::Action;
use crate::plan::wanted::{Wanted, wanted};
use crate::plan::{Draft, Inputs, Site, secrets, server};
use crate::spec::EngineRecipe;
use std::collections::BTreeMap;

/// Drafts what has to be done on one pod.
pub(super) fn pod(inputs: &Inputs<'_>, site: &Site<'_>) -> Draft {
    let mut draft = Draft::default();
    draft.findings.extend(site.facts.gaps.iter().map(|gap| gap_finding(site, gap)));
    if let Some(wrong) = wrong_gpus(site) {
        draft.findings.push(wrong);
        return draft;
    }
    leavers(inputs, site, &mut draft);
    let mount = mount(site);
    let wanted = runners(inputs, site, mount.is_some(), &mut draft);
    if !wanted.is_empty() {
        draft.steps.extend(mount);
    }
    draft.steps.extend(engines(site, &wanted));
    draft.steps.extend(secrets::write(inputs, site.facts, wanted.iter().map(|w| &w.spec)));
    for wanted in wanted {
        server::run(inputs, site, wanted, &mut draft);
    }
    draft
}

/// The servers that shall run and can; what stands in the way of others becomes findings, missing weights steps.
fn runners(inputs: &Inputs<'_>, site: &Site<'_>, unmounted: bool, draft: &mut Draft) -> Vec<Wanted> {
    let places = place(inputs, site);
    let mounting = site.pod.mount.as_ref().filter(|_| unmounted).map(|mount| mount.target.as_str());
    let mut downloads = Downloads::new(inputs, site, mounting);
    let mut found = Vec::new();
    for (name, model) in site.models.iter().filter(|(name, _)| inputs.scope.has_server(site.name, name)) {
        match model.state {
            State::Stopped => server::rest(inputs, site, (name, model), draft),
            State::Running => match wanted(inputs, site, (name, model), &places) {
                Err(finding) => draft.findings.push(finding),
                Ok(mut wanted) => match downloads.weights_of(&mut wanted) {
                    Err(finding) => draft.findings.push(finding),
                    Ok(()) => found.push(wanted),
                },
            },
        }
    }
    draft.findings.append(&mut downloads.findings);
    draft.steps.extend(downloads.steps());
    found
}

/// Servers of this project that the manifest no longer puts here.
fn leavers(inputs: &Inputs<'_>, site: &Site<'_>, draft: &mut Draft) {
    for (name, seen) in site.own_servers().filter(|(name, _)| site.model(name).is_none()) {
        if inputs.scope.has_server(site.name, name) {
            let elsewhere = inputs.manifest.models.get(name).map(|model| &model.pods);
            let reason = match elsewhere.and_then(|pods| pods.first()) {
                Some(pod) => format!("pi.toml puts it on {pod}"),
                None => leaver_reason(seen),
            };
            draft.steps.push(Unnumbered { action: Action::RemoveServer(name.clone()), reason });
        }
    }
}

fn leaver_reason(seen: &ServerSeen) -> String {
    match &seen.life {
        Life::Running { .. } => "it is no longer in pi.toml".to_owned(),
        Life::Dead { .. } => "it is no longer in pi.toml, and dead".to_owned(),
        Life::Stopped => "it is no longer in pi.toml, and stopped".to_owned(),
    }
}

fn mount(site: &Site<'_>) -> Option<Unnumbered> {
    let mount = site.pod.mount.as_ref()?;
    let reason = match site.facts.mounts.get(mount.target.as_str()) {
        Some(MountSeen::Mounted { .. }) => return None,
        Some(MountSeen::Nothing) | None => format!("nothing is mounted on {}", mount.target),
    };
    Some(Unnumbered { action: Action::MountStorage(mount.clone()), reason })
}

fn engines(site: &Site<'_>, wanted: &[Wanted]) -> Vec<Unnumbered> {
    let recipes: BTreeMap<&EngineId, &EngineRecipe> =
        wanted.iter().filter_map(|w| w.recipe.as_ref()).map(|recipe| (&recipe.id, recipe)).collect();
    let missing = recipes.into_values().filter_map(|recipe| {
        let reason = match site.facts.engines.get(&recipe.id).map(|seen| &seen.digest) {
            Some(Some(digest)) if *digest == recipe.digest() => return None,
            Some(Some(_)) => "it was built from other packages",
            Some(None) => "its installation did not finish",
            None => "it is not there yet",
        };
        Some(Unnumbered { action: Action::InstallEngine(recipe.clone()), reason: reason.to_owned() })
    });
    missing.collect()
}

/// The pod has other GPUs than `gpus` says: nothing is done there.
fn wrong_gpus(site: &Site<'_>) -> Option<Finding> {
    let wish = site.pod.gpus.as_ref()?;
    let kind = wish.kind.to_lowercase();
    let found = match &site.facts.gpus {
        GpuSight::Found { gpus, .. } => {
            let right = gpus.iter().filter(|gpu| gpu.name.to_lowercase().contains(&kind)).count();
            if right == gpus.len() && usize::try_from(wish.count).is_ok_and(|count| count == right) {
                return None;
            }
            crate::plan::view::gpus_in_words(gpus.iter().map(|gpu| gpu.name.as_str()))
        }
        GpuSight::None => "no GPU".to_owned(),
        GpuSight::Broken { message, .. } => format!("no working nvidia-smi ({message})"),
    };
    let message = format!("pi.toml says {}x{}, the pod has {found}", wish.count, wish.kind);
    let help = "is it the right machine? if so, correct `gpus`";
    Some(Finding::on(Severity::Error, "wrong-gpus", site.name, message).help(help))
}

fn gap_finding(site: &Site<'_>, gap: &Gap) -> Finding {
    let Gap { section, why } = gap;
    Finding::on(
        Severity::Warning,
        "not-looked-at",
        site.name,
        format!("{section} could not be looked at: {why}"),
    )
}
