//! Which files of a room use each other, and whether in a circle: then neither can be read before the other.

use super::code::Path;
use super::files::File;
use std::collections::{BTreeMap, BTreeSet};

/// Modules by their path from `src/`, `plan/usage/gpus`, and what each uses of its own room.
pub(super) struct Graph(BTreeMap<String, BTreeSet<String>>);

impl Graph {
    /// A file and the files below it count as one where the upper one uses the lower: it has declared them.
    pub(super) fn of(files: &[File]) -> Self {
        let mut modules: BTreeSet<String> = files.iter().map(module).collect();
        let rooms: Vec<String> =
            modules.iter().filter_map(|it| Some(it.rsplit_once('/')?.0.to_owned())).collect();
        modules.extend(rooms);
        let mut doors: BTreeMap<(String, String), String> = BTreeMap::new();
        for file in files {
            for path in file.code.exports() {
                let name = path.segments.last().cloned().unwrap_or_default();
                if let Some((meant, _)) = resolve(&modules, &module(file), &path) {
                    doors.insert((module(file), name), meant);
                }
            }
        }
        let used = |file: &File| {
            let own = module(file);
            let room = own.split('/').next().unwrap_or_default().to_owned();
            let below = format!("{own}/");
            let paths = file.code.paths().into_iter();
            let meant = paths.filter_map(|path| {
                let (module, name) = resolve(&modules, &own, &path)?;
                Some(name.and_then(|name| doors.get(&(module.clone(), name)).cloned()).unwrap_or(module))
            });
            let of_room = |used: &String| {
                (*used == room || used.starts_with(&format!("{room}/")))
                    && *used != own
                    && !used.starts_with(&below)
            };
            (own.clone(), meant.filter(of_room).collect())
        };
        Self(files.iter().map(used).collect())
    }

    /// One circle, if there is any: each uses the next, and the last the first.
    pub(super) fn circle(&self) -> Option<Vec<String>> {
        let mut done = BTreeSet::new();
        self.0.keys().find_map(|first| self.circle_from(first, &mut Vec::new(), &mut done))
    }

    fn circle_from(
        &self,
        at: &str,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(begin) = way.iter().position(|module| module == at) {
            return Some(way[begin..].to_vec());
        }
        if done.contains(at) {
            return None;
        }
        way.push(at.to_owned());
        let found = self.0.get(at).into_iter().flatten().find_map(|next| self.circle_from(next, way, done));
        way.pop();
        done.insert(at.to_owned());
        found
    }
}

/// `plan/usage/gpus` of `plan/usage/gpus.rs`, `plan` of `plan/mod.rs`.
fn module(file: &File) -> String {
    let stem = file.path.strip_suffix(".rs").unwrap_or(&file.path);
    stem.strip_suffix("/mod").unwrap_or(stem).to_owned()
}

/// The module that a path leads to, and the name of what is meant in it.
fn resolve(modules: &BTreeSet<String>, own: &str, path: &Path) -> Option<(String, Option<String>)> {
    let mut at: Vec<&str> = own.split('/').collect();
    let mut rest = path.segments.iter().map(String::as_str).peekable();
    match *rest.peek()? {
        "crate" => {
            at.clear();
            rest.next();
        }
        "self" => drop(rest.next()),
        "super" => {
            while rest.next_if_eq(&"super").is_some() {
                at.pop();
            }
        }
        child if modules.contains(&format!("{own}/{child}")) => {}
        _ => return None,
    }
    while let Some(next) = rest.peek() {
        let below = at.iter().copied().chain([*next]).collect::<Vec<_>>().join("/");
        if !modules.contains(&below) {
            break;
        }
        at.push(rest.next()?);
    }
    let module = at.join("/");
    modules.contains(&module).then(|| (module, rest.next().map(str::to_owned)))
}

#[test]
fn a_circle_is_found_also_through_a_door() {
    type Texts = &'static [(&'static str, &'static str)];
    let table: [(Texts, Option<&str>); 6] = [
        (&[("a/b.rs", "use crate::a::c::X;"), ("a/c.rs", "")], None),
        (&[("a/b.rs", "use crate::a::c::X;"), ("a/c.rs", "use super::b::Y;")], Some("a/b a/c")),
        (&[("a/b.rs", "use crate::e::X;"), ("e.rs", "use crate::a::b::Y;")], None),
        (
            &[
                ("a/mod.rs", "pub use b::X;"),
                ("a/b.rs", "use crate::a::c::Y;"),
                ("a/c.rs", "use crate::a::X;"),
            ],
            Some("a/b a/c"),
        ),
        (&[("a/mod.rs", "mod b;\nuse b::X;"), ("a/b.rs", "use super::Y;")], None),
        (&[("a/b.rs", "fn f() { crate::a::c::g() }"), ("a/c.rs", "use crate::a::b;")], Some("a/b a/c")),
    ];
    for (texts, expected) in table {
        let files: Vec<File> = texts.iter().map(|(path, text)| File::new(path, text)).collect();
        let circle = Graph::of(&files).circle().map(|circle| circle.join(" "));
        assert_eq!(circle.as_deref(), expected, "{texts:?}");
    }
}
