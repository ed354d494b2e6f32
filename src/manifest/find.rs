//! Where the manifest is.
//!
//! In: what the command line and the environment say. Out: a path and how it came to be, or where it was looked for.

use miette::miette;
use std::path::{Path, PathBuf};

/// The manifest's name in a directory.
const NAME: &str = "pi.toml";

/// What decides where the manifest is.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `--manifest FILE`.
    pub flag: Option<PathBuf>,
    /// `$PI_MANIFEST`; empty counts as unset.
    pub pi_manifest: Option<PathBuf>,
    /// `$PI_CONFIG_DIR`; empty counts as unset.
    pub pi_config_dir: Option<PathBuf>,
    /// The home directory, for the default of `$PI_CONFIG_DIR`.
    pub home: Option<PathBuf>,
    /// The working directory, absolute.
    pub cwd: PathBuf,
}

impl Surroundings {
    /// Where pi keeps what is the user's own: `$PI_CONFIG_DIR`, else `~/.pi`.
    #[must_use]
    pub fn config_dir(&self) -> Option<PathBuf> {
        let set = self.pi_config_dir.as_deref().filter(|dir| !dir.as_os_str().is_empty());
        set.map(|dir| self.cwd.join(dir)).or_else(|| Some(self.home.as_deref()?.join(".pi")))
    }
}

/// A manifest's path, absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// How it came to be this one.
    pub by: By,
}

/// How a manifest came to be the one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The person named it.
    Name,
    /// It lies where it is looked for: whoever may write there may have put it there.
    Place,
}

/// The manifest: `--manifest`, else `$PI_MANIFEST`, else the nearest `pi.toml` from the working directory upwards,
/// else the one in the config directory. `is_file` looks at the disk.
///
/// # Errors
/// None of them is there; says where it was looked for and how to begin.
pub fn find(around: &Surroundings, is_file: impl Fn(&Path) -> bool) -> miette::Result<Found> {
    let named = [("--manifest", &around.flag), ("$PI_MANIFEST", &around.pi_manifest)];
    for (by, path) in named {
        let Some(path) = path.as_deref().filter(|path| !path.as_os_str().is_empty()) else { continue };
        let path = around.cwd.join(path);
        if is_file(&path) {
            return Ok(Found { path, by: By::Name });
        }
        let help = "`pi init` writes a starter manifest to pi.toml";
        return Err(miette!(help = help, "{by} names {}, where no file is", path.display()));
    }
    let config = around.config_dir().map(|dir| dir.join(NAME));
    let above = around.cwd.ancestors().map(|dir| dir.join(NAME));
    let found = above.chain(config.clone()).find(|path| is_file(path));
    let found = found.map(|path| Found { path, by: By::Place });
    found.ok_or_else(|| missing(around, config.as_deref()))
}

fn missing(around: &Surroundings, config: Option<&Path>) -> miette::Report {
    let config = config.map(|path| format!(", and no {}", path.display())).unwrap_or_default();
    let help = "`pi init` writes a starter manifest, `pi init --local` one that serves a small model on this \
                machine; --manifest FILE or $PI_MANIFEST name one that lies elsewhere";
    miette!(help = help, "there is no manifest: no pi.toml in {} or above{config}", around.cwd.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Surroundings {
        Surroundings {
            home: Some("/home/ada".into()),
            cwd: "/work/team/eval".into(),
            ..Surroundings::default()
        }
    }

    fn found(around: &Surroundings, files: &[&str]) -> String {
        match find(around, |path| files.iter().any(|file| Path::new(file) == path)) {
            Ok(Found { path, by: By::Name }) => format!("{} by name", path.display()),
            Ok(Found { path, by: By::Place }) => path.display().to_string(),
            Err(report) => report.to_string(),
        }
    }

    #[test]
    fn the_nearest_manifest_wins_and_names_win_over_it() {
        let all = ["/work/team/pi.toml", "/work/pi.toml", "/home/ada/.pi/pi.toml", "/work/team/eval/x.toml"];
        let by_flag = Surroundings { flag: Some("x.toml".into()), ..around() };
        let by_variable = Surroundings { pi_manifest: Some("/work/pi.toml".into()), ..around() };
        let by_both = Surroundings { flag: Some("x.toml".into()), ..by_variable.clone() };
        let by_nothing =
            Surroundings { pi_manifest: Some("".into()), pi_config_dir: Some("".into()), ..around() };
        let elsewhere = Surroundings { pi_config_dir: Some("/etc/pi".into()), ..around() };
        let table = [
            (&by_flag, &all[..], "/work/team/eval/x.toml by name"),
            (&by_variable, &all, "/work/pi.toml by name"),
            (&by_both, &all, "/work/team/eval/x.toml by name"),
            (&by_nothing, &all, "/work/team/pi.toml"),
            (&by_nothing, &all[1..], "/work/pi.toml"),
            (&by_nothing, &all[2..], "/home/ada/.pi/pi.toml"),
            (&elsewhere, &["/etc/pi/pi.toml"], "/etc/pi/pi.toml"),
        ];
        for (around, files, expected) in table {
            assert_eq!(found(around, files), expected);
        }
    }

    #[test]
    fn where_nothing_is_the_places_are_named() {
        let flag = Surroundings { flag: Some("x.toml".into()), ..around() };
        assert_eq!(found(&flag, &[]), "--manifest names /work/team/eval/x.toml, where no file is");
        assert_eq!(
            found(&around(), &[]),
            "there is no manifest: no pi.toml in /work/team/eval or above, and no /home/ada/.pi/pi.toml"
        );
        let homeless = Surroundings { home: None, ..around() };
        assert_eq!(found(&homeless, &[]), "there is no manifest: no pi.toml in /work/team/eval or above");
    }
}
