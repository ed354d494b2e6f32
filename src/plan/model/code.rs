//! The codes of findings: one word for programs and for the manual, with what it means and what to do.
//!
//! `docs/src/troubleshooting.md` is generated from this table, so a code without an explanation does not compile.

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($name:ident, $text:literal, $means:literal, $remedy:literal;)*) => {
        /// What a finding is about. The text is stable; programs may compare it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $means] $name,)*
        }

        impl Code {
            /// All of them, in the order of the manual.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The text of it in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it means.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $means,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}

codes! {
    // pods that can't be planned for; the texts of `remote`'s errors
    Refused, "refused",
        "Nothing listens on the pod's SSH port.",
        "Check that the pod is running. Providers often change the port when a pod restarts: compare `ssh` with the provider's ssh line.";
    TimedOut, "timed-out",
        "The pod does not answer on its SSH port, or did not finish answering the probe within a minute.",
        "Check that the pod is running and that `ssh` is still the provider's ssh line. If you can log in, look for a dead mount or a hanging driver.";
    NoRoute, "no-route",
        "The pod's address cannot be reached from this network.",
        "Check that the pod is running and that `ssh` is still the provider's ssh line.";
    NoHost, "no-host",
        "The host name in `ssh` could not be resolved.",
        "Correct the name, or declare it as a `Host` in `~/.ssh/config`.";
    NoLogin, "no-login",
        "The pod accepted none of your keys.",
        "Name the key with `-i` in `ssh`, or load it with `ssh-add`. `pi` never asks for a password or a passphrase.";
    HostKeyChanged, "host-key-changed",
        "The host key differs from the one recorded for this address.",
        "If the pod was replaced, run the command that the finding shows; it accepts the new key. Otherwise somebody else may be answering at this address.";
    HostKeyUnknown, "host-key-unknown",
        "The host key is not known, and your SSH configuration accepts only known keys.",
        "Run the command that the finding shows, compare the key and accept it once.";
    NoSsh, "no-ssh",
        "This machine has no `ssh` program.",
        "Install the OpenSSH client (Debian and Ubuntu: `apt-get install openssh-client`).";
    LoginScript, "login-script",
        "The login script on the pod keeps commands from running.",
        "In `~/.bashrc` on the pod, put `[[ $- == *i* ]] || return` above the line that prints, exits or starts another shell.";
    NoBash, "no-bash",
        "The pod has no bash.",
        "Install bash on the pod, put its directory on the login's `PATH`, or choose an image that has it.";
    NoPlainCommands, "no-plain-commands",
        "The SSH endpoint gives interactive terminals only and runs no commands.",
        "Use the provider's other ssh line. RunPod calls it \"SSH over exposed TCP\".";
    BadSocketDir, "bad-socket-dir",
        "The directory for the sockets of kept SSH connections is not safe to use.",
        "Remove that directory, or set `XDG_RUNTIME_DIR` to a directory that only you can enter.";
    Lost, "lost",
        "The connection was lost before the result arrived.",
        "Run the command again. `pi` probes the pod before it does anything.";
    TooLong, "too-long",
        "The pod answered with more data than `pi` accepts.",
        "Log in and look at what prints so much, for example a login script or a very large cache.";
    Stopped, "stopped",
        "The probe was interrupted.",
        "Run the command again.";
    Other, "other",
        "SSH failed for a reason that `pi` does not recognize. The message is ssh's own.",
        "Run the ssh line by hand with `-v` and fix what it reports.";
    NeverSeen, "never-seen",
        "`pi plan --offline` has no record of this pod.",
        "Plan without `--offline`.";
    PlannedAhead, "planned-ahead",
        "Nobody has connected to this pod yet. The plan assumes a new machine with the GPUs that `gpus` names.",
        "Nothing. `pi apply` probes the pod first and plans again for what is there.";
    NotLookedAt, "not-looked-at",
        "A part of the pod could not be examined, so what depends on it is not planned.",
        "Run the command again. If it persists, log in and run what the message names, for example `nvidia-smi` or `df`.";
    SameMachine, "same-machine",
        "Two pods of `pi.toml` are the same machine. Nothing is planned on either.",
        "Keep one of the two. Settings that must differ on one machine can differ per model.";
    Locked, "locked",
        "Somebody else is changing this pod, or left a lock behind.",
        "Wait, or pass `--lock-wait 10m`. The next apply takes over a lock that has shown no sign of life for a minute. `pi unlock` breaks one at once.";

    // whose servers
    NotOurs, "not-ours",
        "A server of another project has this name on the pod.",
        "Choose another name. If the server belongs to this project, use the `project_id` that the finding names, or pass `--take-over NAME`.";
    TakenOver, "taken-over",
        "This plan takes a server from another project, because `--take-over` names it.",
        "Nothing, if that is what you want. The other project's next plan reports it.";
    NothingToTakeOver, "nothing-to-take-over",
        "`--take-over` names a server that is this project's already, that is not there, or that could not be seen.",
        "Nothing, or pass `--take-over` again once the pod answers.";
    Renamed, "renamed",
        "Servers here were made under this `project_id`, but by a project of another name: its directory was copied, or cloned under another name. Those that `pi.toml` does not declare are left alone.",
        "In a copy, remove the `project_id` line: the next command makes a new one. In a renamed checkout, set `project` to the name that the finding shows.";
    Others, "others",
        "Servers of other projects run on this pod. `pi` leaves them alone.",
        "Nothing. If one of them belongs to this project, pass `--take-over NAME`.";
    NoProjectId, "no-project-id",
        "`pi.toml` has no `project_id`, and a project of the same name has servers on this pod. Nothing is planned.",
        "Write one of the two lines that the finding shows at the top of `pi.toml`, and commit it.";
    NameTaken, "name-taken",
        "`pi start` would replace a server of this name that `pi.toml` does not have.",
        "Pass another `--name`, or add the running server to `pi.toml` with `pi import`.";
    EngineInUse, "engine-in-use",
        "The engine would have to be rebuilt from other packages while another project's server runs from it.",
        "Agree on one set of packages, or define your own build in `[engines]`; it gets its own directory.";
    Protected, "protected",
        "The plan would stop or restart a server with `protect = true`.",
        "Pass `--allow-protected`, or remove `protect` from `pi.toml`.";
    Kept, "kept",
        "`pi destroy` keeps engines, weights, secrets or tools, because a server that is left needs them, or may: its record cannot be read.",
        "Nothing, if the server is another project's. Otherwise `pi list` shows which it is: remove it, then run `pi destroy` again.";
    NotMoved, "not-moved",
        "The server moves to another pod, but will not answer there after this plan. It stays where it is.",
        "Resolve the findings about the new pod. The next plan removes the server here once it answers there.";

    // GPUs
    WrongGpus, "wrong-gpus",
        "The pod does not have the GPUs that its `gpus` names. Nothing is started or set up there; servers can be stopped.",
        "Check that `ssh` leads to the right machine; if it does, correct `gpus`.";
    GpuBroken, "gpu-broken",
        "`nvidia-smi` fails, so nothing that needs a GPU is planned.",
        "Repair the driver; the finding has advice for the message. A reboot of the pod often helps.";
    GpuLost, "gpu-lost",
        "One GPU does not answer. Nothing is placed on it.",
        "Reboot the pod. If that does not help, ask the provider for another one.";
    GpuSplit, "gpu-split",
        "The GPU is partitioned (MIG). `pi` uses whole GPUs only.",
        "Run `nvidia-smi -mig 0` on the pod if you want `pi` to use it.";
    GpuMemoryErrors, "gpu-memory-errors",
        "The GPU has reported uncorrectable memory errors. Servers on it may crash or compute wrong results.",
        "Reboot the pod, which resets the counter. If the errors come back, ask the provider for another pod.";
    Orphan, "orphan",
        "A process whose parent is gone holds GPU memory, and it is no server of `pi`.",
        "If nobody needs it, end it with the `pi ssh` command that the finding shows.";
    NoSuchGpu, "no-such-gpu",
        "`gpus` names a GPU id that the pod does not have.",
        "Correct `gpus`; `nvidia-smi` counts from 0.";
    GpuTaken, "gpu-taken",
        "A GPU that `gpus` names has no room or cannot be used.",
        "Name other GPUs, or let the servers share it with `memory`.";
    NoFreeGpu, "no-free-gpu",
        "The pod has too few GPUs with room for this model.",
        "Ask for fewer with `gpus`, share GPUs with `memory`, or choose another pod.";
    DriverTooOld, "driver-too-old",
        "The pod's NVIDIA driver is too old for every wheel of this vLLM version.",
        "Rent a pod with a newer driver, or update this one to 580 or newer.";

    // fit
    DoesNotFit, "does-not-fit",
        "By the estimate, the model does not fit into the memory of its GPUs. It is not started.",
        "Try what the finding suggests: less `context`, more `gpus`, or a higher `memory`. `pi fit` shows each item of the estimate.";
    Tight, "tight",
        "The model may not fit: the estimate is within its margin of error.",
        "Start it, or try what the finding suggests to be safe.";
    ShortContext, "short-context",
        "`pi` chose less context than most work needs, because more does not fit.",
        "Set `context` yourself, or try what the finding suggests: more `gpus` or a higher `memory`.";
    ContextTooLong, "context-too-long",
        "The context exceeds the model's own limit. vLLM would refuse to start.",
        "Use the limit, or the way to extend it that the finding names.";

    // engines and their arguments
    OwnFlag, "own-flag",
        "`args` contains a flag that `pi` passes itself.",
        "Remove it from `args` and use the key that the finding names.";
    ArgsAgainstGpus, "args-against-gpus",
        "The parallel sizes in `args` do not multiply to the number of GPUs.",
        "Set `gpus` to match, or remove those arguments.";
    SaidTwice, "said-twice",
        "A key of `pi.toml` and an argument in `args` set the same value. The argument wins.",
        "Remove one of the two, preferably the argument: `pi` takes the key into account when it plans.";
    UnknownFlag, "unknown-flag",
        "This vLLM version does not know a flag in `args` and would not start.",
        "Correct or remove the flag, or set a `version` that knows it.";
    NoDrain, "no-drain",
        "This vLLM version cannot finish the requests that it is answering when it is stopped: they are cut off.",
        "Use vLLM 0.18.0 or later, or set `drain = \"0s\"` if that does not matter.";
    EngineTooOld, "engine-too-old",
        "The catalog knows that the model needs a newer vLLM.",
        "Remove `version`, or set a newer one.";
    NoCodeForGpu, "no-code-for-gpu",
        "This vLLM version has no code for the pod's GPUs. llama.cpp does.",
        "Use a `.gguf` file, or a pod with newer GPUs.";
    TooFewGpus, "too-few-gpus",
        "More GPUs are asked for than the pod has.",
        "Ask for fewer with `gpus`.";
    Indivisible, "indivisible",
        "The model's attention heads cannot be divided by this number of GPUs. vLLM would refuse to start.",
        "Choose another number with `gpus`, or another `--tensor-parallel-size`.";
    ArgsAgainstRecipe, "args-against-recipe",
        "`args` contradicts the catalog. `args` wins.",
        "Nothing, if you mean it. Otherwise remove the argument.";
    EnvAgainstRecipe, "env-against-recipe",
        "`env` contradicts the catalog. `env` wins.",
        "Nothing, if you mean it. Otherwise remove the variable.";
    Recipe, "recipe",
        "A remark from the catalog about this model on these GPUs.",
        "Read it; there is nothing to fix.";
    BadVersion, "bad-version",
        "The engine's version is not a usable name.",
        "Write a version such as `0.32.0`.";
    NoNightly, "no-nightly",
        "llama.cpp has no nightly wheel.",
        "Remove `version`, or set an exact version of xllamacpp.";
    MissingPrograms, "missing-programs",
        "vLLM needs a program that the pod does not have, and `pi` cannot install it there.",
        "Install it on the pod, or choose an image that has it.";

    // the hub and the weights
    NoSuchRepo, "no-such-repo",
        "The Hugging Face hub has no such repository, or the token may not see it.",
        "Check the name. A private repository needs a token of its owner in `hf_token`.";
    NoSuchRevision, "no-such-revision",
        "The repository has no such branch, tag or commit.",
        "Correct the part after `@`; the finding links to the list.";
    NoSuchFile, "no-such-file",
        "The repository has no such file.",
        "Correct the part after `:`; the finding lists similar files.";
    NeedsToken, "needs-token",
        "The repository is gated, and no `hf_token` is set.",
        "Request access on the model's page, then set `HF_TOKEN` or `hf_token` in `[secrets]`.";
    NoAccess, "no-access",
        "The repository is gated, and this `hf_token` has no access.",
        "Request access on the model's page with the account of the token.";
    BadToken, "bad-token",
        "The hub rejects `hf_token`.",
        "Create a new one at <https://huggingface.co/settings/tokens>. Public models need none.";
    NotSeen, "not-seen",
        "This machine has no token for the repository; the pod has one. Size and access are unknown.",
        "Nothing. The pod tries the download with its own token.";
    HubNotAsked, "hub-not-asked",
        "The hub was not asked, so the size of the download and access to it are unknown.",
        "Nothing. Unset `HF_HUB_OFFLINE` to know them.";
    HubNotReached, "hub-not-reached",
        "This machine cannot reach the hub.",
        "Check the network. `pi apply` lets the pod try, which may have its own way there.";
    HubFailed, "hub-failed",
        "The hub answered with an error.",
        "Plan again later.";
    MovedOn, "moved-on",
        "The repository has a newer commit. The pod keeps the one it has.",
        "Nothing, to stay. To update, use one of the two `model` values that the finding shows.";
    NoModelPath, "no-model-path",
        "`model` is a path, and the pod has nothing there.",
        "Copy the weights there, or name a repository of the hub.";
    NotAGguf, "not-a-gguf",
        "llama.cpp serves a single `.gguf` file, and `model` names no such file.",
        "Write `owner/name:file.gguf` or the path of a `.gguf` file.";
    NoSpace, "no-space",
        "The disk has too little room for an engine or for weights.",
        "Free some space, or let `pi_path` (engines) or `models_path` (weights) name a larger disk.";
    OtherMount, "other-mount",
        "Something other than the storage in `mount` is mounted at its target. `pi` uses what is there.",
        "Unmount it; the next plan mounts what `pi.toml` says.";

    // ports, secrets, and how servers were
    PortTaken, "port-taken",
        "Another server or process listens on the port that `port` sets.",
        "Remove `port`, so that `pi` chooses a free one, or end that process.";
    NoFreePort, "no-free-port",
        "No port from 8001 upward is free.",
        "Set `port`.";
    PortMoved, "port-moved",
        "The server gets another port than the one its clients know.",
        "Point the clients at the new address (`pi env`, `pi list`), or set `port` to keep the old one.";
    PortNotMapped, "port-not-mapped",
        "The provider does not map this port to the outside.",
        "Use `pi tunnel NAME`, or set `port` to one of the mapped ports.";
    PlainHttp, "plain-http",
        "Clients send the API key to these servers over plain HTTP.",
        "Set `listen = \"127.0.0.1\"` and use `pi tunnel`, or put TLS in front. `listen = \"0.0.0.0\"` states that it is intended.";
    MissingSecret, "missing-secret",
        "A secret is set neither on this machine nor on the pod.",
        "Set it as the finding says. A server that others can reach does not start without `api_key`.";
    FailedBefore, "failed-before",
        "The same configuration has failed to start before. `pi` tries it again.",
        "Read the cause in the finding, or the log with `pi logs NAME`.";
    Restarted, "restarted",
        "The server ended with an error, and the pod restarted it or gave up.",
        "`pi logs NAME` shows why it ended.";
}

impl Code {
    /// The code with this text. The codes of unreachable pods come from below as text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_there_once() {
        let texts: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
    }

    #[test]
    fn every_code_of_a_pod_that_does_not_answer_is_one() {
        let source = include_str!("../../remote/error.rs");
        let arms = source.split("pub fn code").nth(1).unwrap().split("pub fn help").next().unwrap();
        let texts: Vec<&str> =
            arms.split("=> \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(texts.len() > 10, "{texts:?}");
        for text in texts {
            assert!(Code::parse(text).is_some(), "{text}");
        }
    }
}
