//! Engine versions: which there are, which one pi is tested with, what their wheels are built against.
//!
//! In: `data/engines.toml`. Out: [`release`], [`resolve`], [`wheel_facts`].

use super::version::Version;
use crate::manifest::EngineVersion;
use crate::units::Bytes;
use serde::Deserialize;
use std::sync::LazyLock;

/// One release of vLLM.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Vllm {
    /// `0.32.0`
    pub version: String,
    /// When it came out on PyPI: `2026-10-18`.
    pub date: String,
    /// What only the `x.y.0` releases were read for; patch releases share it with theirs.
    #[serde(flatten)]
    pub wheel: Option<WheelFacts>,
}

/// What the wheel on PyPI is built against.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct WheelFacts {
    /// The torch it pins.
    pub torch: String,
    /// The CUDA of the PyPI wheel: `13.0`.
    pub cuda: String,
    /// Python versions it takes, as PEP 440: `<3.15,>=3.11`.
    pub python: String,
    /// The oldest driver branch the PyPI wheel runs on.
    pub driver: u32,
    /// Its default share of GPU memory (0.9 before 0.20, 0.92 since).
    pub memory: f64,
    /// Decimal MB of the wheel itself, without what it depends on.
    pub wheel_mb: u32,
    /// Decimal MB of the wheel and all that it depends on, where that was summed up.
    pub all_mb: Option<u32>,
}

/// Bytes that an engine takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// To download, where nothing of it is on the pod yet.
    pub download: Bytes,
    /// On the disk: what was unpacked; its downloads are not kept.
    pub disk: Bytes,
}

#[derive(Deserialize)]
struct File {
    vllm: VllmFile,
    llamacpp: LlamaCpp,
}

#[derive(Deserialize)]
struct VllmFile {
    release: String,
    version: Vec<Vllm>,
}

/// The llama.cpp server pi installs where none is on the pod's PATH.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LlamaCpp {
    /// The package on PyPI.
    pub package: String,
    /// The version pi is tested with.
    pub release: String,
}

// a test reads the embedded file, so that it can't be broken for a user
static FILE: LazyLock<Option<File>> =
    LazyLock::new(|| toml::from_str(include_str!("../../data/engines.toml")).ok());

/// The vLLM pi is tested with, which `version = "release"` means.
#[must_use]
pub fn release() -> &'static str {
    FILE.as_ref().map_or("0.32.0", |file| &file.vllm.release)
}

/// The llama.cpp server pi is tested with.
#[must_use]
pub fn llama_cpp() -> Option<&'static LlamaCpp> {
    FILE.as_ref().map(|file| &file.llamacpp)
}

/// The version of the prebuilt llama.cpp server that `version = "release"` means.
#[must_use]
pub fn llama_cpp_release() -> &'static str {
    llama_cpp().map_or("2026.10.11549", |engine| &engine.release)
}

/// Every vLLM release known, oldest first.
#[must_use]
pub fn vllm_versions() -> &'static [Vllm] {
    FILE.as_ref().map_or(&[], |file| &file.vllm.version)
}

/// Which vLLM a manifest's version means. A nightly build counts as the newest known release, an unreadable one as
/// the tested one.
#[must_use]
pub fn resolve(version: &EngineVersion) -> Version {
    let text = match version {
        EngineVersion::Release => release(),
        EngineVersion::Nightly => vllm_versions().last().map_or(release(), |newest| &newest.version),
        EngineVersion::Exact(text) => text,
    };
    Version::parse(text).or_else(|| Version::parse(release())).unwrap_or_else(|| Version::from_minor(0, 32))
}

/// What the wheel of a version is built against: its own facts, else those of the nearest older release.
#[must_use]
pub fn wheel_facts(version: &Version) -> Option<&'static WheelFacts> {
    WHEELS.iter().rev().find(|(of, _)| of <= version).map(|(_, facts)| *facts)
}

/// What each release's wheel is built against, as far as that was read; oldest first.
static WHEELS: LazyLock<Vec<(Version, &'static WheelFacts)>> = LazyLock::new(|| {
    let known = |vllm: &'static Vllm| Some((Version::parse(&vllm.version)?, vllm.wheel.as_ref()?));
    vllm_versions().iter().filter_map(known).collect()
});

/// Bytes on the disk for a hundred downloaded (`data/engines.toml`: 8.5 GB of 4.04, 10.6 of 5.17).
const UNPACKED_PERCENT: u64 = 210;

/// How large a vLLM from PyPI is with all that it needs: as summed up for it, else for the nearest older release.
#[must_use]
pub fn size(version: &Version) -> Option<Size> {
    let older = WHEELS.iter().rev().filter(|(of, _)| of <= version);
    older.filter_map(|(_, wheel)| wheel.all_mb).map(unpacked).next()
}

/// The same for the `+cu129` builds, which are not on PyPI: CUDA 12 has hardly changed in size since 0.12, so it is
/// that of the last one that is.
#[must_use]
pub fn cuda_12_size() -> Option<Size> {
    let wheels = vllm_versions().iter().filter_map(|vllm| vllm.wheel.as_ref());
    let cuda_12 = wheels.filter(|wheel| wheel.cuda.starts_with("12."));
    cuda_12.filter_map(|wheel| wheel.all_mb).next_back().map(unpacked)
}

fn unpacked(mb: u32) -> Size {
    let download = u64::from(mb) * 1_000_000;
    Size { download: Bytes(download), disk: Bytes(download * UNPACKED_PERCENT / 100) }
}

/// Share of GPU memory a version takes when nothing is said.
#[must_use]
pub fn default_memory(version: &Version) -> f64 {
    wheel_facts(version).map_or(0.9, |facts| facts.memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn the_embedded_file_is_whole_and_in_order() {
        let file: File = toml::from_str(include_str!("../../data/engines.toml")).unwrap();
        let versions: Vec<_> = file.vllm.version.iter().map(|v| version(&v.version)).collect();
        assert!(versions.is_sorted() && versions.len() == 39);
        assert!(versions.contains(&version(&file.vllm.release)));
        assert_eq!(file.vllm.version.iter().filter(|v| v.wheel.is_some()).count(), 27);
        assert_eq!(file.llamacpp.package, "xllamacpp");
        assert_eq!(release(), "0.32.0");
    }

    #[test]
    fn a_version_is_as_large_as_the_nearest_older_one_that_was_summed_up() {
        let told = |text| size(&version(text)).map(|size| (size.download.to_string(), size.disk.to_string()));
        let of = |download: &str, disk: &str| Some((download.to_owned(), disk.to_owned()));
        assert_eq!(told("0.32.0"), of("4.0 GB", "8.3 GB"));
        assert_eq!(told("0.31.1"), of("3.9 GB", "8.3 GB"));
        assert_eq!(told("0.19.1"), of("5.2 GB", "10.9 GB"));
        assert_eq!(told("0.11.0"), None);
    }

    #[test]
    fn versions_are_resolved_and_have_their_defaults() {
        assert_eq!(resolve(&EngineVersion::Release), version("0.32.0"));
        assert_eq!(resolve(&EngineVersion::Nightly), version("0.33.0"));
        assert_eq!(resolve(&EngineVersion::Exact("0.19.1".to_owned())), version("0.19.1"));
        assert!((default_memory(&version("0.19.1")) - 0.9).abs() < 1e-9);
        assert!((default_memory(&version("0.32.0")) - 0.92).abs() < 1e-9);
    }
}
