//! What `pi start` is told.

use crate::cli::context::complete_names;
use crate::cli::context::flags::{Doing, Taking};
use crate::manifest::GpuAsk;
use clap::Args;
use clap_complete::engine::ArgValueCandidates;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pi start Qwen/Qwen2.5-Coder-32B-Instruct --name qwen --gpus 2\n  pi start                            list catalog models that fit the pod\n  pi start qwen                       start a stopped model again\n  pi start zai-org/GLM-4.5-Air --yes --vllm --max-num-seqs 64"
)]
pub(in crate::cli) struct Start {
    /// Hugging Face repository "owner/name", path on the pod, or the name of a model in pi.toml
    /// [default: list the catalog models that fit the pod]
    #[arg(add = ArgValueCandidates::new(complete_names::models))]
    pub(super) model: Option<String>,
    /// Name in pi.toml [default: derived from the last part of MODEL]
    #[arg(long, requires = "model")]
    pub(super) name: Option<String>,
    /// Number of GPUs, or ids such as 0,1; 0 means CPU
    #[arg(long, requires = "model", value_name = "N", value_parser = gpus)]
    pub(super) gpus: Option<crate::manifest::GpuAsk>,
    /// Share of each GPU's memory, such as 90%
    #[arg(long, requires = "model", value_name = "SHARE", value_parser = crate::units::Percent::parse)]
    pub(super) memory: Option<crate::units::Percent>,
    /// Context length in tokens, such as 32k
    #[arg(long, requires = "model", value_name = "TOKENS", value_parser = crate::units::Tokens::parse)]
    pub(super) context: Option<crate::units::Tokens>,
    /// Port to listen on [default: the first free one from 8001]
    #[arg(long, requires = "model", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) port: Option<u16>,
    #[command(flatten)]
    pub(super) taking: Taking,
    /// Print events as JSON, one per line, then how to reach the model
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) doing: Doing,
    /// Pass everything that follows to vLLM
    #[arg(long, requires = "model", value_name = "ARGS", num_args = 1.., allow_hyphen_values = true)]
    pub(super) vllm: Vec<String>,
}

/// `2` is a count, `0` the CPU, `0,1` are ids.
pub(super) fn gpus(text: &str) -> Result<GpuAsk, String> {
    let number = |word: &str| {
        word.trim().parse::<u32>().map_err(|_| "a count such as 2, or ids such as 0,1".to_owned())
    };
    let inside = text.trim().trim_start_matches('[').trim_end_matches(']');
    if inside != text.trim() || inside.contains(',') {
        let mut ids = inside.split(',').map(number).collect::<Result<Vec<u32>, _>>()?;
        ids.sort_unstable();
        return Ok(GpuAsk::Ids(ids));
    }
    Ok(match number(text)? {
        0 => GpuAsk::Cpu,
        count => GpuAsk::Count(count),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpus_are_a_count_or_ids() {
        let table = [
            ("2", GpuAsk::Count(2)),
            ("0", GpuAsk::Cpu),
            ("1,0", GpuAsk::Ids(vec![0, 1])),
            ("[3]", GpuAsk::Ids(vec![3])),
        ];
        for (text, expected) in table {
            assert_eq!(gpus(text).unwrap(), expected, "{text}");
        }
        for text in ["", "two", "-1", "1,", "1,x"] {
            assert!(gpus(text).is_err(), "{text}");
        }
    }
}
