//! Why an engine could not be installed, by what uv said: each was heard from uv 0.13.

use crate::apply::event::Failure;

/// What uv says in lower case, the failure's code, what to do. The first that fits counts.
const SIGNS: [(&str, &str, &str); 7] = [
    ("no space left", "no-space", MAKE_ROOM),
    ("os error 28", "no-space", MAKE_ROOM),
    ("disk quota exceeded", "no-space", MAKE_ROOM),
    (
        "unknownissuer",
        "index-unreachable",
        "a proxy there signs with a certificate of its own, which the pod has to trust",
    ),
    ("no solution found", "no-such-package", "see the version in pi.toml, and `packages` in [engines]"),
    ("failed to fetch", "index-unreachable", REACH),
    ("error sending request", "index-unreachable", REACH),
];

const MAKE_ROOM: &str =
    "make room on the pod, or let `pi_path` name a larger disk; what was downloaded is kept";
const REACH: &str = "what was downloaded is kept; through a proxy or a mirror: env = { HTTPS_PROXY = \"…\" } or UV_DEFAULT_INDEX on the pod";

/// A failed installation, with what to do about it where that is known.
pub(super) fn build_failed(mut failure: Failure) -> Failure {
    // each of two hundred packages that were installed before it failed
    failure.lines.retain(|line| !line.trim_start().starts_with("+ "));
    let said = failure.lines.join("\n").to_lowercase();
    let Some((_, code, help)) = SIGNS.iter().find(|(sign, ..)| said.contains(sign)) else { return failure };
    Failure::new(*code, failure.message).help((*help).to_owned()).lines(failure.lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_that_were_installed_are_no_cause() {
        let lines = ["Installed 2 packages in 1ms", " + vllm==0.32.0", " + torch==2.13.0", "no headers"];
        let failure = Failure::new("failed", "it does not start").lines(lines.map(str::to_owned));
        assert_eq!(build_failed(failure).lines, ["Installed 2 packages in 1ms", "no headers"]);
    }

    #[test]
    fn what_uv_says_is_understood() {
        let table = [
            (
                "error: failed to write to file `/root/.pi/x`: No space left on device (os error 28)",
                "no-space",
            ),
            (
                "cause: Failed to fetch: https://pypi.org/simple/vllm/\ncause: operation timed out",
                "index-unreachable",
            ),
            (
                "cause: Failed to fetch: https://pypi.org/simple/vllm/\ncause: invalid peer certificate: UnknownIssuer",
                "index-unreachable",
            ),
            ("× No solution found when resolving dependencies:", "no-such-package"),
            ("Segmentation fault", "failed"),
        ];
        for (said, code) in table {
            let lines: Vec<String> = said.lines().map(str::to_owned).collect();
            let failure = build_failed(Failure::new("failed", "uv could not install vllm").lines(lines));
            assert_eq!(failure.code, code, "{said}");
            assert_eq!(failure.help.is_some(), code != "failed", "{said}");
        }
    }
}
