//! The shape of `pi.toml`: every table, every key, what it takes and what it means.
//!
//! The comments on keys are what editors show: they become the JSON Schema.

use super::choice::{Env, PodChoice, PortMap};
use super::mount::MountText;
use super::scalar::{EngineArg, Host, Kind, Price, Protected, PythonVersion, Shares};
use super::table::{Field, Table, table};
use super::types::{EngineVersion, GpuAsk, GpuWish, Restart, State};
use super::value::{At, Named, Place};
use crate::model_ref::ModelRef;
use crate::name::{EngineName, Label, ModelName, PodName, PodPath, Port, Project, ProjectId, SecretName};
use crate::problem::Problem;
use crate::secret::SecretSource;
use crate::ssh_target::SshTarget;
use crate::units::{LogLimit, Percent, Seconds, Tokens};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Tables and their keys, to tell where a misplaced key belongs.
pub(super) const TABLES: [(&str, &[&str]); 4] = [
    (File::KIND, File::KEYS),
    (PodTable::KIND, PodTable::KEYS),
    (ModelTable::KIND, ModelTable::KEYS),
    (EngineTable::KIND, EngineTable::KEYS),
];

table! {
    /// LLM servers on rented GPU machines: what `pi plan` compares with what is there.
    File is "the manifest" {
        /// What people call the project. Default: the name of the manifest's directory.
        #[schemars(with = "Option<String>", regex(pattern = NAME), example = &"team")]
        project: Project,
        /// Whose servers these are: all manifests with one id share a pod's servers. pi makes it and writes it here once.
        #[schemars(with = "Option<String>", regex(pattern = "^[a-z0-9]{8,32}$"))]
        project_id: ProjectId,
        /// Where secrets come from on the machine that runs pi; never their values.
        #[schemars(with = "Option<BTreeMap<String, super::schema::Secret>>")]
        secrets: Named<SecretName, SecretSource>,
        /// What pods and models inherit.
        #[schemars(with = "Option<Defaults>")]
        defaults: Defaults,
        /// GPU machines reached over SSH, by name.
        #[schemars(with = "Option<BTreeMap<String, PodTable>>")]
        pods: Named<PodName, PodTable>,
        /// Models to serve, by name.
        #[schemars(with = "Option<BTreeMap<String, ModelTable>>")]
        models: Named<ModelName, ModelTable>,
        /// Builds of one's own (a fork, a private index, a pinned set), by name; models ask for them by `engine`.
        #[schemars(with = "Option<BTreeMap<String, EngineTable>>")]
        engines: Named<EngineName, EngineTable>,
    }
}

table! {
    /// What pods and models inherit: a key of their own wins, `env` is merged variable by variable.
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
        /// How it is reached: the ssh line as the provider prints it, a Host of ~/.ssh/config, or "local" for this
        /// machine.
        #[schemars(with = "Option<String>", length(min = 1), example = &"ssh -p 2222 root@1.2.3.4", example = &"local")]
        ssh: SshTarget,
        /// Where pi keeps engines and servers on the pod. Default: ~/.pi
        #[schemars(with = "Option<String>", regex(pattern = "^(/|~/|~$)"))]
        pi_path: PodPath,
        /// Where weights live on the pod. Default: the mount's target, else ~/.cache/huggingface
        #[schemars(with = "Option<String>", regex(pattern = "^(/|~/|~$)"), example = &"/mnt/hf-models")]
        models_path: PodPath,
        /// Storage to mount first: the command as the provider prints it, or a table.
        #[schemars(with = "Option<super::schema::Mount>")]
        mount: MountText,
        /// The vLLM that stays installed here, whether or not a model runs, and that models here use unless they name
        /// a version: an exact one, "release" or "nightly". `pi pods setup` writes it.
        #[schemars(with = "Option<String>", regex(pattern = "^(release|nightly|b?[0-9].*)$"), example = &"release")]
        vllm: EngineVersion,
        /// What it must have, such as "8xH100": pi can plan before the pod exists, and refuses a wrong one.
        #[schemars(with = "Option<String>", regex(pattern = r"^\s*[1-9][0-9]*\s*[xX×]\s*\S"), example = &"8xH100")]
        gpus: GpuWish,
        /// Where clients reach it, if not at the ssh host.
        #[schemars(with = "Option<String>", length(min = 1), example = &"1.2.3.4")]
        host: Host,
        /// Ports inside the pod → outside, where the provider maps them; RunPod and Vast.ai are asked by pi.
        #[schemars(with = "Option<super::schema::Ports>")]
        ports: PortMap,
        /// Price per hour, in whatever currency you count.
        #[schemars(with = "Option<f64>", range(min = 0))]
        price: Price,
        /// Names by which models choose pods: `pod = { labels = ["prod"] }`.
        #[schemars(with = "Option<Vec<String>>", inner(regex(pattern = NAME)))]
        labels: BTreeSet<Label>,
        /// Environment variables for everything pi runs there.
        #[schemars(with = "Option<super::schema::Env>")]
        env: Env,
    }
}

table! {
    /// One model to serve, or to keep stopped.
    ModelTable is "a model" {
        /// Its weights: a Hugging Face repository "owner/name", "owner/name@revision", "owner/name:file.gguf", or an
        /// absolute path on the pod.
        #[schemars(with = "Option<String>", regex(pattern = "/"), example = &"Qwen/Qwen2.5-Coder-32B-Instruct")]
        model: ModelRef,
        /// Where it runs: a pod, a list of pods (on each of them), or { labels = […] } (on every pod that has them
        /// all). May be left out when there is one pod.
        #[schemars(with = "Option<super::schema::Pods>")]
        pod: PodChoice,
        /// What runs it: vllm (default), llama.cpp (default for .gguf), command, or one of [engines].
        #[schemars(with = "Option<String>", regex(pattern = NAME), example = &"vllm", example = &"llama.cpp")]
        engine: EngineName,
        /// The engine's version: an exact one, "release" (the one pi was tested with; default) or "nightly".
        #[schemars(with = "Option<String>", regex(pattern = "^(release|nightly|b?[0-9].*)$"))]
        version: EngineVersion,
        /// A count of GPUs, or a list of their ids as nvidia-smi counts; 0 is CPU. Default: what the model's recipe
        /// says for the pod's GPUs.
        #[schemars(with = "Option<super::schema::Gpus>")]
        gpus: GpuAsk,
        /// Tokens of context, such as "32k". Default: the recipe's, else the largest that fits.
        #[schemars(with = "Option<super::schema::Context>")]
        context: Tokens,
        /// Share of each GPU's memory, such as "90%" or 0.9.
        #[schemars(with = "Option<super::schema::Share>")]
        memory: Percent,
        /// The port it listens on. Default: kept from last time, else the first free one from 8001.
        #[schemars(with = "Option<u16>", range(min = 1))]
        port: Port,
        /// The address it listens on. Default: 127.0.0.1 on "local" pods, else 0.0.0.0, and then requests need the
        /// API key. Where it is given, plans don't note that clients send the key over plain HTTP: "0.0.0.0" says that
        /// it is public on purpose.
        #[schemars(with = "Option<String>", example = &"127.0.0.1", example = &"0.0.0.0")]
        listen: IpAddr,
        /// "running" (default), or "stopped": declared, weights kept, no process.
        #[schemars(with = "Option<super::schema::State>")]
        state: State,
        /// Appended to the engine's command line, one word each.
        #[schemars(with = "Option<Vec<String>>", example = ["--enable-prefix-caching"])]
        args: Vec<EngineArg>,
        /// Environment variables for this server.
        #[schemars(with = "Option<super::schema::Env>")]
        env: Env,
        /// Whether a plan that would stop or restart it fails unless --allow-protected is given.
        #[schemars(with = "Option<bool>")]
        protect: Protected,
        /// Give up when its start makes no progress for this long, such as "10m".
        #[schemars(with = "Option<String>", regex(pattern = r"^([0-9]+\s*h)?\s*([0-9]+\s*m)?\s*([0-9]+\s*s)?$"), length(min = 2), example = &"10m")]
        ready_stall: Seconds,
        /// How much its log may take on the pod, from "10 MB" on: the first 4 % and the last quarter or more are kept.
        /// Default: "100 MB". Another one counts from the next start.
        #[schemars(with = "Option<String>", regex(pattern = r"^\s*[0-9]+(\.[0-9]+)?\s*([kKMGT]B|[KMGT]iB|B)\s*$"), example = &"100 MB")]
        log_limit: LogLimit,
        /// "no" (default), or "on-failure": the pod itself starts it again when it ends with an error after it has
        /// answered, with growing pauses, at most 5 times in 10 minutes.
        #[schemars(with = "Option<super::schema::Restart>")]
        restart: Restart,
        /// The command line of engine = "command", one word each; {port} and {model} are filled in.
        #[schemars(with = "Option<Vec<String>>", length(min = 1))]
        command: Vec<String>,
        /// Whether the command of engine = "command" sets `SO_REUSEPORT`, and listens only once it can answer: then a
        /// changed one starts on the same port beside the running one, where GPUs are free. vLLM is started so by pi.
        #[schemars(with = "Option<bool>")]
        share_port: Shares,
    }
}

table! {
    /// A build of one's own.
    EngineTable is "an engine" {
        /// Whose command line, log lines and endpoints it has.
        #[schemars(with = "Option<super::schema::EngineKind>")]
        kind: Kind,
        /// What to install, as uv takes it: "vllm==0.32.0".
        #[schemars(with = "Option<Vec<String>>", length(min = 1))]
        packages: Vec<String>,
        /// Overrides of what the packages ask for (uv's --override).
        #[schemars(with = "Option<Vec<String>>")]
        overrides: Vec<String>,
        /// Package indexes, before PyPI (uv's --index).
        #[schemars(with = "Option<Vec<String>>")]
        index: Vec<String>,
        /// Directories on the pod, or pages, with wheels (uv's --find-links).
        #[schemars(with = "Option<Vec<String>>")]
        find_links: Vec<String>,
        /// Python's version, such as "3.12". Default: pi's choice.
        #[schemars(with = "Option<String>", regex(pattern = r"^3\.[0-9]+(\.[0-9]+)?$"), example = &"3.12")]
        python: PythonVersion,
    }
}

/// What a name looks like, as a pattern for the schema; [`crate::name`] checks it.
pub(super) const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$";
