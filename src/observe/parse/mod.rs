//! In: the text a probe printed. Out: [`PodFacts`], or [`Blind`] where it does not tell what runs on the pod. Pure; a
//! section without its last record is [`Part::Unknown`], a record that cannot be read is a [`ProbeFailure`], a record that is not
//! known is one of a newer probe and is passed over.

mod records;
mod host;
mod disks;
mod gpu_row;
mod gpus;
mod processes;
mod servers;
mod files;
mod cache;
mod home;

use super::facts::{PodFacts, ProbeFailure};
use crate::name::{Project, ProjectId, SecretName};
use crate::observe::facts::Section;
use crate::spec::full_digest;
use records::Records;
use std::collections::BTreeMap;
use thiserror::Error;

/// This machine's secrets, as far as they can be compared with a pod's without showing them.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// What `salted` made of each secret that could be read here, with the salt the probe was given.
    pub digests: BTreeMap<SecretName, String>,
    /// The project that looks, its id and its name: which servers are its own.
    pub project: Option<(ProjectId, Project)>,
}

/// What a probe prints in place of a secret: the SHA-256 of salt and value, in hex.
#[must_use]
pub fn salted(salt: &str, value: &str) -> String {
    full_digest(&format!("{salt}{value}"))
}

/// Why it can't be told what pi has started on a pod: then there are no [`PodFacts`] of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("its servers could not be looked at: {0}")]
pub struct Blind(pub String);

/// Reads what a probe printed. Beside the pod's servers, which must be known, each part may be unknown.
pub fn read(text: &str, expect: &Expect) -> Result<PodFacts, Blind> {
    let records = Records::of(text);
    if let Some(why) = [Section::Host, Section::Home].into_iter().find_map(|section| records.torn(section)) {
        return Err(Blind(why));
    }
    let mut gaps = records.gaps();
    let pi_path = records.value("path", "pi");
    let models_path = records.value("path", "models");
    let pi_inode = records.value("path", "pi_inode");
    let host = host::host(&records);
    let paths = [pi_path.as_str(), &models_path, "/dev/shm", "/tmp"];
    let gaps_of = &mut gaps;
    Ok(PodFacts {
        disks: records.part(Section::Disks, gaps_of, |records, gaps| disks::disks(records, &paths, gaps)),
        mounts: records.part(Section::Mounts, gaps_of, disks::mounts),
        gpus: gpus::gpus(&records, &host),
        gpu_processes: records.part(Section::GpuProcesses, gaps_of, gpus::gpu_processes),
        listeners: records.part(Section::Processes, gaps_of, processes::listeners),
        provider: records.part(Section::Processes, gaps_of, |records, _| home::provider(records)),
        servers: servers::servers(&records, expect, gaps_of)?,
        engines: home::engines(&records, gaps_of),
        programs: records.part(Section::Programs, gaps_of, |records, _| home::programs(records)),
        cache: records
            .part(Section::Weights, gaps_of, |records, gaps| cache::cache(records, &models_path, gaps)),
        model_paths: records.part(Section::Weights, gaps_of, |records, _| files::model_paths(records)),
        secrets: records
            .part(Section::Secrets, gaps_of, |records, gaps| home::secrets(records, expect, gaps)),
        download_rate: home::download_rate(&records),
        rest: home::rest(&records),
        lock: home::lock(&records, gaps_of),
        host,
        pi_path,
        pi_inode,
        models_path,
        gaps,
    })
}

/// The text without what a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    records::clean(text)
}
