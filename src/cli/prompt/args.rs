//! The arguments of `pi prompt`.

use crate::agent::Api;
use crate::cli::completions;
use clap::Args as Arguments;
use clap_complete::engine::ArgValueCandidates;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

#[derive(Debug, Arguments)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(after_help = "\
Examples:
  pi prompt qwen \"what is in this directory?\"     an answer, with tools that read files here
  git diff | pi prompt qwen \"review this\"         standard input goes along
  pi prompt qwen -i -c                            keep talking where you stopped
  pi prompt --base-url https://api.example/v1 --model m \"hello\"     any OpenAI-compatible server

The answer goes to standard output, everything else to standard error.")]
pub(crate) struct Args {
    /// A model of pi.toml, or a server that was seen on a pod; left out with --base-url
    #[arg(add = ArgValueCandidates::new(completions::models))]
    pub(super) name: Option<String>,
    /// What to say, one message after the other; what is piped in goes along with the first
    #[arg(value_name = "MESSAGE")]
    pub(super) messages: Vec<String>,
    /// Keep talking, with history and line editing
    #[arg(short, long)]
    pub(super) interactive: bool,
    /// Go on with the last session of this directory
    #[arg(short, long)]
    pub(super) r#continue: bool,
    /// Give the model no tools
    #[arg(long, conflicts_with = "allow")]
    pub(super) no_tools: bool,
    /// Let the tools look into this directory too, besides the working directory
    #[arg(long, value_name = "DIR")]
    pub(super) allow: Vec<PathBuf>,
    /// What the model is told first, instead of pi's own words
    #[arg(long, value_name = "TEXT")]
    pub(super) system: Option<String>,
    /// How often the model may answer one message with calls of tools
    #[arg(long, value_name = "N", default_value = "25")]
    pub(super) max_turns: NonZeroUsize,
    /// The most tokens of one answer; else the server's limit
    #[arg(long, value_name = "N")]
    pub(super) max_tokens: Option<NonZeroU32>,
    /// Randomness: 0 gives the same answer each time; else the server's default
    #[arg(long, value_name = "T", value_parser = temperature)]
    pub(super) temperature: Option<f64>,
    /// Count tokens and time at the end
    #[arg(long)]
    pub(super) stats: bool,
    /// Print events as JSON, one a line
    #[arg(long, conflicts_with_all = ["interactive", "stats"])]
    pub(super) json: bool,
    /// Any OpenAI-compatible server, up to and with /v1
    #[arg(long, value_name = "URL")]
    pub(super) base_url: Option<String>,
    /// The model there; else the only one that it serves
    #[arg(long, value_name = "MODEL", requires = "base_url")]
    pub(super) model: Option<String>,
    /// Its key. Everybody on this machine sees it in the process list: better `$OPENAI_API_KEY` or --api-key-env
    #[arg(long, value_name = "KEY", requires = "base_url", conflicts_with = "api_key_env")]
    pub(super) api_key: Option<String>,
    /// The environment variable that holds its key, instead of `$OPENAI_API_KEY`
    #[arg(long, value_name = "VAR", requires = "base_url")]
    pub(super) api_key_env: Option<String>,
    /// Which API to speak; else Responses for gpt-oss, Chat Completions for all others
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
