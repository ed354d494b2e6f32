//! GPUs: what `nvidia-smi` calls them, how much memory torch sees, what their cores can compute.
//!
//! In: `data/gpus.toml`. Out: [`Gpu`], found by the full name or by what people write in `gpus = "8xH100"`.

use serde::Deserialize;
use std::borrow::Cow;
use std::sync::LazyLock;

/// One kind of GPU.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// Its short name, unique here and used by recipes: `H100`, `A100-80`, `RTX PRO 6000`.
    pub key: String,
    /// What `nvidia-smi --query-gpu=name` prints.
    pub smi_name: String,
    /// Other names of boards that are the same to us.
    #[serde(default)]
    pub also: Vec<String>,
    /// `memory.total` of `nvidia-smi`, MiB; 0 where it does not tell (unified memory).
    pub smi_mib: u64,
    /// GiB that torch, and so vLLM, counts as the whole card.
    pub torch_gib: f64,
    /// Compute capability `9.0`, or the architecture of an AMD card: `gfx942`.
    pub cc: String,
    /// Whether it computes in FP8; else FP8 weights run through Marlin kernels, weight-only.
    pub fp8: bool,
    /// Whether it computes in FP4 (NVFP4, MXFP4); else such weights run weight-only.
    pub fp4: bool,
    /// Whether it computes in bfloat16.
    #[serde(default = "yes")]
    pub bf16: bool,
    /// Memory bandwidth, GB/s.
    pub bw_gbs: u32,
    /// Bandwidth of the direct links between GPUs (`NVLink`), both directions, GB/s per GPU; 0 where there are none.
    pub nvlink_gbs: u32,
    /// GPUs of the largest machine it comes in.
    #[serde(default = "eight")]
    pub per_machine: u32,
    /// What else one should know.
    pub note: Option<String>,
    /// Where this was read.
    pub source: String,
}

#[derive(Deserialize)]
struct File {
    gpu: Vec<Gpu>,
}

static ALL: LazyLock<Vec<Gpu>> = LazyLock::new(|| {
    // a test reads every embedded file, so a mistake in one can't reach a user as an empty list
    toml::from_str::<File>(include_str!("../../data/gpus.toml")).map(|file| file.gpu).unwrap_or_default()
});

/// Share of `memory.total` that torch sees on a card that is not in the catalog: the smallest share among the
/// catalog's cards (A10G and L4, 0.978), rounded down, so that an unknown card is rather called too small.
const UNKNOWN_TORCH_SHARE: f64 = 0.977;

impl Gpu {
    /// Compute capability as numbers; `None` for AMD.
    #[must_use]
    pub fn capability(&self) -> Option<(u32, u32)> {
        let (major, minor) = self.cc.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    }

    /// MiB that torch counts as the whole card.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number of GiB far below 2^53"
    )]
    pub fn torch_mib(&self) -> u64 {
        (self.torch_gib * 1024.0).round() as u64
    }

    /// The key that recipes use: a variant of a card (`H100-PCIe`, `H200-NVL`) counts as the card itself.
    #[must_use]
    pub fn recipe_key(&self) -> &str {
        match self.key.as_str() {
            "H100-PCIe" | "H100-NVL" => "H100",
            "H200-NVL" => "H200",
            "GB200" => "B200",
            "GB300" => "B300",
            key => key,
        }
    }
}

/// Every kind known.
#[must_use]
pub fn all() -> &'static [Gpu] {
    &ALL
}

/// Finds a GPU by the name `nvidia-smi` prints or a short form (`H100`, `a100-80gb`, `RTX 4090`, `h100 sxm`).
///
/// Where a short form means several (`A100`), the one with the most memory is taken; [`seen`] decides by memory.
#[must_use]
pub fn find(name: &str) -> Option<&'static Gpu> {
    candidates(name).into_iter().max_by_key(|gpu| gpu.torch_mib())
}

/// Finds a GPU by the name and the MiB that `nvidia-smi` printed; `None` if no such card with about that memory
/// (2 %) is known, as with modified boards and MIG devices.
#[must_use]
pub fn seen(name: &str, smi_mib: u64) -> Option<&'static Gpu> {
    let near = |gpu: &&'static Gpu| gpu.smi_mib == 0 || gpu.smi_mib.abs_diff(smi_mib) * 50 <= gpu.smi_mib;
    candidates(name).into_iter().find(near)
}

/// Whether a card that `nvidia-smi` printed is of the kind that somebody wrote: a part of its name, however it is
/// spaced (`H100 80GB`, `rtx4090`), or a kind of the catalog (`A100-80`).
#[must_use]
pub fn is_kind(name: &str, smi_mib: u64, kind: &str) -> bool {
    let bare = |text: &str| text.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "");
    let of_the_catalog = || {
        let gpu = seen(name, smi_mib)?;
        Some(candidates(kind).iter().any(|one| one.key == gpu.key))
    };
    bare(name).contains(&bare(kind)) || of_the_catalog().unwrap_or(false)
}

/// GiB that torch will count as the whole card, for a card that `nvidia-smi` printed as `name` with `smi_mib` MiB.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "MiB of one card are far below 2^53")]
pub fn torch_gib(name: &str, smi_mib: u64) -> f64 {
    seen(name, smi_mib).map_or(smi_mib as f64 / 1024.0 * UNKNOWN_TORCH_SHARE, |gpu| gpu.torch_gib)
}

/// The kind of a card that `nvidia-smi` printed; one that is not in the catalog is described by what the driver says.
#[must_use]
pub fn printed(name: &str, smi_mib: u64, cc: &str) -> Cow<'static, Gpu> {
    if let Some(gpu) = seen(name, smi_mib) {
        return Cow::Borrowed(gpu);
    }
    let mut gpu = Gpu {
        key: name.trim_start_matches("NVIDIA ").to_owned(),
        smi_name: name.to_owned(),
        also: Vec::new(),
        smi_mib,
        torch_gib: torch_gib(name, smi_mib),
        cc: cc.to_owned(),
        fp8: false,
        fp4: false,
        bf16: true,
        bw_gbs: 0,
        nvlink_gbs: 0,
        per_machine: eight(),
        note: None,
        source: "nvidia-smi".to_owned(),
    };
    // FP8 since Ada, FP4 since Blackwell, bfloat16 since Ampere (the catalog's cards)
    let at_least = |least| gpu.capability().is_none_or(|cc| cc >= least);
    (gpu.fp8, gpu.fp4, gpu.bf16) = (at_least((8, 9)), at_least((10, 0)), at_least((8, 0)));
    Cow::Owned(gpu)
}

/// The words of a kind's names: of its key, of its full name, of other boards that are the same.
struct Words {
    gpu: &'static Gpu,
    key: Vec<String>,
    full: Vec<String>,
    also: Vec<Vec<String>>,
}

static WORDS: LazyLock<Vec<Words>> = LazyLock::new(|| {
    let of = |gpu: &'static Gpu| Words {
        gpu,
        key: words(&gpu.key),
        full: words(&gpu.smi_name),
        also: gpu.also.iter().map(|name| words(name)).collect(),
    };
    ALL.iter().map(of).collect()
});

/// Kinds that `name` may mean: those whose key's words all stand in it, longest key first; else those whose key or
/// full name has all words of `name`.
fn candidates(name: &str) -> Vec<&'static Gpu> {
    let wanted = words(name);
    if wanted.is_empty() {
        return Vec::new();
    }
    let all_in = |some: &[String], of: &[String]| some.iter().all(|word| of.contains(word));
    let within = |it: &&Words| all_in(&it.key, &wanted) || it.also.contains(&wanted);
    let longest = WORDS.iter().filter(within).map(|it| it.key.len()).max();
    if let Some(length) = longest {
        return WORDS.iter().filter(|it| within(it) && it.key.len() == length).map(|it| it.gpu).collect();
    }
    let around = |it: &&Words| all_in(&wanted, &it.key) || all_in(&wanted, &it.full);
    let found: Vec<&Gpu> = WORDS.iter().filter(around).map(|it| it.gpu).collect();
    if !found.is_empty() {
        return found;
    }
    // written without spaces: `rtx4090`, `GeForceRTX4090`
    let joined = |words: &[String]| words.concat();
    let wanted = MAKERS.iter().fold(joined(&wanted), |name, maker| name.replace(maker, ""));
    let same =
        |it: &&Words| [&it.key, &it.full].into_iter().chain(&it.also).any(|words| joined(words) == wanted);
    WORDS.iter().filter(same).map(|it| it.gpu).collect()
}

const MAKERS: [&str; 5] = ["NVIDIA", "AMD", "GEFORCE", "TESLA", "INSTINCT"];

/// The words of a name without maker and case; `80GB` is `80`, as in the keys.
fn words(name: &str) -> Vec<String> {
    name.to_ascii_uppercase()
        .split([' ', '-', '_'])
        .map(|word| word.strip_suffix("GB").unwrap_or(word))
        .filter(|word| !word.is_empty() && !MAKERS.contains(word))
        .map(str::to_owned)
        .collect()
}

fn eight() -> u32 {
    8
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
