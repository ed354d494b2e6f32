//! What stands in front of a message: who says it, when, how loud. Each library has a form of its own.
//!
//! In: a line without escapes. Out: its parts. The forms were read in the logs of vLLM 0.5 to 0.32, torch, NCCL, glog,
//! Ray, UCX, Triton's server, sglang, llama.cpp, uvicorn, Python's `logging` and `warnings`, loguru, Rust's `tracing`.

use regex::Regex;
use std::sync::LazyLock;

/// How loud a line is, the quietest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Said to be information or less.
    Info,
    /// Said to be a warning.
    Warning,
    /// It does not say: a program's own output, a traceback.
    Unsaid,
    /// Said to be an error.
    Error,
}

/// A line, in parts.
pub(super) struct Parts<'a> {
    /// The innermost process that it names, as it does: `EngineCore_DP0 pid=60`.
    pub(super) process: &'a str,
    pub(super) level: Level,
    /// Whether a library says it, which goes on by itself while its program dies.
    pub(super) library: bool,
    /// What it says.
    pub(super) text: &'a str,
}

/// Any number of processes, ranks and times.
static WHO_AND_WHEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:",
        r"\((?<process>[^()]*pid=[0-9]+[^()]*)\) ?", // (EngineCore pid=7), (RayWorkerWrapper pid=7, ip=…), (pid=7)
        r"|\((?:raylet|gcs_server|autoscaler[^()]*)\) ?",
        r"|\[rank[0-9]+\]:? ?",
        r"|(?:\[[0-9]{1,4}\] ?){2}", // monarch's and torchrun's [0] [0]
        r"|\[?[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[ T][0-9:.,]+(?:Z|[+-][0-9:]{4,5})?(?: [A-Z]+[0-9]+)*\]? ?(?:- |\| )?",
        r"|[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [^ ]+ [^ ]+\[[0-9]+\]: ?", // journald
        r"|\[[a-z_/]+\.py:[0-9]+\] ?",
        r"|[a-z][A-Za-z0-9_.-]* +\| ?",                                   // docker compose
        r")*",
    ))
    .ok()
});

/// How loud a line says it is; the one group that matched is the word or letter for it.
static LEVEL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    const WORD: &str = "(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL|TRACE|NOTICE)";
    let forms = [
        r"(?:[a-z][A-Za-z_.]* - )?WORD - ",
        r"(?:[A-Za-z_.]+ +\| +)?WORD +(?:\||-) ", // loguru
        // ERROR 09-09 12:00:00 [core.py:708] … · ERROR 04-22 21:41:28 worker_base.py:598] … · ERROR [core.py:1330] …
        r" *WORD (?:(?:[0-9]{2}-[0-9]{2} [0-9:]{8}(?: \[?[^\] ]+:[0-9]+\]| \[\])?|\[[^\] ]+:[0-9]+\]|\.\.\.)(?: |$))?",
        r"WORD:(?:[a-z][A-Za-z_.]*:)? *", // uvicorn's INFO:     …, logging's WARNING:root:…
        r"(?:\[[^\]]*\] ?)?\[WORD(?:\|[^\]]*)?\] ?(?:[0-9-]{10} [0-9:,]{8,12} >> )?", // DeepSpeed, TensorRT, transformers
        r"\[[0-9:]{8}\] +WORD +",                                                     // rich
        r"time=[^ ]+ level=WORD ",
        r#"(?:\{(?:[^{}]*,)? ?"(?:level|levelname)": ?"WORD")"#,
        r"[0-9]+(?:\.[0-9]+){3} ([A-Z]) ", // llama.cpp
    ];
    let native = [
        r"\[([DIWEFV])(?:[0-9]{3,4} [0-9:.]+)? ?[^\] ]*:[0-9]+\] ?", // torch: [W909 12:00:00.1 file.cpp:12]
        r"([IWEF])[0-9]{4} [0-9:.]{8,24} +[0-9]+ [^\] ]+:[0-9]+\] ?", // glog
        r"(?:[^ ]*: )?([IWEF]) [^\] ]+:[0-9]+\] ?",                  // TensorFlow
        r"([DIWEF]) [0-9]+ [0-9]+\] ?",                              // Ray, behind its time
        r"(?:[^ ]+:[0-9]+:[0-9]+ )?(?:\[[0-9]+\] )?(?:[^ ]+ [0-9:.]+ )?(?:[^ ]+:[0-9]+ )?NCCL (INFO|WARN|TRACE|VERSION) ?",
        r"\[[0-9]+\.[0-9]+\] \[[^\]]*\] +[^ ]+:[0-9]+ +UCX +([A-Z]+) +",
        r"(?:[^ ]+:[0-9]+: )?([A-Z][A-Za-z]*Warning): ?", // Python's warnings
    ];
    let all = [forms.as_slice(), &native].concat().join("|").replace("WORD", WORD);
    Regex::new(&format!("^(?:{all})")).ok()
});

/// The first of the groups in [`LEVEL`] that belong to libraries.
const NATIVE: usize = 10;

/// Takes a line apart.
pub(super) fn take_apart(line: &str) -> Parts<'_> {
    let front = WHO_AND_WHEN.as_ref().and_then(|front| front.captures(line));
    let process = front.as_ref().and_then(|front| front.name("process")).map_or("", |found| found.as_str());
    let rest = line.get(front.and_then(|front| Some(front.get(0)?.end())).unwrap_or_default()..);
    let rest = rest.unwrap_or_default();
    let level = LEVEL.as_ref().and_then(|level| level.captures(rest));
    let Some(level) = level else {
        return Parts { process, level: unsaid(rest), library: false, text: rest };
    };
    let word = level.iter().enumerate().skip(1).find_map(|(group, found)| Some((group, found?.as_str())));
    let (group, word) = word.unwrap_or_default();
    let end = if rest.starts_with('{') { 0 } else { level.get(0).map_or(0, |all| all.end()) };
    Parts {
        process,
        level: called(word),
        library: group >= NATIVE,
        text: rest.get(end..).unwrap_or_default(),
    }
}

fn called(word: &str) -> Level {
    match word {
        "ERROR" | "CRITICAL" | "FATAL" | "E" | "F" => Level::Error,
        "W" => Level::Warning,
        _ if word.starts_with("WARN") || word.ends_with("Warning") => Level::Warning,
        _ => Level::Info,
    }
}

/// Compilers and shells say `warning:` behind the place.
fn unsaid(text: &str) -> Level {
    let first = text.split_inclusive(' ').take(3).map(str::len).sum();
    let front = text.get(..first).unwrap_or(text).to_ascii_lowercase();
    if front.contains("warning:") || front.contains("warning #") { Level::Warning } else { Level::Unsaid }
}

#[cfg(test)]
mod tests;
