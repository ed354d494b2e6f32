//! What a pod's own package manager has to bring before an engine can be built and started: a C compiler, with which
//! vLLM's kernels are built when they are first used, and something to get uv with.

use crate::observe::RootBy;
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::pod_plan::Unnumbered;
use crate::plan::model::reason::Reason;
use crate::plan::model::step::{Action, Packages};

/// A package manager, and which packages of its bring a compiler and curl.
struct Manager {
    name: &'static str,
    gcc: &'static [&'static str],
    curl: &'static [&'static str],
}

const MANAGERS: [Manager; 3] = [
    Manager { name: "apt-get", gcc: &["gcc", "libc6-dev"], curl: &["curl", "ca-certificates"] },
    Manager { name: "dnf", gcc: &["gcc"], curl: &["curl"] },
    Manager { name: "apk", gcc: &["gcc", "musl-dev"], curl: &["curl"] },
];

/// Whether an engine has to be built, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plan) enum Build {
    Engine,
    Nothing,
}

impl Build {
    /// By the steps that build engines.
    pub(in crate::plan) fn of(engines: &[Unnumbered]) -> Self {
        if engines.is_empty() { Self::Nothing } else { Self::Engine }
    }
}

/// The step that brings what vLLM on a GPU needs and the pod has not; or what is to be said where pi can't do that.
pub(in crate::plan) fn packages(site: &PodContext<'_>, build: Build) -> Result<Option<Unnumbered>, Finding> {
    let Some(there) = site.facts.programs.seen() else { return Ok(None) };
    let has = |program: &&str| there.contains_key(*program);
    let mut programs: Vec<&'static str> = Vec::new();
    programs.extend(Some("gcc").filter(|program| !has(program)));
    // one of these is enough to get uv
    let ways = ["uv", "curl", "wget", "python3"];
    programs.extend(Some("curl").filter(|_| build == Build::Engine && !ways.iter().any(has)));
    if programs.is_empty() {
        return Ok(None);
    }
    let manager = MANAGERS.iter().find(|manager| has(&manager.name));
    let Some(Manager { name, gcc, curl }) = manager.filter(|_| site.facts.host.root != RootBy::No) else {
        return Err(out_of_reach(site, &programs));
    };
    let of = |program: &&'static str| if *program == "gcc" { gcc.iter() } else { curl.iter() };
    let names: Vec<&'static str> = programs.iter().flat_map(of).copied().collect();
    let reason = if names.len() == 1 { Reason::Missing } else { Reason::MissingAll };
    let action = Action::InstallPackages(Packages { manager: name, names, programs });
    Ok(Some(Unnumbered::new(action, reason)))
}

fn out_of_reach(site: &PodContext<'_>, programs: &[&str]) -> Finding {
    let what = programs.join(" and ");
    let why = match site.facts.host.root {
        RootBy::No => "pi is not root there, and `sudo -n` does not work",
        RootBy::Login | RootBy::Sudo => "the pod has neither apt-get nor dnf nor apk",
    };
    let message = format!("vLLM needs {what}, which the pod has not; {why}");
    Finding::on(Severity::Warning, Code::MissingPrograms, site.name, message)
        .help(format!("install {what} there, or take an image that has it"))
}
