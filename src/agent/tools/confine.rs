//! Where tools may look: the working directory, what was allowed besides, and all below; after symlinks.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Directories, by their real paths.
#[derive(Debug, Clone)]
pub struct Grounds {
    root: PathBuf,
    allowed: Vec<PathBuf>,
}

impl Grounds {
    /// The working directory, and others that are allowed; an error with the path that is no directory.
    pub fn new(root: &Path, allowed: &[PathBuf]) -> Result<Self, (PathBuf, std::io::Error)> {
        let real = |path: &Path| directory(path).map_err(|error| (path.to_owned(), error));
        let root = real(root)?;
        let allowed = allowed.iter().map(|path| real(&root.join(path))).collect::<Result<_, _>>()?;
        Ok(Self { root, allowed })
    }

    /// The working directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What is allowed besides.
    #[must_use]
    pub fn allowed(&self) -> &[PathBuf] {
        &self.allowed
    }

    /// The real path of what a model names, if it is there and inside.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, String> {
        if path.contains('\0') {
            return Err("a path has no NUL in it".to_owned());
        }
        let named = self.root.join(path);
        match named.canonicalize() {
            Ok(real) if self.has(&real) => Ok(real),
            Ok(_) => Err(outside(path)),
            Err(error) => {
                // what is outside is not told apart from what is not there at all
                let real = named.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
                let inside = real.is_some_and(|real| self.has(&real));
                Err(if inside { missing(path, error.kind()) } else { outside(path) })
            }
        }
    }

    /// Whether a real path is inside.
    #[must_use]
    pub fn has(&self, real: &Path) -> bool {
        std::iter::once(&self.root).chain(&self.allowed).any(|directory| real.starts_with(directory))
    }

    /// A path as the model should see it: relative to the working directory where it is below.
    #[must_use]
    pub fn shown(&self, real: &Path) -> String {
        let shown = real.strip_prefix(&self.root).unwrap_or(real);
        if shown.as_os_str().is_empty() { ".".to_owned() } else { shown.display().to_string() }
    }
}

fn directory(path: &Path) -> std::io::Result<PathBuf> {
    let real = path.canonicalize()?;
    if real.is_dir() { Ok(real) } else { Err(ErrorKind::NotADirectory.into()) }
}

fn outside(path: &str) -> String {
    format!("{path} is outside of the working directory: that is not allowed")
}

fn missing(path: &str, kind: ErrorKind) -> String {
    if kind == ErrorKind::NotFound {
        format!("there is no {path}")
    } else {
        format!("{path} can't be opened: {kind}")
    }
}
