//! `pi list --json`: what runs, for machines.

use crate::name::PodName;
use crate::observe::FailedStart;
use crate::spec::ServerSpec;
use crate::status::{Address, Belongs, GpuStatus, PodSeen, PodStatus, ServerStatus, State, Stranger};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Pods with their servers and GPUs, in format 1.
#[must_use]
pub fn list_json(pods: &BTreeMap<PodName, PodStatus>) -> Value {
    json!({ "format": 1, "pods": pods.iter().map(pod_json).collect::<Vec<_>>() })
}

fn pod_json((name, PodStatus { view, seen }): (&PodName, &PodStatus)) -> Value {
    let head = json!({ "pod": name, "address": view.address, "reachable": seen.is_ok() });
    let more = match seen {
        Ok(PodSeen { servers, gpus, gaps }) => json!({
            "driver": view.driver,
            "gpu_fault": view.gpu_fault,
            "gpus": gpus.iter().map(gpu_json).collect::<Vec<_>>(),
            "servers": servers.iter().map(server_json).collect::<Vec<_>>(),
            "gaps": gaps,
        }),
        Err(why) => json!({ "code": why.code, "message": why.why, "help": why.help }),
    };
    match (head, more) {
        (Value::Object(mut head), Value::Object(more)) => {
            head.extend(more);
            Value::Object(head)
        }
        (head, _) => head,
    }
}

fn server_json((status, address): &(ServerStatus, Option<Address>)) -> Value {
    let ServerStatus {
        name,
        state,
        phase,
        cause,
        past,
        drift,
        beside,
        belongs,
        spec,
        pid,
        seconds,
        health,
        left,
        requests,
    } = status;
    let project = if let Belongs::Other(project) = belongs { Some(project) } else { None };
    let server = json!({
        "name": name,
        "state": state,
        "phase": phase.map(|phase| phase.name),
        "percent": phase.and_then(|phase| phase.percent),
        "cause": cause,
        "failed": past.failed.as_ref().map(failed_json),
        "restarts": past.restarts,
        "drift": drift,
        "declared": *belongs == Belongs::Declared,
        "project": project,
        "url": address.as_ref().filter(|_| pid.is_some()).map(Address::base_url),
        "port": spec.as_ref().map(|spec| spec.port),
        "model": spec.as_ref().map(|spec| spec.model.to_string()),
        "gpus": spec.as_ref().map(|spec| &spec.gpus),
        "pid": pid,
        "seconds": seconds,
        "health": health,
        "left": left,
        "requests": requests,
    });
    with_beside(server, beside.as_ref())
}

fn failed_json(FailedStart { count, cause, digest: _ }: &FailedStart) -> Value {
    json!({ "count": count, "cause": cause })
}

/// The same, with what was started beside it to take its place.
fn with_beside(mut server: Value, beside: Option<&(ServerSpec, State)>) -> Value {
    if let Some((spec, state)) = beside {
        server["beside"] = json!({ "state": state, "port": spec.port, "gpus": spec.gpus });
    }
    server
}

fn gpu_json(GpuStatus { index, name, memory_mib, used_mib, fault, strangers }: &GpuStatus) -> Value {
    let stranger = |Stranger { pid, command, used_mib }: &Stranger| json!({ "pid": pid, "command": command, "used_mib": used_mib });
    json!({
        "index": index,
        "name": name,
        "memory_mib": memory_mib,
        "used_mib": used_mib,
        "fault": fault,
        "strangers": strangers.iter().map(stranger).collect::<Vec<_>>(),
    })
}
