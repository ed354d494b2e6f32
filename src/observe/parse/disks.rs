//! In: `df` and `mount` records. Out: the disks behind paths, and what is mounted on mount targets.

use super::records::{Records, odd};
use crate::observe::facts::Section;
use crate::observe::facts::{Disk, MountSeen, ProbeFailure};
use crate::units::Bytes;
use std::collections::BTreeMap;

/// A row of `df --output=fstype,size,avail,target,file`.
struct DfRow<'a> {
    kind: &'a str,
    size: Bytes,
    free: Bytes,
    /// Target and file: both may have blanks in them, so they are told apart by the file that was asked about.
    rest: &'a str,
}

/// For each path the disk behind it, or behind the nearest directory above it that exists.
pub(super) fn disks(records: &Records, paths: &[&str], gaps: &mut Vec<ProbeFailure>) -> Vec<Disk> {
    let mut rows = Vec::new();
    for row in records.rows("df") {
        match row.first().and_then(|text| df_row(text)) {
            Some(parsed) => rows.push(parsed),
            None => gaps.push(odd(Section::Disks, row)),
        }
    }
    paths.iter().filter(|path| !path.is_empty()).filter_map(|path| disk(path, &rows)).collect()
}

fn disk(path: &str, rows: &[DfRow<'_>]) -> Option<Disk> {
    // a missing /dev/shm is a fact, not a directory of the root disk
    let fixed = matches!(path, "/dev/shm" | "/tmp");
    let mut above =
        std::iter::successors(Some(path), |path| parent(path)).take(if fixed { 1 } else { usize::MAX });
    above.find_map(|file| rows.iter().find_map(|row| row.of(file).map(|target| row.disk(path, target))))
}

fn parent(path: &str) -> Option<&str> {
    match path.rsplit_once('/')? {
        ("", "") => None,
        ("", _) => Some("/"),
        (parent, _) => Some(parent),
    }
}

fn df_row(text: &str) -> Option<DfRow<'_>> {
    let (kind, rest) = text.trim_start().split_once(' ')?;
    let (size, rest) = rest.trim_start().split_once(' ')?;
    let (free, rest) = rest.trim_start().split_once(' ')?;
    Some(DfRow { kind, size: Bytes(size.parse().ok()?), free: Bytes(free.parse().ok()?), rest: rest.trim() })
}

impl<'a> DfRow<'a> {
    /// The target, if the row is about this file.
    fn of(&self, file: &str) -> Option<&'a str> {
        self.rest.strip_suffix(file)?.strip_suffix(' ').map(str::trim_end)
    }

    fn disk(&self, path: &str, target: &str) -> Disk {
        Disk {
            path: path.to_owned(),
            mounted_on: target.to_owned(),
            kind: self.kind.to_owned(),
            size: self.size,
            free: self.free,
        }
    }
}

/// What is mounted on each target that was asked about.
pub(super) fn mounts(records: &Records, gaps: &mut Vec<ProbeFailure>) -> BTreeMap<String, MountSeen> {
    let mut mounts = BTreeMap::new();
    for row in records.rows("mount") {
        match row.as_slice() {
            [target, _, kind, ..] if kind.is_empty() => {
                mounts.insert(target.clone(), MountSeen::Nothing);
            }
            [target, source, kind, ..] => {
                let seen = MountSeen::Mounted { source: unescaped(source), kind: kind.clone() };
                mounts.insert(target.clone(), seen);
            }
            _ => gaps.push(odd(Section::Mounts, row)),
        }
    }
    mounts
}

/// `\040` as /proc/self/mountinfo writes blanks; other control characters stay escaped.
fn unescaped(text: &str) -> String {
    text.replace("\\040", " ").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_that_of_the_nearest_directory_that_exists() {
        let text = "pi-probe\t1\n\
            df\toverlay 100 40 /         /root\n\
            df\toverlay 100 40 /         /\n\
            df\tnfs4    900 70 /mnt/my share /mnt/my share/hf models\n\
            df\ttmpfs     -  - /dev/shm  /dev/shm\n\
            end";
        let mut gaps = Vec::new();
        let paths = ["/root/.pi", "/mnt/my share/hf models/x", "/srv/a/b", "/dev/shm", "/tmp"];
        let disks = disks(&Records::of(text), &paths, &mut gaps);
        let short: Vec<_> = disks
            .iter()
            .map(|d| (d.path.as_str(), d.mounted_on.as_str(), d.kind.as_str(), d.free.0))
            .collect();
        assert_eq!(
            short,
            [
                ("/root/.pi", "/", "overlay", 40),
                ("/mnt/my share/hf models/x", "/mnt/my share", "nfs4", 70),
                ("/srv/a/b", "/", "overlay", 40),
            ]
        );
        assert_eq!(gaps.len(), 1, "{gaps:?}");
    }
}
