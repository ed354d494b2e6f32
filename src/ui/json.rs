//! `pi plan --json`: the plan for machines.

use crate::catalog::engines::Size;
use crate::catalog::recipe::Parallel;
use crate::fit::Fit;
use crate::fit::report::report;
use crate::name::{ModelName, PodName};
use crate::plan::{
    Action, Change, Finding, How, Launch, Otherwise, Plan, PodView, Recreate, Replaces, Start, Step, StepId,
    engine_size, shown_address, shown_recipe,
};
use crate::spec::{EngineRecipe, ServerSpec};
use crate::units::Seconds;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The plan, in format 1.
#[must_use]
pub fn plan_json(plan: &Plan) -> Value {
    let Plan { steps, findings, pods, standing, fits, times } = plan;
    let pods: Map<String, Value> =
        pods.iter().map(|(name, view)| (name.to_string(), pod_json(view))).collect();
    json!({
        "format": 1,
        "changes": plan.counts(),
        "steps": steps.iter().map(|step| timed_json(step, times)).collect::<Vec<_>>(),
        "findings": findings.iter().map(finding_json).collect::<Vec<_>>(),
        "pods": pods,
        "standing": standing,
        "fits": fits_json(fits),
    })
}

/// How servers that start will fit, by pod and model.
fn fits_json(fits: &BTreeMap<(PodName, ModelName), Fit>) -> Value {
    let mut pods = Map::new();
    for ((pod, model), fit) in fits {
        let mut report = report(fit, &[]);
        // what would fit instead is told by findings
        report.as_object_mut().map(|report| report.remove("try"));
        let of_pod = pods.entry(pod.to_string()).or_insert_with(|| json!({}));
        of_pod[model.as_str()] = report;
    }
    Value::Object(pods)
}

/// A step, and how long it will take, where that is known.
fn timed_json(step: &Step, times: &BTreeMap<StepId, Seconds>) -> Value {
    let mut value = step_json(step);
    if let Some(time) = times.get(&step.id) {
        value["seconds"] = json!(time.0);
    }
    value
}

/// One step: what events refer to by its id.
pub(super) fn step_json(step: &Step) -> Value {
    let Step { id, pod, action, reason, after } = step;
    let mut value = json!({
        "id": id, "pod": pod, "action": action.name(), "target": action.target(), "reason": reason.to_string(), "after": after,
    });
    let details = match action {
        Action::StartServer(start) => Some(start_json(start)),
        Action::AwaitReady { otherwise: Otherwise::StartPrevious(previous), .. } => {
            Some(json!({ "if_fails": server_json(previous, Launch::of_record(previous).as_ref()) }))
        }
        Action::InstallPackages(packages) => Some(json!(packages)),
        Action::InstallEngine(recipe) => Some(engine_json(recipe)),
        Action::MountStorage(storage) => Some(json!({ "source": shown_address(&storage.mount.source) })),
        Action::FetchWeights(fetch) => fetch
            .total()
            .map(|total| json!({ "commit": fetch.commit, "bytes": total, "missing_bytes": fetch.missing })),
        Action::WriteSecrets(_)
        | Action::AwaitReady { .. }
        | Action::AdoptServer(_)
        | Action::StopServer(_)
        | Action::RemoveServer(_)
        | Action::Promote(..)
        | Action::StopRun(_)
        | Action::RemoveEngine(_)
        | Action::RemoveWeights(_)
        | Action::RemovePiFiles => None,
    };
    if let Some(details) = details {
        value["details"] = details;
    }
    value
}

fn start_json(Start { spec, run, replaces, launch }: &Start) -> Value {
    let mut server = server_json(spec, launch.as_ref());
    server["run"] = json!(run);
    if *replaces != Replaces::Nothing {
        server["changes"] = replaces.changes().iter().map(change_json).collect();
    }
    if let Replaces::Stopped(Recreate { changes: _, care: _, down, not_beside }) = replaces {
        server["down_seconds"] = json!(down.map(|down| down.0));
        if let Some(why) = not_beside {
            server["not_beside"] = json!(why);
        }
    }
    server
}

/// An engine, and how large it is where that is known.
fn engine_json(recipe: &EngineRecipe) -> Value {
    let mut value = json!(shown_recipe(recipe));
    if let Some(Size { download, disk }) = engine_size(recipe) {
        value["download_bytes"] = json!(download);
        value["disk_bytes"] = json!(disk);
    }
    value
}

fn server_json(spec: &ServerSpec, launch: Option<&Launch>) -> Value {
    let ServerSpec { port, gpus, context, engine, .. } = spec;
    // the digest tells saved plans apart whatever differs between them
    let mut server =
        json!({ "port": port, "gpus": gpus, "context": context, "engine": engine, "spec": spec.digest() });
    if let Some(Launch { parallel: Parallel { tp, pp, dp }, tools, reasoning, .. }) = launch {
        server["parallel"] = json!({ "tensor": tp, "pipeline": pp, "data": dp });
        server["tool_parser"] = json!(tools);
        server["reasoning_parser"] = json!(reasoning);
    }
    server
}

fn change_json(change: &Change) -> Value {
    let Change { field, how } = change;
    match how {
        How::Value { from, to } | How::Order { from, to } => {
            json!({ "field": field, "from": from, "to": to })
        }
        How::Lines { gone, new } => json!({ "field": field, "gone": gone, "new": new }),
    }
}

fn finding_json(finding: &Finding) -> Value {
    json!(finding)
}

fn pod_json(view: &PodView) -> Value {
    // what a disk has left changes all the time: two plans are the same without it
    let PodView { reachable, address, gpus, driver, gpu_fault, cpus, free: _ } = view;
    let mut value =
        json!({ "reachable": reachable, "address": address, "gpus": gpus, "driver": driver, "cpus": cpus });
    if let Some(fault) = gpu_fault {
        value["gpu_fault"] = json!(fault);
    }
    value
}
