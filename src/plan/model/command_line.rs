//! The engine's command line and environment for a server, as its kind understands them.

use crate::catalog::args;
use crate::manifest::{EngineKind, Pod};
use crate::spec::ServerSpec;
use std::collections::BTreeMap;

/// vLLM's flag for how many seconds it may take to finish what it is answering; 0.18.0 has it first. Earlier versions
/// end at once.
pub(in crate::plan) const SHUTDOWN_TIMEOUT: &str = "--shutdown-timeout";

/// Arguments behind the model; the user's come last, so that they win.
pub(in crate::plan) fn engine_args(spec: &ServerSpec) -> Vec<String> {
    let mut args = match spec.kind {
        EngineKind::Vllm => vllm(spec),
        EngineKind::LlamaCpp => llama_cpp(spec),
        EngineKind::Command => Vec::new(),
    };
    args.extend(spec.args.iter().cloned());
    args
}

/// Variables that the choice of GPUs needs, and the pod's own.
pub(in crate::plan) fn environment(spec: &ServerSpec, pod: &Pod) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> =
        pod.env.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    if !spec.gpus.is_empty() {
        // CUDA counts GPUs by speed unless told otherwise, nvidia-smi by their place on the bus
        env.insert("CUDA_DEVICE_ORDER".to_owned(), "PCI_BUS_ID".to_owned());
        env.insert("CUDA_VISIBLE_DEVICES".to_owned(), list(&spec.gpus));
    } else if spec.kind != EngineKind::Command {
        env.insert("CUDA_VISIBLE_DEVICES".to_owned(), String::new());
    }
    env
}

fn vllm(spec: &ServerSpec) -> Vec<String> {
    let mut args = common(spec);
    args.extend(["--served-model-name".to_owned(), spec.name.to_string()]);
    if !matches!(spec.model, crate::model_ref::ModelRef::Path(_)) {
        args.push(spec.model.to_string());
    }
    let mut flag = |name: &str, value: String| args.extend([name.to_owned(), value]);
    if spec.can_drain {
        flag(SHUTDOWN_TIMEOUT, spec.drain.0.to_string());
    }
    if let Some(context) = spec.context {
        flag("--max-model-len", context.0.to_string());
    }
    if let Some(memory) = spec.memory {
        flag("--gpu-memory-utilization", memory.fraction().to_string());
    }
    if let Some(tp) = tensor_parallel(spec).filter(|tp| *tp > 1) {
        flag("--tensor-parallel-size", tp.to_string());
    }
    args
}

/// Over how many GPUs each layer is cut: all that are not taken by stages and copies. None where the user's arguments
/// say it.
fn tensor_parallel(spec: &ServerSpec) -> Option<usize> {
    let size = |flag| args::value(&spec.args, flag).and_then(|size| size.parse::<usize>().ok());
    let others = ["--pipeline-parallel-size", "--data-parallel-size"].map(|flag| size(flag).unwrap_or(1));
    let none = args::value(&spec.args, "--tensor-parallel-size").is_none();
    none.then(|| spec.gpus.len() / others.iter().product::<usize>().max(1))
}

fn llama_cpp(spec: &ServerSpec) -> Vec<String> {
    let mut args = common(spec);
    let mut flag = |name: &str, value: String| args.extend([name.to_owned(), value]);
    flag("--alias", spec.name.to_string());
    if let Some(context) = spec.context {
        flag("--ctx-size", context.0.to_string());
    }
    if spec.gpus.is_empty() {
        flag("--n-gpu-layers", "0".to_owned());
    }
    args.push("--jinja".to_owned());
    args.push("--metrics".to_owned());
    args
}

fn common(spec: &ServerSpec) -> Vec<String> {
    ["--host", &spec.listen.to_string(), "--port", &spec.port.to_string()].map(str::to_owned).to_vec()
}

fn list(gpus: &[u32]) -> String {
    gpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
