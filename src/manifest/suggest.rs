//! What somebody may have meant.

/// The known word nearest to `word`, if any is near enough to be a slip.
#[must_use]
pub fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let distance = |other: &str| strsim::damerau_levenshtein(&plain(word), &plain(other));
    let near_enough = |(distance, other): &(usize, &str)| {
        *distance <= (other.chars().count().max(word.chars().count()) / 3).max(1)
    };
    known.into_iter().map(|other| (distance(other), other)).filter(near_enough).min().map(|(_, other)| other)
}

/// Whether a value under this name is likely to be a secret.
pub(super) fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["key", "token", "password", "secret"].iter().any(|word| name.contains(word))
}

/// ``did you mean `x`?``, else the list of what there is.
pub(super) fn meant<'a>(word: &str, what: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match near(word, known.clone()) {
        Some(other) => format!("did you mean `{other}`?"),
        None => format!("{what}: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

const API_KEY: &str = r#"secrets have a table of their own: [secrets] with api_key = { env = "PI_API_KEY" }"#;

/// Keys that people bring along from elsewhere: the table's kind, the key, what to do instead.
const HINTS: [(&str, &str, &str); 18] = [
    ("the manifest", "api_key", API_KEY),
    ("the manifest", "hf_token", API_KEY),
    ("a pod", "port", r#"the ssh port belongs into the ssh line: ssh = "ssh -p 2222 root@1.2.3.4""#),
    ("a pod", "user", r#"the user belongs into the ssh line: ssh = "ssh root@1.2.3.4""#),
    ("a pod", "key", r#"the key belongs into the ssh line: ssh = "ssh -i ~/.ssh/id root@1.2.3.4""#),
    ("a pod", "address", r#"write it as ssh = "ssh root@1.2.3.4""#),
    ("a pod", "hf_home", "that is `models_path`"),
    ("a pod", "tags", "that is `labels`"),
    ("a model", "max_model_len", r#"that is `context`: context = "32k""#),
    ("a model", "ctx_size", r#"that is `context`: context = "32k""#),
    ("a model", "gpu_memory_utilization", r#"that is `memory`: memory = "90%""#),
    ("a model", "tensor_parallel_size", "that is `gpus`: gpus = 2"),
    ("a model", "gpu_ids", "that is `gpus`: gpus = [0, 1]"),
    ("a model", "revision", r#"write it behind the repository: model = "owner/name@revision""#),
    ("a model", "file", r#"write it behind the repository: model = "owner/name:file.gguf""#),
    ("a model", "host", "the address a server listens on is `listen`"),
    ("a model", "vllm_args", r#"that is `args`: args = ["--max-num-seqs", "128"]"#),
    ("a model", "replicas", r#"name the pods: pod = ["dc1", "dc2"]"#),
];

/// What to do about the key `key` in a table that does not know it. `tables` are all tables and their keys.
/// What to do about a key that earlier versions had.
pub(super) fn gone(key: &str, kind: &str) -> Option<String> {
    (key == "share_port" && kind == "a model").then(|| {
        "take it out: a changed server no longer shares the port of the one that runs. Without `port` it starts beside \
         it on another port, with `port` it takes its place"
            .to_owned()
    })
}

pub(super) fn key(key: &str, kind: &str, keys: &[&str], tables: &[(&str, &[&str])]) -> String {
    let plain = key.to_ascii_lowercase().replace('-', "_");
    if let Some((.., help)) = HINTS.iter().find(|(of, hinted, _)| *of == kind && *hinted == plain) {
        return (*help).to_owned();
    }
    if let Some(other) = near(key, keys.iter().copied()) {
        return format!("did you mean `{other}`?");
    }
    match tables.iter().find(|(_, keys)| keys.contains(&key)) {
        Some((other, _)) => format!("`{key}` is a key of {other}"),
        None => format!("{kind} has {}", keys.join(", ")),
    }
}
