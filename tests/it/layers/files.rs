//! The files below `src/` that the rules are held against.

use super::code::Code;
use std::fs;

/// One file below `src/`.
pub(super) struct File {
    /// From `src/`: `plan/mod.rs`.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) code: Code,
}

impl File {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: Code::of(text) }
    }

    /// The module it belongs to: `plan`.
    pub(super) fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many `super::` it takes from here to the crate's root.
    pub(super) fn depth(&self) -> usize {
        self.path.split('/').filter(|part| *part != "mod.rs").count()
    }

    pub(super) fn is_one_of(&self, places: &[(&str, &str)]) -> bool {
        places.iter().any(|(place, _)| self.path.starts_with(place))
    }
}

/// Every file below `src/` that is compiled for more than tests.
pub(super) fn files() -> Vec<File> {
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut directories = vec![src.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push(File::new(path.strip_prefix(&src).unwrap().to_str().unwrap(), &text));
            }
        }
    }
    let tests: Vec<String> = files.iter().flat_map(test_modules).collect();
    files.retain(|file| !tests.iter().any(|test| file.path.starts_with(test)));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Where the modules are that a file declares for tests alone: `plan/tests.rs`, `plan/tests/`.
fn test_modules(file: &File) -> Vec<String> {
    let stem = file.path.strip_suffix(".rs").unwrap_or(&file.path);
    let inside = match stem.rsplit_once('/') {
        Some((directory, "mod")) => format!("{directory}/"),
        _ if stem == "lib" => String::new(),
        _ => format!("{stem}/"),
    };
    let declared = file.text.split("#[cfg(test)]\nmod ").skip(1);
    let names = declared.filter_map(|rest| rest.split_once(';')).map(|(name, _)| name);
    let names = names.filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
    names.flat_map(|name| [format!("{inside}{name}.rs"), format!("{inside}{name}/")]).collect()
}

#[test]
fn modules_for_tests_alone_are_known() {
    let text = "#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod laws {\n}\nmod real;\n";
    for (path, expected) in [
        ("a/mod.rs", ["a/tests.rs", "a/tests/"]),
        ("a/b.rs", ["a/b/tests.rs", "a/b/tests/"]),
        ("lib.rs", ["tests.rs", "tests/"]),
    ] {
        assert_eq!(test_modules(&File::new(path, text)), expected, "{path}");
    }
}
