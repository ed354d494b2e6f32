//! In: `file`, `model` and `model-config` records. Out: the files that the probe took the size of, and what is at model paths.

use super::records::Records;
use crate::observe::facts::PathSeen;
use crate::units::Bytes;
use std::collections::BTreeMap;

/// A `file` record: what `stat -L -c '%f %i %s %n'` said.
pub(super) struct File<'a> {
    /// Neither a directory nor anything strange.
    pub(super) regular: bool,
    /// By which links to one blob are told from two blobs.
    pub(super) inode: &'a str,
    /// Its size.
    pub(super) bytes: u64,
    /// Its absolute path.
    pub(super) path: &'a str,
}

/// All of them; a half-written record is none.
pub(super) fn files(records: &Records) -> Vec<File<'_>> {
    records.rows("file").iter().filter_map(|row| file(row)).collect()
}

fn file(row: &[String]) -> Option<File<'_>> {
    let [mode, inode, bytes, path, ..] = row else { return None };
    let kind = u32::from_str_radix(mode, 16).ok()? & 0o170_000;
    Some(File { regular: kind == 0o100_000, inode, bytes: bytes.parse().ok()?, path })
}

/// What is at the model paths that were asked about.
pub(super) fn model_paths(records: &Records) -> BTreeMap<String, PathSeen> {
    let files = files(records);
    let asked = records.rows("model").iter().filter_map(|row| row.first());
    let seen = asked.filter_map(|path| {
        let top = files.iter().find(|file| file.path == path)?;
        let bytes = if top.regular { top.bytes } else { inside(path, "", &files) };
        let config = records.named("model-config", path).find_map(|rest| rest.first().cloned());
        let seen = PathSeen {
            directory: !top.regular,
            bytes: Bytes(bytes),
            safetensors: Bytes(inside(path, ".safetensors", &files)),
            config: config.filter(|_| !top.regular),
        };
        Some((path.clone(), seen))
    });
    seen.collect()
}

/// Bytes of the files right in a directory whose name ends so.
fn inside(directory: &str, end: &str, files: &[File<'_>]) -> u64 {
    let right_in = |path: &str| {
        let rest = path.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'));
        rest.is_some_and(|rest| !rest.contains('/') && rest.ends_with(end))
    };
    files.iter().filter(|file| file.regular && right_in(file.path)).map(|file| file.bytes).sum()
}
