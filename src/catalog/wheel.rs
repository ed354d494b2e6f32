//! Which wheel of vLLM suits a machine.
//!
//! In: the version that a manifest asks for, and the driver. Out: a [`Wheel`], as uv is asked for it.

use super::engines;
use super::version::Version;
use crate::manifest::EngineVersion;
use thiserror::Error;

/// vLLM's own wheels: one directory per version, one below it per variant.
const INDEX: &str = "https://wheels.vllm.ai";
/// The oldest driver branch that runs any CUDA 12 wheel (NVIDIA's minor-version compatibility of CUDA 12).
const CUDA_12_DRIVER: u32 = 525;

/// For what machine a wheel is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine<'a> {
    /// Without a GPU, or not to use it.
    Cpu,
    /// With this NVIDIA driver: `580.95.05`.
    Nvidia(&'a str),
}

/// How a vLLM is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wheel {
    /// What uv is asked for: `vllm==0.32.0`, `vllm==0.32.0+cu129`.
    pub requirement: String,
    /// The package index to ask before PyPI.
    pub index: Option<String>,
    /// uv's `--torch-backend`: `cu129`.
    pub torch_backend: Option<&'static str>,
    /// What tells its environment from others: `0.32.0`, `0.32.0-cpu`, `nightly-cu129`.
    pub name: String,
}

/// Why no wheel of a vLLM runs on a driver.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("vLLM {version} needs NVIDIA driver {needed} or newer, the pod has {driver}")]
pub struct TooOld {
    /// The vLLM that was asked for.
    pub version: String,
    /// The driver.
    pub driver: String,
    /// The oldest branch that would do.
    pub needed: u32,
}

enum Variant {
    /// PyPI's own.
    Plain,
    Cpu,
    Cuda129,
}

/// The wheel of a version for a machine.
///
/// The PyPI wheels are CUDA 13 since 0.20.0 and want driver 580; drivers 525 to 579 take `+cu129` from vLLM's own index,
/// where torch has to be told too: the automatic choice (`--torch-backend=auto`) moves torch alone and ends in a
/// missing libcudart. A nightly has no number, so its environment is named by its variant.
pub fn wheel(wanted: &EngineVersion, machine: Machine<'_>) -> Result<Wheel, TooOld> {
    let version = match wanted {
        EngineVersion::Release => engines::release(),
        EngineVersion::Exact(version) => version,
        EngineVersion::Nightly => "nightly",
    };
    let (local, torch_backend) = match variant(wanted, version, machine)? {
        Variant::Cpu => ("cpu", Some("cpu")),
        Variant::Cuda129 => ("cu129", Some("cu129")),
        Variant::Plain if *wanted == EngineVersion::Nightly => ("cu130", None),
        Variant::Plain => ("", None),
    };
    let index = (!local.is_empty()).then(|| format!("{INDEX}/{version}/{local}"));
    let (requirement, name) = match (wanted, local) {
        (EngineVersion::Nightly, local) => ("vllm".to_owned(), format!("nightly-{local}")),
        (_, "") => (format!("vllm=={version}"), version.to_owned()),
        (_, "cpu") => (format!("vllm=={version}+cpu"), format!("{version}-cpu")),
        (_, local) => (format!("vllm=={version}+{local}"), version.to_owned()),
    };
    Ok(Wheel { requirement, index, torch_backend, name })
}

fn variant(wanted: &EngineVersion, version: &str, machine: Machine<'_>) -> Result<Variant, TooOld> {
    let Machine::Nvidia(driver) = machine else { return Ok(Variant::Cpu) };
    let needed = engines::wheel_facts(&engines::resolve(wanted)).map_or(580, |facts| facts.driver);
    match Version::parse(driver).map_or(0, |driver| driver.minor().0) {
        branch if branch >= needed => Ok(Variant::Plain),
        CUDA_12_DRIVER.. => Ok(Variant::Cuda129),
        _ => {
            let (version, driver) = (version.to_owned(), driver.to_owned());
            Err(TooOld { version, driver, needed: CUDA_12_DRIVER })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wheel_follows_the_driver() {
        let exact = |version: &str| EngineVersion::Exact(version.to_owned());
        let shown = |version: EngineVersion, machine| match wheel(&version, machine) {
            Ok(Wheel { requirement, index, torch_backend, name }) => {
                let index = index.map(|index| index.replace(INDEX, "")).unwrap_or_default();
                format!("{name}: {requirement} {index} {}", torch_backend.unwrap_or_default())
            }
            Err(why) => why.to_string(),
        };
        let nvidia = Machine::Nvidia;
        let cu129 = "0.32.0: vllm==0.32.0+cu129 /0.32.0/cu129 cu129";
        let table = [
            (exact("0.32.0"), nvidia("580.95.05"), "0.32.0: vllm==0.32.0  "),
            (EngineVersion::Release, nvidia("590.1"), "0.32.0: vllm==0.32.0  "),
            (exact("0.32.0"), nvidia("579.99"), cu129),
            (exact("0.32.0"), nvidia("535.183.01"), cu129),
            (exact("0.32.0"), nvidia("525.60"), cu129),
            (
                exact("0.32.0"),
                nvidia("470.256"),
                "vLLM 0.32.0 needs NVIDIA driver 525 or newer, the pod has 470.256",
            ),
            (exact("0.32.0"), Machine::Cpu, "0.32.0-cpu: vllm==0.32.0+cpu /0.32.0/cpu cpu"),
            // CUDA 12 on PyPI until 0.19
            (exact("0.19.1"), nvidia("535.183.01"), "0.19.1: vllm==0.19.1  "),
            // newer than any that was read
            (exact("0.40.0rc1"), nvidia("570.1"), "0.40.0rc1: vllm==0.40.0rc1+cu129 /0.40.0rc1/cu129 cu129"),
            (EngineVersion::Nightly, nvidia("580.1"), "nightly-cu130: vllm /nightly/cu130 "),
            (EngineVersion::Nightly, nvidia("570.1"), "nightly-cu129: vllm /nightly/cu129 cu129"),
            (EngineVersion::Nightly, Machine::Cpu, "nightly-cpu: vllm /nightly/cpu cpu"),
        ];
        for (version, machine, expected) in table {
            assert_eq!(shown(version, machine), expected);
        }
    }
}
