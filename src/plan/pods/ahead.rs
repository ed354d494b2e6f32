//! A pod that nobody has seen yet, with `gpus` in pi.toml: planned for as what one gets where one rents it. `pi plan`
//! shows it, `pi apply` does nothing there.

use crate::catalog::gpus;
use crate::manifest::{GpuWish, Manifest, Pod};
use crate::model_ref::ModelRef;
use crate::name::PodName;
use crate::observe::{Gpu, GpuSight, Host, PathSeen, PodFacts, ProbeResult, RootBy};
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::step::Plan;
use crate::plan::pods::converge::plan;
use crate::plan::pods::over_pods::unreachable;
use std::collections::BTreeMap;

/// The driver of a machine that is rented now: recent images have this branch.
const DRIVER: &str = "580";

/// The same as [`plan`], and what would be done on pods that were never seen, by what pi.toml says of them.
#[must_use]
pub fn plan_ahead(inputs: &Inputs<'_>) -> Plan {
    let unseen: BTreeMap<&PodName, PodFacts> = inputs
        .manifest
        .pods
        .iter()
        .filter(|(name, _)| is_unseen(inputs, name))
        .filter_map(|(name, pod)| Some((name, foreseen(inputs.manifest, pod)?)))
        .collect();
    let mut observed = inputs.observed.clone();
    for (name, facts) in &unseen {
        observed.pods.insert((*name).clone(), ProbeResult::Seen(Box::new(facts.clone())));
    }
    let mut plan = plan(&Inputs { observed: &observed, ..*inputs });
    for name in unseen.into_keys() {
        let Some(view) = plan.pods.get_mut(name) else { continue };
        view.reachable = false;
        view.driver = None;
        if let Some(ProbeResult::Unreachable(why)) = inputs.observed.pods.get(name) {
            plan.findings.push(unreachable(name, why));
        }
        plan.findings.push(note(name));
    }
    plan
}

fn is_unseen(inputs: &Inputs<'_>, pod: &PodName) -> bool {
    let seen = match inputs.observed.pods.get(pod) {
        Some(ProbeResult::Seen(_)) => true,
        Some(ProbeResult::Unreachable(why)) => why.answers(),
        None => false,
    };
    !seen && !inputs.memory.pods.contains_key(pod)
}

fn note(pod: &PodName) -> Finding {
    let message = format!(
        "nobody has seen this pod: it is planned from pi.toml alone, as a new Ubuntu machine with driver {DRIVER}"
    );
    Finding::on(Severity::Note, Code::PlannedAhead, pod, message)
        .help("`pi apply` does nothing here before it has seen the pod, and then plans for what is there")
}

/// A new machine with the GPUs that the manifest wants; none where it wants none, or some that the catalog does not
/// have.
fn foreseen(manifest: &Manifest, pod: &Pod) -> Option<PodFacts> {
    let gpus = gpus_of(pod.gpus.as_ref()?)?;
    let home =
        |path: &str| path.strip_prefix("~/").map_or_else(|| path.to_owned(), |rest| format!("/root/{rest}"));
    let paths = manifest.models.values().filter_map(|model| match &model.model {
        ModelRef::Path(path) => {
            // where it has to be is pi.toml's word, as the rest is
            let seen = PathSeen { directory: !model.model.is_gguf(), ..PathSeen::default() };
            Some((path.to_string(), seen))
        }
        ModelRef::Hub { .. } => None,
    });
    let there = |program: &str| (program.to_owned(), format!("/usr/bin/{program}"));
    Some(PodFacts {
        host: Host {
            os: "Ubuntu".to_owned(),
            arch: "x86_64".to_owned(),
            user: "root".to_owned(),
            home: "/root".to_owned(),
            root: RootBy::Login,
            libc: "glibc".to_owned(),
            ..Host::default()
        },
        pi_path: home(pod.pi_path.as_str()),
        models_path: home(pod.models_path.as_str()),
        gpus: GpuSight::Found { driver: DRIVER.to_owned(), gpus },
        model_paths: paths.collect(),
        programs: ["apt-get", "python3"].into_iter().map(there).collect(),
        ..PodFacts::default()
    })
}

fn gpus_of(wish: &GpuWish) -> Option<Vec<Gpu>> {
    let GpuWish { count, kind } = wish;
    let known = gpus::find(kind)?;
    let is_named = known.smi_name.to_lowercase().contains(&kind.to_lowercase());
    let gpu = |index| Gpu {
        index,
        uuid: format!("GPU-{index}"),
        name: if is_named { known.smi_name.clone() } else { kind.clone() },
        memory_mib: known.smi_mib,
        used_mib: 0,
        compute: known.cc.clone(),
        mig: false,
        ecc_errors: None,
        fault: None,
        links: BTreeMap::new(),
    };
    Some((0..*count).map(gpu).collect())
}
