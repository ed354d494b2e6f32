//! Why a download failed, by what the hub's own client said: each was heard from `huggingface_hub` 2.4.

use crate::apply::event::Failure;
use crate::model_ref::ModelRef;
use crate::plan::Fetch;

/// What the client says in lower case, the failure's code, what it means, what to do. The first that fits counts.
const SIGNS: [(&str, &str, &str, &str); 20] = [
    ("no space left", "no-space", "the disk is full", MAKE_ROOM),
    ("errno 28", "no-space", "the disk is full", MAKE_ROOM),
    ("disk quota exceeded", "no-space", "the quota there is used up", MAKE_ROOM),
    ("requires approval", "no-access", "the token was not let in", ASK_FOR_ACCESS),
    ("access denied", "no-access", "the token was not let in", ASK_FOR_ACCESS),
    ("403 forbidden", "no-access", "the token was not let in", ASK_FOR_ACCESS),
    ("revision not found", "no-such-revision", "the hub has no such revision", LOOK_AT_IT),
    ("file not found in", "no-such-file", "the hub has no such file", LOOK_AT_IT),
    ("401 unauthorized", "bad-token", "the hub refuses the pod's hf_token", NEW_TOKEN),
    ("invalid user token", "bad-token", "the hub refuses the pod's hf_token", NEW_TOKEN),
    ("invalid credentials", "bad-token", "the hub refuses the pod's hf_token", NEW_TOKEN),
    (
        "if the repo is private",
        "no-such-repo",
        "the hub has none, or the pod's token may not see it",
        LOOK_AT_IT,
    ),
    ("permission denied", "cannot-write", "the pod's user may not write there", MAY_WRITE),
    ("read-only file system", "cannot-write", "storage is mounted read-only", MAY_WRITE),
    ("name or service not known", "hub-unreachable", "the pod does not know the hub's name", REACH),
    ("name resolution", "hub-unreachable", "the pod does not reach the hub", REACH),
    ("connect", "hub-unreachable", "the pod does not reach the hub", REACH),
    ("timed out", "hub-unreachable", "the pod does not reach the hub", REACH),
    ("could not be reached", "hub-unreachable", "the pod does not reach the hub", REACH),
    (
        "too many requests",
        "hub-busy",
        "the hub wants fewer requests",
        "wait some minutes, then `pi apply`; with a token it gives more",
    ),
];

const MAKE_ROOM: &str =
    "make room on the pod, or let `models_path` name a larger disk; what is complete is kept";
const ASK_FOR_ACCESS: &str = "ask for access at https://huggingface.co/REPO with the account of hf_token";
const LOOK_AT_IT: &str = "see https://huggingface.co/REPO";
const NEW_TOKEN: &str =
    "make a new one at https://huggingface.co/settings/tokens and set it where [secrets] says";
const MAY_WRITE: &str = "let `models_path` name a directory that it may write to";
const REACH: &str = "what is complete is kept; through a proxy or a mirror: env = { HTTPS_PROXY = \"…\" } or HF_ENDPOINT on the pod";

/// A failed download, in pi's words where the client's are known.
pub(super) fn fetch_failed(fetch: &Fetch, failure: Failure) -> Failure {
    let said = failure.lines.join("\n").to_lowercase();
    let Some((_, code, meaning, help)) = SIGNS.iter().find(|(sign, ..)| said.contains(sign)) else {
        return failure;
    };
    let repo = match &fetch.model {
        ModelRef::Hub { repo, .. } => repo.to_string(),
        ModelRef::Path(path) => path.to_string(),
    };
    let message = format!("{} could not be fetched: {meaning}", fetch.target());
    Failure::new(*code, message).help(help.replace("REPO", &repo)).lines(failure.lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_says_is_understood() {
        let table = [
            ("Error: Access denied. Model 'acme/gated' requires approval.", "no-access"),
            (
                "Error: Model 'org/nope' not found.\nIf the repo is private, make sure you are authenticated",
                "no-such-repo",
            ),
            (
                "Error: Client error '401 Unauthorized' for url 'http://x'\nInvalid credentials in Authorization header",
                "bad-token",
            ),
            ("Error: Revision not found in model 'org/tiny'.", "no-such-revision"),
            ("Error: File not found in model 'org/tiny'.\nURL: http://x/nofile.bin", "no-such-file"),
            ("Error: Local entry not found. [Errno 111] Connection refused", "hub-unreachable"),
            ("Error: Local entry not found. [Errno -2] Name or service not known", "hub-unreachable"),
            ("OSError: [Errno 28] No space left on device: '/x'", "no-space"),
            ("something else", "script-failed"),
        ];
        let fetch = Fetch {
            model: ModelRef::parse("org/tiny").unwrap(),
            commit: None,
            known_as: "main".to_owned(),
            choice: crate::hub::Choice::default(),
            files: std::collections::BTreeMap::new(),
            left_out: Vec::new(),
            missing: None,
        };
        for (said, code) in table {
            let lines = said.lines().map(str::to_owned);
            let failure = fetch_failed(&fetch, Failure::new("script-failed", "x").lines(lines));
            assert_eq!(failure.code, code, "{said}");
        }
    }
}
