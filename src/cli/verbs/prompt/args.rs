//! The arguments of `pi prompt`.

use crate::agent::Api;
use crate::cli::context::complete_names;
use clap::Args as Arguments;
use clap_complete::engine::ArgValueCandidates;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

#[derive(Debug, Arguments)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(after_help = "\
Examples:
  pi prompt qwen \"what is in this directory?\"     the model may read local files
  git diff | pi prompt qwen \"review this\"         standard input is added
  pi prompt qwen -i -c                            continue the last conversation
  pi prompt --base-url https://api.example/v1 --model m \"hello\"     any OpenAI-compatible server

The answer goes to standard output, everything else to standard error.")]
pub(crate) struct Args {
    /// Model in pi.toml, or a server that was seen on a pod; omit with --base-url
    #[arg(add = ArgValueCandidates::new(complete_names::models))]
    pub(super) name: Option<String>,
    /// Messages to send, one after the other; standard input is added to the first
    #[arg(value_name = "MESSAGE")]
    pub(super) messages: Vec<String>,
    /// Start a conversation, with line editing and history
    #[arg(short, long)]
    pub(super) interactive: bool,
    /// Continue the last session of this directory
    #[arg(short, long)]
    pub(super) r#continue: bool,
    /// Do not offer tools to the model
    #[arg(long, conflicts_with = "allow")]
    pub(super) no_tools: bool,
    /// Let the tools read this directory in addition to the working directory
    #[arg(long, value_name = "DIR")]
    pub(super) allow: Vec<PathBuf>,
    /// System prompt, instead of pi's own
    #[arg(long, value_name = "TEXT")]
    pub(super) system: Option<String>,
    /// Maximum number of tool-calling turns per message
    #[arg(long, value_name = "N", default_value = "25")]
    pub(super) max_turns: NonZeroUsize,
    /// Maximum number of tokens per answer [default: the server's limit]
    #[arg(long, value_name = "N")]
    pub(super) max_tokens: Option<NonZeroU32>,
    /// Sampling temperature [default: the server's]
    #[arg(long, value_name = "T", value_parser = temperature)]
    pub(super) temperature: Option<f64>,
    /// Print token counts and timing at the end
    #[arg(long)]
    pub(super) stats: bool,
    /// Print events as JSON, one per line
    #[arg(long, conflicts_with_all = ["interactive", "stats"])]
    pub(super) json: bool,
    /// Use this OpenAI-compatible server; the URL ends with /v1
    #[arg(long, value_name = "URL")]
    pub(super) base_url: Option<String>,
    /// Model on that server [default: the only one it serves]
    #[arg(long, value_name = "MODEL", requires = "base_url")]
    pub(super) model: Option<String>,
    /// API key. Visible in the process list of this machine; prefer `$OPENAI_API_KEY` or --api-key-env
    #[arg(long, value_name = "KEY", requires = "base_url", conflicts_with = "api_key_env")]
    pub(super) api_key: Option<String>,
    /// Environment variable with the API key [default: `OPENAI_API_KEY`]
    #[arg(long, value_name = "VAR", requires = "base_url")]
    pub(super) api_key_env: Option<String>,
    /// API to use [default: Responses for gpt-oss, Chat Completions otherwise]
    #[arg(long, value_name = "API")]
    pub(super) api: Option<ApiName>,
}

/// The APIs by name.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum ApiName {
    /// Chat Completions
    Chat,
    /// Responses
    Responses,
}

impl From<ApiName> for Api {
    fn from(name: ApiName) -> Self {
        match name {
            ApiName::Chat => Self::Chat,
            ApiName::Responses => Self::Responses,
        }
    }
}

fn temperature(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is a number from 0 to 2".to_owned())?;
    if (0.0..=2.0).contains(&number) { Ok(number) } else { Err("it is a number from 0 to 2".to_owned()) }
}
