//! The shape of `pi.toml`: every table, every key, what it takes and what it means.
//!
//! The comments on keys are what editors show: they become the JSON Schema.

use super::choice::{Env, PodChoice, PortMap};
use super::mount::MountText;
use super::scalar::{Drain, EngineArg, Host, Kind, Price, Protected, PythonVersion};
use super::shapes::NAME;
use super::table::{Field, Table, table};
use super::types::{EngineVersion, GpuAsk, GpuWish, Restart, State};
use super::value::{At, Named, Place, Tables};
use crate::model_ref::ModelRef;
use crate::name::{EngineName, Label, ModelName, PodName, PodPath, Port, Project, ProjectId, SecretName};
use crate::problem::Problem;
use crate::secret::SecretSource;
use crate::ssh_target::SshTarget;
use crate::units::{LogLimit, Percent, Seconds, Tokens};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// All of them, with their keys.
pub(super) const TABLES: Tables = &[
    (File::KIND, File::KEYS),
    (PodTable::KIND, PodTable::KEYS),
    (ModelTable::KIND, ModelTable::KEYS),
    (EngineTable::KIND, EngineTable::KEYS),
];

table! {
    /// LLM servers on rented GPU machines, as `pi plan` compares them with the pods.
    File is "the manifest" {
        /// Name of the project. Default: the name of the manifest's directory.
        #[schemars(with = "Option<String>", regex(pattern = NAME), example = &"team")]
        project: Project,
        /// Id of the project that owns the servers. `pi` generates it once; commit it. Manifests with the same id manage the same servers.
        #[schemars(with = "Option<String>", regex(pattern = "^[a-z0-9]{8,32}$"))]
        project_id: ProjectId,
        /// Where secrets come from on the machine that runs `pi`; never their values.
        #[schemars(with = "Option<BTreeMap<String, super::shapes::Secret>>")]
        secrets: Named<SecretName, SecretSource>,
        /// Values that pods and models inherit.
        #[schemars(with = "Option<Defaults>")]
        defaults: Defaults,
        /// Machines reached over SSH, by name.
        #[schemars(with = "Option<BTreeMap<String, PodTable>>")]
        pods: Named<PodName, PodTable>,
        /// Models to serve, by name.
        #[schemars(with = "Option<BTreeMap<String, ModelTable>>")]
        models: Named<ModelName, ModelTable>,
        /// Your own engine builds (a fork, a private index, a pinned set), by name. Models select one with `engine`.
        #[schemars(with = "Option<BTreeMap<String, EngineTable>>")]
        engines: Named<EngineName, EngineTable>,
    }
}

table! {
    /// Values that pods and models inherit. A value on the pod or model wins; `env` is merged variable by variable.
    Defaults is "[defaults]" {
        /// Inherited by every pod.
        #[schemars(with = "Option<PodTable>")]
        pod: PodTable,
        /// Inherited by every model.
        #[schemars(with = "Option<ModelTable>")]
        model: ModelTable,
    }
}

table! {
    /// One machine.
    PodTable is "a pod" {
        /// How to reach it: the ssh line as the provider prints it, a Host of ~/.ssh/config, or "local" for this
        /// machine.
        #[schemars(with = "Option<String>", length(min = 1), example = &"ssh -p 2222 root@1.2.3.4", example = &"local")]
        ssh: SshTarget,
        /// Directory for engines and servers on the pod. Default: ~/.pi
        #[schemars(with = "Option<String>", regex(pattern = "^(/|~/|~$)"))]
        pi_path: PodPath,
        /// Directory for weights on the pod. Default: the target of `mount`, else ~/.cache/huggingface
        #[schemars(with = "Option<String>", regex(pattern = "^(/|~/|~$)"), example = &"/mnt/hf-models")]
        models_path: PodPath,
        /// Storage to mount before anything else: the mount command as the provider prints it, or a table.
        #[schemars(with = "Option<super::shapes::Mount>")]
        mount: MountText,
        /// vLLM version to keep installed, whether or not a model runs; models on this pod use it unless they set
        /// `version`. An exact version, "release" or "nightly". `pi pods setup` writes it.
        #[schemars(with = "Option<String>", regex(pattern = "^(release|nightly|b?[0-9].*)$"), example = &"release")]
        vllm: EngineVersion,
        /// GPUs that it must have, such as "8xH100". `pi` can then plan before the pod exists, and refuses a different
        /// machine.
        #[schemars(with = "Option<String>", regex(pattern = r"^\s*[1-9][0-9]*\s*[xX×]\s*\S"), example = &"8xH100")]
        gpus: GpuWish,
        /// Host name or address for clients. Default: the ssh host.
        #[schemars(with = "Option<String>", length(min = 1), example = &"1.2.3.4")]
        host: Host,
        /// Port inside the pod → port outside, where the provider maps ports. On RunPod and Vast.ai, `pi` finds the mapping itself.
        #[schemars(with = "Option<super::shapes::Ports>")]
        ports: PortMap,
        /// Price per hour, in any currency.
        #[schemars(with = "Option<f64>", range(min = 0))]
        price: Price,
        /// Labels by which models select pods: `pod = { labels = ["prod"] }`.
        #[schemars(with = "Option<Vec<String>>", inner(regex(pattern = NAME)))]
        labels: BTreeSet<Label>,
        /// Environment variables for everything that `pi` runs on the pod.
        #[schemars(with = "Option<super::shapes::Env>")]
        env: Env,
    }
}

table! {
    /// One model to serve, or to keep stopped.
    ModelTable is "a model" {
        /// The weights: a Hugging Face repository "owner/name", "owner/name@revision", "owner/name:file.gguf", or an
        /// absolute path on the pod.
        #[schemars(with = "Option<String>", regex(pattern = "/"), example = &"Qwen/Qwen2.5-Coder-32B-Instruct")]
        model: ModelRef,
        /// Where it runs: a pod, a list of pods (one server on each), or { labels = […] } (every pod that has all of
        /// them). Optional if there is only one pod.
        #[schemars(with = "Option<super::shapes::Pods>")]
        pod: PodChoice,
        /// Engine: vllm (default), llama.cpp (default for .gguf), command, or one of [engines].
        #[schemars(with = "Option<String>", regex(pattern = NAME), example = &"vllm", example = &"llama.cpp")]
        engine: EngineName,
        /// Engine version: an exact one, "release" (the one `pi` was tested with; default) or "nightly".
        #[schemars(with = "Option<String>", regex(pattern = "^(release|nightly|b?[0-9].*)$"))]
        version: EngineVersion,
        /// Number of GPUs, or a list of ids as nvidia-smi counts them; 0 means CPU. Default: the catalog's choice for the
        /// pod's GPUs, else the fewest that hold the model.
        #[schemars(with = "Option<super::shapes::Gpus>")]
        gpus: GpuAsk,
        /// Context length in tokens, such as "32k". Default: the catalog's choice, else the longest that fits.
        #[schemars(with = "Option<super::shapes::Context>")]
        context: Tokens,
        /// Share of each GPU's memory that the server may use, such as "90%" or 0.9.
        #[schemars(with = "Option<super::shapes::Share>")]
        memory: Percent,
        /// Port to listen on. Default: the previous one, else the first that the provider maps, else the first free one from 8001.
        #[schemars(with = "Option<u16>", range(min = 1))]
        port: Port,
        /// Address to listen on. Default: 127.0.0.1 on "local" pods, else 0.0.0.0, where requests need the API key.
        /// Setting "0.0.0.0" states that the server is meant to be public, and silences the note about plain HTTP.
        #[schemars(with = "Option<String>", example = &"127.0.0.1", example = &"0.0.0.0")]
        listen: IpAddr,
        /// "running" (default) or "stopped": no process, but its weights are kept.
        #[schemars(with = "Option<super::shapes::State>")]
        state: State,
        /// Arguments appended to the engine's command line, one word per item.
        #[schemars(with = "Option<Vec<String>>", example = ["--enable-prefix-caching"])]
        args: Vec<EngineArg>,
        /// Environment variables for this server.
        #[schemars(with = "Option<super::shapes::Env>")]
        env: Env,
        /// Refuse to stop or restart this server unless --allow-protected is given.
        #[schemars(with = "Option<bool>")]
        protect: Protected,
        /// Give up if the start makes no progress for this long, such as "10m".
        #[schemars(with = "Option<String>", regex(pattern = r"^([0-9]+\s*h)?\s*([0-9]+\s*m)?\s*([0-9]+\s*s)?$"), length(min = 2), example = &"10m")]
        ready_stall: Seconds,
        /// How much disk the log of one start may take on the pod, at least "10 MB" [default: "100 MB"]. The first 4 % and the
        /// last quarter or more are kept. A change takes effect at the next start.
        #[schemars(with = "Option<String>", regex(pattern = r"^\s*[0-9]+(\.[0-9]+)?\s*([kKMGT]B|[KMGT]iB|B)\s*$"), example = &"100 MB")]
        log_limit: LogLimit,
        /// How long the server may take to finish the requests that it is answering when it is stopped, at most "10m"
        /// [default: "15s"]. "0s" ends them at once. vLLM 0.18.0 and later support this (`--shutdown-timeout`).
        #[schemars(with = "Option<String>", regex(pattern = r"^([0-9]+\s*m)?\s*([0-9]+\s*s)?$"), length(min = 2), example = &"30s")]
        drain: Drain,
        /// "no" (default) or "on-failure": the pod restarts the server when it ends with an error after it has answered,
        /// with growing pauses, at most 5 times in 10 minutes.
        #[schemars(with = "Option<super::shapes::Restart>")]
        restart: Restart,
        /// Command line for engine = "command", one word per item; {port}, {model} and {context} are replaced.
        #[schemars(with = "Option<Vec<String>>", length(min = 1))]
        command: Vec<String>,
    }
}

table! {
    /// An engine build of your own.
    EngineTable is "an engine" {
        /// Engine whose command line, log and endpoints it has.
        #[schemars(with = "Option<super::shapes::EngineKind>")]
        kind: Kind,
        /// Packages to install, in uv's syntax: "vllm==0.32.0".
        #[schemars(with = "Option<Vec<String>>", length(min = 1))]
        packages: Vec<String>,
        /// Dependency overrides (uv's --override).
        #[schemars(with = "Option<Vec<String>>")]
        overrides: Vec<String>,
        /// Package indexes to search before PyPI (uv's --index).
        #[schemars(with = "Option<Vec<String>>")]
        index: Vec<String>,
        /// Directories on the pod, or web pages, with wheels (uv's --find-links).
        #[schemars(with = "Option<Vec<String>>")]
        find_links: Vec<String>,
        /// Python version, such as "3.12". Default: chosen by `pi`.
        #[schemars(with = "Option<String>", regex(pattern = r"^3\.[0-9]+(\.[0-9]+)?$"), example = &"3.12")]
        python: PythonVersion,
    }
}
