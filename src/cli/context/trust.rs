//! Whether a manifest that was found, not named, is the person's own.
//!
//! It names commands that `pi` runs on this machine: for secrets, and by ssh's options. So whoever may write it, or
//! may put another one in its place, could have it run what they like. The rules are those of git's `safe.directory`
//! for owners and of OpenSSH's `StrictModes`, as Debian has it, for what others may write.

use crate::cli::terminal::exit::usage;
use crate::manifest::{By, Found};
use miette::{IntoDiagnostic, Result, WrapErr};
use nix::unistd::{Gid, Group, Uid, User, geteuid};
use std::fs::{Metadata, metadata, read_link, symlink_metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// As many links as Linux follows.
const LINKS: usize = 40;

/// Its path, if it was named or is only the person's to write.
///
/// # Errors
/// Somebody else owns it or its directory, or may write them; says who, and how to go on.
pub(in crate::cli) fn trusted(found: Found) -> Result<PathBuf> {
    let Found { path, by } = found;
    if by == By::Place
        && let Some(why) = doubt(&path).into_diagnostic().wrap_err_with(|| cannot_look(&path))?
    {
        let shown = path.display();
        let help = format!(
            "it could make pi run commands as you. If you trust it, name it: --manifest {shown}, or set PI_MANIFEST"
        );
        return Err(usage(format!("{shown} was found, not named, and {why}"), help));
    }
    Ok(path)
}

fn cannot_look(path: &Path) -> String {
    format!("cannot see who may write {}", path.display())
}

/// Looks at the file and its directory; of a link at both ends, and at those between.
fn doubt(path: &Path) -> std::io::Result<Option<String>> {
    let me = Me::now();
    let mut at = path.to_owned();
    for _ in 0..LINKS {
        let directory = at.parent().unwrap_or(Path::new("/")).to_owned();
        let found = symlink_metadata(&at)?;
        for (path, seen) in [(&at, Seen::of(&found)), (&directory, Seen::of(&metadata(&directory)?))] {
            if let Some(why) = refusal(seen, me, is_own_group) {
                return Ok(Some(why.words(path)));
            }
        }
        if !found.is_symlink() {
            return Ok(None);
        }
        at = directory.join(read_link(&at)?);
    }
    Ok(Some("leads through too many links".to_owned()))
}

/// Who runs pi.
#[derive(Debug, Clone, Copy)]
struct Me {
    uid: u32,
    /// Who called sudo, where root runs it.
    sudo: Option<u32>,
}

impl Me {
    fn now() -> Self {
        let sudo = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok());
        let uid = geteuid();
        Self { uid: uid.as_raw(), sudo: sudo.filter(|_| uid.is_root()) }
    }
}

/// Who owns something, and who may write it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    uid: u32,
    gid: u32,
    mode: u32,
}

impl Seen {
    fn of(found: &Metadata) -> Self {
        // a link is written by nobody: it can only be replaced
        let mode = if found.is_symlink() { 0 } else { found.mode() };
        Self { uid: found.uid(), gid: found.gid(), mode }
    }
}

/// Why something is not only the person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Owner(u32),
    Group(u32),
    Everybody,
}

/// Owners may be the person, root, and whoever called sudo; nobody else may write. The sticky bit of a directory helps
/// nothing: others may still put files beside the manifest, which it names by relative paths.
fn refusal(seen: Seen, me: Me, is_own_group: impl Fn(u32, u32) -> bool) -> Option<Refusal> {
    let Seen { uid, gid, mode } = seen;
    if uid != me.uid && uid != 0 && Some(uid) != me.sudo {
        return Some(Refusal::Owner(uid));
    }
    if mode & 0o002 != 0 {
        return Some(Refusal::Everybody);
    }
    (mode & 0o020 != 0 && !is_own_group(uid, gid)).then_some(Refusal::Group(gid))
}

/// Whether a group is the owner's alone: root's, or one of the owner's name without other members, which systems make
/// for each user so that a umask of 002 is safe.
fn is_own_group(uid: u32, gid: u32) -> bool {
    let Ok(Some(group)) = Group::from_gid(Gid::from_raw(gid)) else { return gid == 0 };
    let owner = User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
    let own = gid == 0 || owner.as_ref() == Some(&group.name);
    own && group.mem.iter().all(|member| Some(member) == owner.as_ref() || member == "root")
}

impl Refusal {
    fn words(self, of: &Path) -> String {
        let of = of.display();
        match self {
            Self::Owner(uid) => {
                let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
                let name = user.map_or_else(|| format!("user {uid}"), |user| format!("`{}`", user.name));
                format!("{name} owns {of}")
            }
            Self::Group(gid) => {
                let group = Group::from_gid(Gid::from_raw(gid)).ok().flatten();
                let name = group.map_or_else(|| gid.to_string(), |group| format!("`{}`", group.name));
                format!("others of group {name} may write {of}")
            }
            Self::Everybody => format!("everybody may write {of}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_person_and_root_may_write_is_trusted() {
        let (ann, root, bob) = (1000, 0, 1001);
        let (anns, staff) = (1000, 50);
        let user = Me { uid: ann, sudo: None };
        let admin = Me { uid: root, sudo: None };
        let sudo = Me { uid: root, sudo: Some(ann) };
        let table = [
            (user, (ann, anns, 0o100_644), None),
            (user, (root, 0, 0o100_644), None),
            (user, (root, 0, 0o040_775), None),
            (user, (ann, anns, 0o040_775), None),
            (user, (ann, anns, 0o100_664), None),
            (user, (ann, staff, 0o040_755), None),
            (user, (ann, staff, 0o042_775), Some(Refusal::Group(staff))),
            (user, (ann, staff, 0o100_664), Some(Refusal::Group(staff))),
            (user, (bob, staff, 0o100_600), Some(Refusal::Owner(bob))),
            (user, (ann, anns, 0o100_666), Some(Refusal::Everybody)),
            (user, (root, 0, 0o041_777), Some(Refusal::Everybody)),
            (admin, (root, 0, 0o100_644), None),
            (admin, (ann, anns, 0o100_644), Some(Refusal::Owner(ann))),
            (sudo, (ann, anns, 0o040_775), None),
            (sudo, (root, 0, 0o040_755), None),
            (sudo, (bob, anns, 0o040_755), Some(Refusal::Owner(bob))),
        ];
        let own = |uid, gid| uid == gid;
        for (me, (uid, gid, mode), expected) in table {
            assert_eq!(refusal(Seen { uid, gid, mode }, me, own), expected, "{me:?} {uid} {gid} {mode:o}");
        }
    }

    #[test]
    fn a_group_of_ones_own_is_told_by_its_members() {
        assert!(is_own_group(0, 0));
        assert!(!is_own_group(0, 4_000_000), "nobody knows that group");
        assert!(!is_own_group(4_000_000, 100), "nobody knows that user");
    }
}
