//! What a look at a pod says by itself: what could not be seen, and GPUs that are not as they should be.

use crate::catalog::gpus::is_kind;
use crate::observe::{Gpu, GpuProcess, GpuSight, Life, LockSeen, ProbeFailure, Restarts, ServerSeen};
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::view::gpus_in_words;
use crate::plan::usage::gpus::unusable;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Seconds without a heartbeat (one every 5) after which a lock counts as forgotten.
pub const LOCK_EXPIRY: u64 = 60;

/// Parts that could not be looked at. What depends on them is not planned, which is told by itself.
pub(in crate::plan) fn gaps(site: &PodContext<'_>) -> Vec<Finding> {
    let gaps = site.facts.gaps.iter();
    gaps.map(|ProbeFailure { section, why }| {
        let message = format!("{section} could not be looked at: {why}");
        Finding::on(Severity::Warning, Code::NotLookedAt, site.name, message)
    })
    .collect()
}

/// Somebody is changing the pod.
pub(in crate::plan) fn locked(site: &PodContext<'_>) -> Option<Finding> {
    let LockSeen { who, project, since, idle, token: _ } = site.facts.lock.as_ref()?;
    let since = i64::try_from(*since).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
    let who = if who.is_empty() { "somebody" } else { who };
    let project = if project.is_empty() { String::new() } else { format!(" (project {project})") };
    let (message, help) = if *idle > LOCK_EXPIRY {
        let message = format!("{who} left a lock here{since}{project}, without a sign of life");
        (message, "the next apply takes it over")
    } else {
        let message = format!("{who} is changing this pod{since}{project}");
        (
            message,
            "what is planned may be done already: --lock-wait 10m, where changes are made, waits for them",
        )
    };
    Some(Finding::on(Severity::Note, Code::Locked, site.name, message).help(help))
}

/// Servers that ended by themselves and were started again on the pod.
pub(in crate::plan) fn restarted(site: &PodContext<'_>) -> Vec<Finding> {
    let told = site.own_servers().filter_map(|(name, seen)| {
        let Restarts { count, code, given_up } = seen.past.restarts.as_ref()?;
        let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
        let message = if *given_up {
            format!("it was started again {times}, ended with exit code {code} once more, and was given up")
        } else {
            format!("it ended with exit code {code}, and was started again {times} so far")
        };
        let help = format!("`pi logs {name}` tells why");
        Some(Finding::on(Severity::Warning, Code::Restarted, site.name, message).of(name).help(help))
    });
    told.collect()
}

/// The pod has other GPUs than `gpus` says: nothing is started or set up there.
pub(in crate::plan) fn wrong_gpus(site: &PodContext<'_>) -> Option<Finding> {
    let wish = site.pod.gpus.as_ref()?;
    let found = match &site.facts.gpus {
        GpuSight::Found { gpus, .. } => {
            // one that does not answer has no name: it is counted, and told of by itself
            let right = |gpu: &&Gpu| gpu.fault.is_some() || is_kind(&gpu.name, gpu.memory_mib, &wish.kind);
            let count = gpus.iter().filter(right).count();
            if count == gpus.len() && usize::try_from(wish.count).is_ok_and(|wished| wished == count) {
                return None;
            }
            gpus_in_words(gpus.iter().map(|gpu| gpu.name.as_str()))
        }
        GpuSight::None => "no GPU".to_owned(),
        GpuSight::Broken { message, .. } => format!("no nvidia-smi that works: {message}"),
    };
    let message = format!("pi.toml says {}x{}, the pod has {found}", wish.count, wish.kind);
    let help = "is it the right machine? if so, correct `gpus`";
    Some(Finding::on(Severity::Error, Code::WrongGpus, site.name, message).help(help))
}

/// What hinders all that wants a GPU: the driver as a whole, or single ones that nothing can be placed on.
pub(in crate::plan) fn odd_gpus(site: &PodContext<'_>) -> Vec<Finding> {
    match &site.facts.gpus {
        GpuSight::None => Vec::new(),
        GpuSight::Broken { message, .. } => {
            let help = repair(message);
            let message = format!("nvidia-smi fails: {message}");
            vec![Finding::on(Severity::Warning, Code::GpuBroken, site.name, message).help(help)]
        }
        GpuSight::Found { gpus, .. } => {
            let odd = |gpu| [odd_gpu(site, gpu), worn_gpu(site, gpu)];
            gpus.iter().flat_map(odd).flatten().collect()
        }
    }
}

/// What nvidia-smi says of a driver that does not work, and what to do about that.
const REPAIRS: [(&str, &str); 4] = [
    (
        "version mismatch",
        "the driver was updated while it ran: reboot the pod; where it is the host's, only the provider can",
    ),
    (
        "No devices were found",
        "the driver runs and has no GPU: reboot the pod; if that does not help, ask for another one",
    ),
    (
        "Unknown Error",
        "a container that has lost its GPUs: restart it; if that does not help, ask for another pod",
    ),
    (
        "couldn't communicate",
        "the driver is not loaded: reboot the pod; if that does not help, install it for this kernel",
    ),
];

/// What to do where nvidia-smi fails with these words.
#[must_use]
pub fn repair(message: &str) -> &'static str {
    let known = REPAIRS.iter().find(|(words, _)| message.contains(words));
    known.map_or("repair the driver: often a reboot of the pod does it", |(_, help)| help)
}

/// Errors of its memory that could not be corrected: what uses it gets wrong numbers or dies.
fn worn_gpu(site: &PodContext<'_>, gpu: &Gpu) -> Option<Finding> {
    let count = gpu.ecc_errors.filter(|count| *count > 0)?;
    let errors = if count == 1 { "an error" } else { "errors" };
    let message =
        format!("GPU {} had {errors} in its memory that could not be corrected ({count})", gpu.index);
    let help = "a reboot of the pod resets it; if they come back, ask for another one";
    Some(Finding::on(Severity::Warning, Code::GpuMemoryErrors, site.name, message).help(help))
}

fn odd_gpu(site: &PodContext<'_>, gpu: &Gpu) -> Option<Finding> {
    let (severity, code, help) = match &gpu.fault {
        Some(_) => {
            (Severity::Warning, Code::GpuLost, "reboot the pod; if that does not help, ask for another one")
        }
        None => {
            (Severity::Note, Code::GpuSplit, "pi uses whole GPUs: `nvidia-smi -mig 0` makes it one again")
        }
    };
    let message = format!("GPU {} {}", gpu.index, unusable(gpu)?);
    Some(Finding::on(severity, code, site.name, message).help(help))
}

/// Processes that hold GPU memory, are no server of pi's, and whose parent is gone: nobody may be using them.
pub(in crate::plan) fn orphans(site: &PodContext<'_>) -> Vec<Finding> {
    let mut found: BTreeMap<u32, (&str, Vec<String>)> = BTreeMap::new();
    for process in
        site.facts.gpu_processes.seen().into_iter().flatten().filter(|process| is_orphan(site, process))
    {
        let gpu = match &site.facts.gpus {
            GpuSight::Found { gpus, .. } => gpus.iter().find(|gpu| gpu.uuid == process.gpu_uuid),
            GpuSight::None | GpuSight::Broken { .. } => None,
        };
        let much = process.used_mib.map_or_else(|| "memory".to_owned(), gib);
        let which = gpu.map_or_else(|| process.gpu_uuid.clone(), |gpu| gpu.index.to_string());
        let (_, parts) = found.entry(process.pid).or_insert_with(|| (&process.command, Vec::new()));
        parts.push(format!("{much} on GPU {which}"));
    }
    let told = |(pid, (command, parts)): (u32, (&str, Vec<String>))| {
        let holds = parts.join(", ");
        let message = format!("`{command}` (PID {pid}) is orphaned and holds {holds}");
        let help = format!("what started it is gone; if nobody needs it: pi ssh {} -- kill {pid}", site.name);
        Finding::on(Severity::Warning, Code::Orphan, site.name, message).help(help)
    };
    found.into_iter().map(told).collect()
}

/// MiB as `71.2 GiB`.
fn gib(mib: u64) -> String {
    let tenths = mib * 10 / 1024;
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

/// Whether what started it is gone: it has become a child of PID 1, in a session that somebody else began.
fn is_orphan(site: &PodContext<'_>, process: &GpuProcess) -> bool {
    let GpuProcess { pid, parent, session, .. } = process;
    let of_pi = |seen: &ServerSeen| match &seen.life {
        Life::Running { pid, .. } => pid == session,
        Life::Dead { left } => left.contains(&process.pid),
        Life::Stopped => false,
    };
    *parent == 1
        && *session != 0
        && session != pid
        && !site.facts.servers.values().flat_map(ServerSeen::both).any(of_pi)
}

#[cfg(test)]
mod tests {
    use super::repair;

    #[test]
    fn each_way_in_which_nvidia_smi_fails_has_its_remedy() {
        // as tests/podlab/fixtures have them
        let table = [
            (
                "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.140",
                "updated",
            ),
            ("No devices were found", "has no GPU"),
            ("Failed to initialize NVML: Unknown Error", "a container that has lost its GPUs"),
            ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "not loaded"),
            ("Failed to initialize NVML: Insufficient Permissions", "repair the driver"),
        ];
        for (message, expected) in table {
            assert!(repair(message).contains(expected), "{message}: {}", repair(message));
        }
    }
}
