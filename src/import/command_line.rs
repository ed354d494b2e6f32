//! The command line of a running `vllm serve` or `llama-server`, read back into what a manifest would say.

use crate::catalog::args::{Arg, split};
use crate::manifest::EngineKind;
use crate::units::{Percent, Tokens};

/// What a command line asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Asked {
    /// The engine; absent when it is none that pi knows.
    pub(super) kind: Option<EngineKind>,
    pub(super) model: Option<String>,
    pub(super) revision: Option<String>,
    pub(super) served_name: Option<String>,
    pub(super) context: Option<Tokens>,
    pub(super) memory: Option<Percent>,
    /// GPUs for one model: tensor × pipeline × data parallel.
    pub(super) gpus: Option<u32>,
    /// Everything else, in its order.
    pub(super) args: Vec<String>,
    /// Flags that carried a secret: they are dropped, with their values.
    pub(super) secrets: Vec<String>,
}

/// Reads a command line, word by word as the process has it.
pub(super) fn read(words: &[String]) -> Asked {
    if let Some(rest) = vllm_words(words) {
        return vllm(rest);
    }
    match words.iter().position(|word| file_name(word) == "llama-server") {
        Some(at) => llama_cpp(words.get(at + 1..).unwrap_or_default()),
        None => Asked::default(),
    }
}

/// Whether a shortened command line is worth a closer look.
pub(super) fn may_be_engine(command: &str) -> bool {
    ["vllm", "VLLM", "llama-server"].iter().any(|name| command.contains(name))
}

/// What stands behind `vllm serve` or `-m vllm.entrypoints.openai.api_server`.
fn vllm_words(words: &[String]) -> Option<&[String]> {
    let serve =
        |pair: &[String]| matches!(pair, [program, verb] if file_name(program) == "vllm" && verb == "serve");
    let module = |word: &String| word == "vllm.entrypoints.openai.api_server";
    let behind = words
        .windows(2)
        .position(serve)
        .map(|at| at + 2)
        .or_else(|| words.iter().position(module).map(|at| at + 1))?;
    words.get(behind..)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn vllm(words: &[String]) -> Asked {
    let mut asked = Asked { kind: Some(EngineKind::Vllm), ..Asked::default() };
    let mut parallel = 1;
    for arg in split(words) {
        match arg.flag.as_str() {
            "" => asked.model = arg.words.first().cloned(),
            "--model" => asked.model = value(&arg),
            "--revision" => asked.revision = value(&arg),
            "--served-model-name" => asked.served_name = value(&arg),
            "--max-model-len" => keep(&mut asked.args, &arg, &mut asked.context, tokens),
            "--gpu-memory-utilization" => keep(&mut asked.args, &arg, &mut asked.memory, share),
            "--host" | "--port" => {}
            "--api-key" | "--hf-token" => asked.secrets.push(arg.flag),
            // pi sets it from the number of GPUs
            "--tensor-parallel-size" => parallel *= number(&arg),
            "--pipeline-parallel-size" | "--data-parallel-size" => {
                parallel *= number(&arg);
                asked.args.extend(arg.words);
            }
            _ => asked.args.extend(arg.words),
        }
    }
    asked.gpus = Some(parallel);
    asked
}

fn llama_cpp(words: &[String]) -> Asked {
    let mut asked = Asked { kind: Some(EngineKind::LlamaCpp), ..Asked::default() };
    for arg in split(words) {
        match arg.flag.as_str() {
            "-m" | "--model" => asked.model = value(&arg),
            "-a" | "--alias" => asked.served_name = value(&arg),
            "-c" | "--ctx-size" => keep(&mut asked.args, &arg, &mut asked.context, tokens),
            // pi says these itself
            "--host" | "--port" | "--jinja" | "--metrics" => {}
            "--api-key" | "--api-key-file" | "--hf-token" | "-hft" => asked.secrets.push(arg.flag),
            _ => asked.args.extend(arg.words),
        }
    }
    asked
}

/// Puts the value into its own key; what can't be read as one stays an argument.
fn keep<T>(args: &mut Vec<String>, arg: &Arg, key: &mut Option<T>, read: fn(&str) -> Option<T>) {
    match value(arg).and_then(|text| read(&text)) {
        Some(value) => *key = Some(value),
        None => args.extend(arg.words.iter().cloned()),
    }
}

fn value(arg: &Arg) -> Option<String> {
    let [first, rest @ ..] = arg.words.as_slice() else { return None };
    first.split_once('=').map(|(_, value)| value.to_owned()).or_else(|| rest.first().cloned())
}

fn number(arg: &Arg) -> u32 {
    value(arg).and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn tokens(text: &str) -> Option<Tokens> {
    Tokens::parse(text).ok()
}

/// `0.9` is `90%`.
fn share(text: &str) -> Option<Percent> {
    let fraction: f64 = text.parse().ok()?;
    Percent::parse(&format!("{}%", (fraction * 10_000.0).round() / 100.0)).ok()
}
