//! In: the text a probe printed. Out: [`PodFacts`]. Pure; a record that cannot be read is a [`Gap`], a record
//! that is not known is one of a newer probe and is passed over.

mod records;
mod host;
mod disks;
mod gpus;
mod processes;
mod servers;
mod files;
mod cache;
mod home;

use super::facts::{Gap, PodFacts};
use crate::name::SecretName;
use crate::spec::full_digest;
use records::Records;
use std::collections::BTreeMap;

/// This machine's secrets, as far as they can be compared with a pod's without showing them.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// What `salted` made of each secret that could be read here, with the salt the probe was given.
    pub digests: BTreeMap<SecretName, String>,
}

/// What a probe prints in place of a secret: the SHA-256 of salt and value, in hex.
#[must_use]
pub fn salted(salt: &str, value: &str) -> String {
    full_digest(&format!("{salt}{value}"))
}

/// Reads what a probe printed. Never fails: the worst is an empty [`PodFacts`] with a gap that says so.
#[must_use]
pub fn read(text: &str, expect: &Expect) -> PodFacts {
    let records = Records::of(text);
    let mut gaps = records.gaps();
    let pi_path = records.value("path", "pi");
    let models_path = records.value("path", "models");
    PodFacts {
        host: host::host(&records),
        disks: disks::disks(&records, &[&pi_path, &models_path, "/dev/shm", "/tmp"], &mut gaps),
        mounts: disks::mounts(&records, &mut gaps),
        gpus: gpus::gpus(&records),
        gpu_processes: gpus::gpu_processes(&records, &mut gaps),
        listeners: processes::listeners(&records, &mut gaps),
        servers: servers::servers(&records, expect, &mut gaps),
        engines: home::engines(&records, &mut gaps),
        download_rate: home::download_rate(&records),
        rest: home::rest(&records),
        programs: home::programs(&records),
        cache: cache::cache(&records, &models_path, &mut gaps),
        model_paths: files::model_paths(&records),
        secrets: home::secrets(&records, expect, &mut gaps),
        lock: home::lock(&records, &mut gaps),
        provider: home::provider(&records),
        pi_path,
        models_path,
        gaps,
    }
}

/// The text without what a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    records::clean(text)
}

/// A part that could not be looked at.
fn gap(section: &str, why: &str) -> Gap {
    Gap { section: section.to_owned(), why: why.to_owned() }
}
