//! Which files of a repository a server needs.

use crate::manifest::EngineKind;

/// What many repositories carry besides the safetensors that vLLM loads: the same weights in other formats.
const OTHER_FORMATS: [&str; 12] = [
    "*.pth",
    "*.pt",
    "*.gguf",
    "*.onnx",
    "*.onnx_data",
    "*.h5",
    "*.msgpack",
    "*.tflite",
    "*.ot",
    "original/*",
    "metal/*",
    "pytorch_model*.bin",
];
/// Mistral's own format, a second copy where a repository has the usual one too.
const CONSOLIDATED: &str = "consolidated*";

/// Files of a repository, as the hub's client takes them: these alone, or all but those of some patterns.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Choice {
    /// These alone; all if empty.
    pub only: Vec<String>,
    /// But none of these: `*` stands for anything, `/` too.
    pub without: Vec<String>,
}

impl Choice {
    /// What a server of this kind needs of a repository that has these files; one file of it, if the model names one.
    #[must_use]
    pub fn of<'a>(
        files: impl Iterator<Item = &'a str> + Clone,
        file: Option<&str>,
        kind: EngineKind,
    ) -> Self {
        if let Some(file) = file {
            return Self { only: parts(files, file), without: Vec::new() };
        }
        match kind {
            EngineKind::Vllm => Self { only: Vec::new(), without: without(&files) },
            EngineKind::LlamaCpp | EngineKind::Command => Self::default(),
        }
    }

    /// Whether a file is chosen.
    #[must_use]
    pub fn takes(&self, path: &str) -> bool {
        let Self { only, without } = self;
        (only.is_empty() || only.iter().any(|name| name == path))
            && !without.iter().any(|pattern| matches(pattern, path))
    }
}

/// A large GGUF comes in parts, of which llama.cpp is told the first: `x-00001-of-00003.gguf`.
fn parts<'a>(files: impl Iterator<Item = &'a str>, file: &str) -> Vec<String> {
    let stem = |name: &'a str| -> Option<(&'a str, &'a str)> {
        let (rest, count) = name.strip_suffix(".gguf")?.rsplit_once("-of-")?;
        let (stem, number) = rest.rsplit_once('-')?;
        let digits = |text: &str| text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit());
        (digits(count) && digits(number)).then_some((stem, count))
    };
    let mut parts: Vec<&str> = files.collect();
    parts.sort_unstable();
    let whole = parts.iter().find(|name| **name == file).and_then(|name| stem(name));
    match whole {
        Some(whole) => {
            parts.into_iter().filter(|name| stem(name) == Some(whole)).map(str::to_owned).collect()
        }
        None => vec![file.to_owned()],
    }
}

/// Nothing is left out unless there are safetensors to load: then it may be what the engine needs.
fn without<'a>(files: &(impl Iterator<Item = &'a str> + Clone)) -> Vec<String> {
    let usual = |path: &str| {
        !path.contains('/') && path.ends_with(".safetensors") && !path.starts_with("consolidated")
    };
    if !files.clone().any(usual) {
        return Vec::new();
    }
    // params.json says that the repository can also be served in Mistral's format, as its recipe may ask
    let mistral = files.clone().any(|path| path == "params.json");
    let patterns = OTHER_FORMATS.into_iter().chain((!mistral).then_some(CONSOLIDATED));
    patterns.filter(|pattern| files.clone().any(|path| matches(pattern, path))).map(str::to_owned).collect()
}

/// As Python's `fnmatch` matches patterns that have one kind of wildcard.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(path) = path.strip_prefix(start) else { return false };
    match rest.rsplit_once('*') {
        None => path.ends_with(rest),
        Some(_) => (0..=path.len()).any(|at| path.is_char_boundary(at) && matches(rest, &path[at..])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISTRAL: &[&str] =
        &["config.json", "consolidated.safetensors", "model-00001-of-00002.safetensors", "params.json"];

    #[test]
    fn vllm_gets_the_safetensors_once() {
        let table: &[(&[&str], EngineKind, &[&str])] = &[
            (&["config.json", "model.safetensors"], EngineKind::Vllm, &[]),
            (
                &["model.safetensors", "original/consolidated.00.pth", "onnx/model.onnx", "a.gguf"],
                EngineKind::Vllm,
                &["original/consolidated.00.pth", "onnx/model.onnx", "a.gguf"],
            ),
            (
                &["model.safetensors", "consolidated.safetensors"],
                EngineKind::Vllm,
                &["consolidated.safetensors"],
            ),
            (MISTRAL, EngineKind::Vllm, &[]),
            (&["consolidated.safetensors", "original/x.pth"], EngineKind::Vllm, &[]),
            (&["pytorch_model.bin", "x.pth"], EngineKind::Vllm, &[]),
            (
                &["model.safetensors", "pytorch_model-00001-of-00002.bin"],
                EngineKind::Vllm,
                &["pytorch_model-00001-of-00002.bin"],
            ),
            (&["model.safetensors", "x.pth"], EngineKind::Command, &[]),
        ];
        for (files, kind, left) in table {
            let choice = Choice::of(files.iter().copied(), None, *kind);
            let out: Vec<&str> = files.iter().copied().filter(|path| !choice.takes(path)).collect();
            assert_eq!(out, *left, "{files:?}");
        }
    }

    #[test]
    fn one_file_is_one_file_unless_it_has_parts() {
        let files = ["q4-00002-of-00002.gguf", "q4-00001-of-00002.gguf", "q8-00001-of-00002.gguf", "x.gguf"];
        let only = |file| Choice::of(files.into_iter(), Some(file), EngineKind::LlamaCpp).only;
        assert_eq!(only("x.gguf"), ["x.gguf"]);
        assert_eq!(only("not-there.gguf"), ["not-there.gguf"]);
        assert_eq!(only("q4-00001-of-00002.gguf"), ["q4-00001-of-00002.gguf", "q4-00002-of-00002.gguf"]);
    }

    #[test]
    fn patterns_match_as_the_client_matches_them() {
        let table = [
            ("*.pth", "original/a.pth", true),
            ("original/*", "original/a/b", true),
            ("original/*", "my/original/a", false),
            ("pytorch_model*.bin", "pytorch_model.bin", true),
            ("pytorch_model*.bin", "pytorch_model.bin.index.json", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXcYb", false),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
