//! Argument lists of `vllm serve`: looked into, checked against a version, merged.

use super::flags::{base, refuses};
use super::version::Version;

/// One flag as it was written, with the words that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// The flag, spelled with dashes and in full, without value: `--max-model-len`.
    pub flag: String,
    /// The words themselves: `["--max-model-len", "32768"]` or `["--max-model-len=32768"]`.
    pub words: Vec<String>,
}

/// A user's argument that says something else than the recipe's, and wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The flag both set.
    pub flag: String,
    /// The recipe's words.
    pub recipe: String,
    /// The user's words.
    pub user: String,
}

/// The list, flag by flag. Words before the first flag stand in an [`Arg`] without a flag.
#[must_use]
pub fn split(args: &[String]) -> Vec<Arg> {
    let mut split: Vec<Arg> = Vec::new();
    for word in args {
        let is_flag = word.starts_with('-') && word.parse::<f64>().is_err();
        match split.last_mut() {
            Some(last) if !is_flag => last.words.push(word.clone()),
            _ => {
                let flag = if is_flag { base(word).into_owned() } else { String::new() };
                split.push(Arg { flag, words: vec![word.clone()] });
            }
        }
    }
    split
}

/// The value of a flag in a list, whichever way it is written; the last one counts, as in vLLM. `Some("")` for a
/// flag without value.
#[must_use]
pub fn value<'a>(args: &'a [String], flag: &str) -> Option<&'a str> {
    let at = args.iter().rposition(|word| word.starts_with('-') && base(word) == flag)?;
    let word = args.get(at)?;
    if let Some((_, value)) = word.split_once('=') {
        return Some(value);
    }
    Some(args.get(at + 1).filter(|next| !next.starts_with("--")).map_or("", String::as_str))
}

/// The flags in a list that this version does not know, as they are written: it would refuse to start.
#[must_use]
pub fn unknown(args: &[String], version: &Version) -> Vec<String> {
    let name = |word: &String| word.split('=').next().unwrap_or_default().to_owned();
    let flags = split(args).into_iter().filter(|arg| !arg.flag.is_empty());
    let words = flags.filter_map(|arg| arg.words.into_iter().next());
    words.filter(|word| refuses(version, word)).map(|word| name(&word)).collect()
}

/// The recipe's arguments and then the user's; where both set a flag, the user's stands alone.
#[must_use]
pub fn merge(recipe: &[String], user: &[String]) -> (Vec<String>, Vec<Conflict>) {
    let users = split(user);
    let mut merged = Vec::new();
    let mut conflicts = Vec::new();
    for arg in split(recipe) {
        match users.iter().rfind(|other| same(&other.flag, &arg.flag)) {
            None => merged.extend(arg.words),
            Some(other) if spelled(other) == spelled(&arg) => {}
            Some(other) => conflicts.push(Conflict {
                flag: arg.flag.clone(),
                recipe: arg.words.join(" "),
                user: other.words.join(" "),
            }),
        }
    }
    merged.extend(user.iter().cloned());
    (merged, conflicts)
}

/// Whether two flags are one, also when one negates the other.
fn same(a: &str, b: &str) -> bool {
    let plain = |flag: &str| flag.strip_prefix("--no-").map_or(flag.to_owned(), |rest| format!("--{rest}"));
    // nested keys of one config (`--kernel-config.a`, `--kernel-config.b`) live side by side in vLLM
    plain(a) == plain(b) && !a.ends_with("-config")
}

fn spelled(arg: &Arg) -> String {
    arg.words.join("=")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn values_are_found_however_they_are_written() {
        let args =
            list("-tp 2 --kv-cache-dtype=fp8 --enforce-eager --max_num_seqs 8 --max-num-seqs 16 --x -1");
        let table = [
            ("--tensor-parallel-size", Some("2")),
            ("--kv-cache-dtype", Some("fp8")),
            ("--enforce-eager", Some("")),
            ("--max-num-seqs", Some("16")),
            ("--x", Some("-1")),
            ("--absent", None),
        ];
        for (flag, expected) in table {
            assert_eq!(value(&args, flag), expected, "{flag}");
        }
    }

    #[test]
    fn a_users_arguments_win_and_contradictions_are_told() {
        let recipe = list("--tool-call-parser hermes --enable-prefix-caching --max-num-seqs 8");
        let user =
            list("--max-num-seqs=8 --tool-call-parser qwen3_coder --no-enable-prefix-caching --seed 1");
        let (merged, conflicts) = merge(&recipe, &user);
        assert_eq!(merged, user);
        let flags: Vec<_> = conflicts.iter().map(|c| (c.flag.as_str(), c.user.as_str())).collect();
        assert_eq!(
            flags,
            [
                ("--tool-call-parser", "--tool-call-parser qwen3_coder"),
                ("--enable-prefix-caching", "--no-enable-prefix-caching")
            ]
        );
        assert_eq!(merge(&recipe, &[]), (recipe, Vec::new()));
    }

    #[test]
    fn flags_a_version_does_not_know_are_found() {
        let args = list("--task embed --seed 1 --no-such");
        assert_eq!(unknown(&args, &Version::from_minor(0, 32)), ["--task", "--no-such"]);
        assert_eq!(unknown(&args, &Version::from_minor(0, 12)), ["--no-such"]);
    }
}
