//! Reading what the hub sends.

use super::facts::{HubFile, NoAnswer};
use crate::units::Bytes;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a revision means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) commit: String,
    pub(super) gated: bool,
    pub(super) private: bool,
}

/// Why a request was refused: by its status and the hub's own `X-Error-Code`.
pub(super) fn refused(status: u16, code: &str, token: TokenSent) -> NoAnswer {
    match (status, code, token) {
        (_, "RevisionNotFound", _) => NoAnswer::NoSuchRevision,
        (401, "GatedRepo", TokenSent::No) => NoAnswer::NeedsToken,
        (_, "GatedRepo", _) | (403, _, _) => NoAnswer::NoAccess,
        // without a token the hub does not tell what is private from what does not exist
        (_, "RepoNotFound", _) | (404, _, _) => NoAnswer::NotFound,
        (401, _, TokenSent::Yes) => NoAnswer::BadToken,
        (401, _, TokenSent::No) => NoAnswer::NeedsToken,
        (429, _, _) => NoAnswer::Failed("too many requests; it answers again in some minutes".to_owned()),
        _ => NoAnswer::Failed(format!("it answers with status {status}")),
    }
}

/// Whether a token went with the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenSent {
    Yes,
    No,
}

/// `GET /api/models/{repo}/revision/{revision}`
pub(super) fn resolved(body: &[u8]) -> Result<Resolved, NoAnswer> {
    #[derive(Deserialize)]
    struct Info {
        sha: String,
        /// `false`, `"auto"` or `"manual"`
        #[serde(default)]
        gated: Value,
        #[serde(default)]
        private: bool,
    }
    let Info { sha, gated, private } = serde_json::from_slice(body).map_err(|error| odd(&error))?;
    if !super::facts::is_commit(&sha) {
        return Err(NoAnswer::Failed(format!("`{sha}` is no commit")));
    }
    let gated = !matches!(gated, Value::Bool(false) | Value::Null);
    Ok(Resolved { commit: sha, gated, private })
}

/// One page of `GET /api/models/{repo}/tree/{commit}?recursive=true`
pub(super) fn files(body: &[u8]) -> Result<BTreeMap<String, HubFile>, NoAnswer> {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "type")]
        kind: String,
        path: String,
        #[serde(default)]
        size: u64,
        #[serde(default)]
        oid: String,
        lfs: Option<Lfs>,
    }
    #[derive(Deserialize)]
    struct Lfs {
        oid: String,
        size: u64,
    }
    let entries: Vec<Entry> = serde_json::from_slice(body).map_err(|error| odd(&error))?;
    let files = entries.into_iter().filter(|entry| entry.kind == "file" && is_plain(&entry.path));
    let file = |entry: Entry| {
        let Entry { path, size, oid, lfs, kind: _ } = entry;
        let (bytes, blob) = lfs.map_or((size, oid), |lfs| (lfs.size, lfs.oid));
        (path, HubFile { bytes: Bytes(bytes), blob })
    };
    Ok(files.map(file).collect())
}

/// Names end up in scripts and in listings: one with control characters, or one that leads out, is none of ours.
fn is_plain(path: &str) -> bool {
    !path.starts_with(['/', '-']) && !path.chars().any(char::is_control) && path.split('/').all(|p| p != "..")
}

/// The next page, of a `Link` header: `<https://…>; rel="next"`.
pub(super) fn next_page(link: &str) -> Option<&str> {
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    next.trim().strip_prefix('<')?.split_once('>').map(|(url, _)| url)
}

fn odd(error: &serde_json::Error) -> NoAnswer {
    NoAnswer::Failed(format!("its answer can't be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        use NoAnswer::{BadToken, NeedsToken, NoAccess, NoSuchRevision, NotFound};
        let table = [
            (401, "GatedRepo", TokenSent::No, NeedsToken),
            (403, "GatedRepo", TokenSent::Yes, NoAccess),
            (401, "GatedRepo", TokenSent::Yes, NoAccess),
            (403, "", TokenSent::Yes, NoAccess),
            (401, "RepoNotFound", TokenSent::No, NotFound),
            (404, "RepoNotFound", TokenSent::Yes, NotFound),
            (404, "", TokenSent::No, NotFound),
            (401, "", TokenSent::Yes, BadToken),
            (404, "RevisionNotFound", TokenSent::No, NoSuchRevision),
        ];
        for (status, code, token, expected) in table {
            assert_eq!(refused(status, code, token), expected, "{status} {code} {token:?}");
        }
        for status in [429, 500, 502, 418] {
            assert!(matches!(refused(status, "", TokenSent::Yes), NoAnswer::Failed(_)), "{status}");
        }
    }

    #[test]
    fn a_revision_is_resolved() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        let table = [
            (
                format!(r#"{{"sha":"{sha}","gated":false,"private":false,"siblings":[]}}"#),
                Some((false, false)),
            ),
            (format!(r#"{{"sha":"{sha}","gated":"manual","private":true}}"#), Some((true, true))),
            (format!(r#"{{"sha":"{sha}"}}"#), Some((false, false))),
            (r#"{"sha":"main"}"#.to_owned(), None),
            ("<html>".to_owned(), None),
        ];
        for (body, expected) in table {
            let read = resolved(body.as_bytes()).ok();
            assert_eq!(read.map(|r| (r.gated, r.private)), expected, "{body}");
        }
    }

    #[test]
    fn files_have_the_name_that_the_cache_gives_them() {
        let body = r#"[
            {"type":"directory","oid":"d","size":0,"path":"sub"},
            {"type":"file","oid":"aa","size":519,"path":"sub/config.json"},
            {"type":"file","oid":"bb","size":134,"lfs":{"oid":"cc","size":65000000000,"pointerSize":134},"path":"model.safetensors"},
            {"type":"file","oid":"x","size":1,"path":"../out"},
            {"type":"file","oid":"x","size":1,"path":"a\nb"}
        ]"#;
        let files = files(body.as_bytes()).unwrap();
        let seen: Vec<_> =
            files.iter().map(|(path, f)| (path.as_str(), f.bytes.0, f.blob.as_str())).collect();
        assert_eq!(seen, [("model.safetensors", 65_000_000_000, "cc"), ("sub/config.json", 519, "aa")]);
    }

    #[test]
    fn pages_are_followed() {
        let table = [
            (r#"<https://hub/x?cursor=a>; rel="next""#, Some("https://hub/x?cursor=a")),
            (r#"<https://hub/x>; rel="prev", <https://hub/y>; rel="next""#, Some("https://hub/y")),
            (r#"<https://hub/x>; rel="prev""#, None),
            ("", None),
        ];
        for (link, expected) in table {
            assert_eq!(next_page(link), expected, "{link}");
        }
    }
}
