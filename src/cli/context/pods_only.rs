//! What verbs share that only reach pods: no secrets are read for them.

use crate::cli::context::flags::Global;
use crate::cli::context::manifest_path::{config_dir, load_manifest};
use crate::cli::context::place::Places;
use crate::cli::context::scope;
use crate::manifest::Manifest;
use crate::memory::{Memory, Store};
use crate::plan::Scope;
use crate::remote::{Options, Persist, PodConnections};
use miette::Result;

/// The manifest, what is remembered, and the door.
pub(in crate::cli) struct PodsOnly {
    pub(in crate::cli) manifest: Manifest,
    pub(in crate::cli) memory: Memory,
    pub(in crate::cli) remote: PodConnections,
    scope: Scope,
}

impl PodsOnly {
    pub(in crate::cli) fn open(global: &Global) -> Result<Self> {
        let manifest = load_manifest(global.manifest.as_deref())?;
        let memory = Store::new(&config_dir()?, &manifest).read()?;
        let scope = scope::scope(&manifest, global.pod.as_deref(), &[])?;
        let persist = if global.no_persist { Persist::No } else { Persist::Yes };
        let remote = PodConnections::new(&manifest, Options { persist, ..Options::default() });
        Ok(Self { manifest, memory, remote, scope })
    }

    /// Where names of servers are looked up.
    pub(in crate::cli) fn places(&self) -> Places<'_> {
        Places { manifest: &self.manifest, memory: &self.memory, scope: &self.scope }
    }
}
