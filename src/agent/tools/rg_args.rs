//! ripgrep's arguments: those that make sense for a model, parsed as ripgrep does. No shell sees them.

use clap::Parser;
use serde::Deserialize;

/// As the model writes them: words, or one line of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Words {
    List(Vec<String>),
    Line(String),
}

/// What `rg` understands.
#[derive(Debug, Parser, Default)]
#[command(name = "rg", no_binary_name = true, disable_help_flag = true, disable_version_flag = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of ripgrep")]
pub(super) struct Args {
    #[arg(short = 'i', long)]
    pub(super) ignore_case: bool,
    #[arg(short = 'S', long)]
    pub(super) smart_case: bool,
    #[arg(short = 's', long)]
    case_sensitive: bool,
    #[arg(short = 'w', long)]
    pub(super) word_regexp: bool,
    #[arg(short = 'x', long)]
    pub(super) line_regexp: bool,
    #[arg(short = 'F', long)]
    pub(super) fixed_strings: bool,
    #[arg(short = 'v', long)]
    pub(super) invert_match: bool,
    #[arg(short = 'l', long)]
    pub(super) files_with_matches: bool,
    #[arg(short = 'c', long)]
    pub(super) count: bool,
    #[arg(short = 'o', long)]
    pub(super) only_matching: bool,
    #[arg(short = 'n', long)]
    line_number: bool,
    #[arg(short = 'H', long)]
    with_filename: bool,
    #[arg(long)]
    no_heading: bool,
    #[arg(short = 'A', long, default_value_t = 0)]
    pub(super) after_context: usize,
    #[arg(short = 'B', long, default_value_t = 0)]
    pub(super) before_context: usize,
    #[arg(short = 'C', long, default_value_t = 0)]
    pub(super) context: usize,
    #[arg(short = 'm', long)]
    pub(super) max_count: Option<u64>,
    #[arg(short = 'e', long, allow_hyphen_values = true)]
    pub(super) regexp: Vec<String>,
    #[arg(short = 'g', long, allow_hyphen_values = true)]
    pub(super) glob: Vec<String>,
    #[arg(short = 't', long = "type")]
    pub(super) types: Vec<String>,
    #[arg(short = 'T', long = "type-not")]
    pub(super) types_not: Vec<String>,
    #[arg(long)]
    pub(super) files: bool,
    #[arg(short = '.', long)]
    pub(super) hidden: bool,
    #[arg(long)]
    pub(super) no_ignore: bool,
    words: Vec<String>,
}

impl Args {
    /// Parses the words; an error says which one is not understood.
    pub(super) fn parse_words(words: &Words) -> Result<Self, String> {
        let words = match words {
            Words::List(words) => words.clone(),
            Words::Line(line) => {
                shlex::split(line).ok_or_else(|| format!("a quote is not closed: {line}"))?
            }
        };
        let begins = usize::from(words.first().is_some_and(|word| word == "rg"));
        Self::try_parse_from(words.into_iter().skip(begins)).map_err(|error| {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            format!("rg: {}", first.strip_prefix("error: ").unwrap_or(first))
        })
    }

    /// The patterns, and where to search.
    pub(super) fn patterns_and_paths(&self) -> Result<(Vec<&str>, Vec<&str>), String> {
        let mut words = self.words.iter().map(String::as_str);
        let mut patterns: Vec<&str> = self.regexp.iter().map(String::as_str).collect();
        if patterns.is_empty() && !self.files {
            patterns.push(words.next().ok_or("rg: give a regular expression first, then paths")?);
        }
        let paths: Vec<&str> = words.collect();
        Ok((patterns, if paths.is_empty() { vec!["."] } else { paths }))
    }
}
