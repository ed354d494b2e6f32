//! How far a start has come, told from single lines of its log.

use super::line;
use crate::manifest::EngineKind;

/// A part of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    /// What is being done: `loading weights`; `ready` at the end.
    pub name: &'static str,
    /// How much of it is done, where the line says so: 0 to 100.
    pub percent: Option<u8>,
}

/// The last phase: the server answers, or is about to.
const READY: &str = "ready";

/// What a line says of a start; none for most lines.
#[must_use]
pub fn progress(kind: EngineKind, line: &str) -> Option<Phase> {
    let text = line::clean(line);
    let (sign, name) = signs(kind).iter().find(|(sign, _)| text.contains(sign))?;
    let percent = text.split_once(sign).and_then(|(_, rest)| percent(rest));
    Some(Phase { name, percent })
}

/// The number of the line, from 1, with which a server had come up.
pub(super) fn ready_at(kind: EngineKind, log: &[String]) -> Option<usize> {
    let ready = |(_, line): &(usize, &String)| progress(kind, line).is_some_and(|phase| phase.name == READY);
    (1..).zip(log).find(ready).map(|(number, _)| number)
}

/// The percent in `  37% Completed | 3/8` or ` (PIECEWISE): 37%|███`; not one that comes later in the line.
fn percent(rest: &str) -> Option<u8> {
    let before = rest.split_once('%')?.0;
    let start = before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    before.get(start..)?.parse().ok().filter(|percent| *percent <= 100)
}

/// Part of a line → phase; the first that matches.
fn signs(kind: EngineKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        EngineKind::Vllm => &VLLM,
        EngineKind::LlamaCpp => &LLAMA_CPP,
        EngineKind::Command => &COMMAND,
    }
}

/// vLLM 0.32, in the order in which they come.
const VLLM: [(&str, &str); 21] = [
    ("Application startup complete.", READY),
    ("Resolved architecture", "reading the model's configuration"),
    ("Initializing a V1 LLM engine", "starting the engine"),
    ("Starting to load model", "loading weights"),
    ("Checkpoint size", "loading weights"),
    ("checkpoint shards:", "loading weights"),
    ("loading shards:", "loading weights"),
    ("Loading weights took", "loading weights"),
    ("Model loading took", "loading weights"),
    ("Warming up model for the compilation", "compiling"),
    ("Starting torch.compile", "compiling"),
    ("Dynamo bytecode transform", "compiling"),
    ("Compiling a graph", "compiling"),
    ("torch.compile t", "compiling"),
    ("Available KV cache memory", "reserving the KV cache"),
    ("KV cache size", "reserving the KV cache"),
    ("Capturing CUDA graph", "capturing CUDA graphs"),
    ("Graph capturing finished", "capturing CUDA graphs"),
    ("init engine (", "starting the server"),
    ("Starting vLLM ", "starting the server"),
    ("Waiting for application startup.", "starting the server"),
];

/// llama.cpp's server, natively and from `xllamacpp`. Older ones open the port before they load the model, and say
/// `HTTP server is listening, hostname: …`: that is not the sign.
const LLAMA_CPP: [(&str, &str); 7] = [
    ("listening on http", READY),
    ("load_model: loading model", "loading weights"),
    ("load_tensors:", "loading weights"),
    ("threadpool init", "warming up"),
    ("warming up", "warming up"),
    ("n_slots =", "warming up"),
    ("model loaded", "starting the server"),
];

/// Servers built on uvicorn say `Application startup complete.` before they know whether the port is free.
const COMMAND: [(&str, &str); 5] = [
    ("Uvicorn running on", READY),
    ("The server is fired up and ready to roll", READY),
    ("Fetching ", "fetching files"),
    ("checkpoint shards:", "loading weights"),
    ("Capturing CUDA graph", "capturing CUDA graphs"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_read_with_their_percent() {
        let table = [
            (
                "Loading safetensors checkpoint shards:  37% Completed | 3/8 [00:01<00:02, 1it/s]",
                "loading weights",
                Some(37),
            ),
            (
                "shards:   0% Completed | 0/1\rx checkpoint shards: 100% Completed | 1/1",
                "loading weights",
                Some(100),
            ),
            (
                "(Worker pid=1) Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  45%|████",
                "capturing CUDA graphs",
                Some(45),
            ),
            (
                "(Worker pid=1) INFO 11-22 08:30:03 [x.py:1] Checkpoint size: 61.1 GiB.",
                "loading weights",
                None,
            ),
            ("INFO torch.compile took 11.2 s in total", "compiling", None),
            ("INFO Available KV cache memory: 39.2 GiB", "reserving the KV cache", None),
            ("INFO:     Application startup complete.", READY, None),
            ("checkpoint shards: 999% Completed", "loading weights", None),
        ];
        for (line, name, percent) in table {
            assert_eq!(progress(EngineKind::Vllm, line), Some(Phase { name, percent }), "{line}");
        }
        assert_eq!(progress(EngineKind::Vllm, "INFO 127.0.0.1 GET /health"), None);
    }

    #[test]
    fn an_old_llama_server_is_not_ready_when_its_port_is_open() {
        let early = "main: HTTP server is listening, hostname: 127.0.0.1, port: 8080, http threads: 15";
        assert_eq!(progress(EngineKind::LlamaCpp, early), None);
        let late = "main: server is listening on http://127.0.0.1:8080 - starting the main loop";
        assert_eq!(progress(EngineKind::LlamaCpp, late), Some(Phase { name: READY, percent: None }));
    }
}
