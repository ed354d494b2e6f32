//! `rg`: search in files, by ripgrep's own libraries.

use crate::agent::tools::confine::Grounds;
use crate::agent::tools::rg_args::{Args as Flags, Words};
use grep_matcher::Matcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkMatch};
use ignore::overrides::OverrideBuilder;
use ignore::types::TypesBuilder;
use ignore::{Walk, WalkBuilder};
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long is searched.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most characters of one line.
const WIDE: usize = 500;

#[derive(Debug, Deserialize)]
pub(super) struct Args {
    args: Words,
}

pub(super) fn run(grounds: &Grounds, args: &Args) -> Result<String, String> {
    let flags = Flags::parse_words(&args.args)?;
    let (patterns, paths) = flags.patterns_and_paths()?;
    let roots: Vec<PathBuf> = paths.iter().map(|path| grounds.resolve(path)).collect::<Result<_, _>>()?;
    let matcher = matcher(&flags, &patterns)?;
    let mut searcher = searcher(&flags);
    let until = Instant::now() + PATIENCE;
    let mut found = Found { out: String::new(), full: false };
    for entry in walk(&flags, grounds, &roots)?.flatten() {
        if Instant::now() > until {
            found.out.push_str("[stopped after 10 s: there may be more]\n");
            break;
        }
        // links are not followed, and a pipe would be waited for
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let name = grounds.shown(entry.path());
        if flags.files {
            found.line(&name);
        } else {
            search(&mut searcher, (&matcher, &flags), (entry.path(), &name), &mut found);
        }
        if found.full {
            break;
        }
    }
    if found.out.is_empty() { Ok("nothing was found".to_owned()) } else { Ok(found.out) }
}

fn matcher(flags: &Flags, patterns: &[&str]) -> Result<RegexMatcher, String> {
    let mut builder = RegexMatcherBuilder::new();
    builder
        .case_insensitive(flags.ignore_case)
        .case_smart(flags.smart_case)
        .word(flags.word_regexp)
        .whole_line(flags.line_regexp)
        .fixed_strings(flags.fixed_strings)
        .multi_line(true)
        .line_terminator(Some(b'\n'));
    builder.build_many(patterns).map_err(|error| format!("rg: {error}"))
}

fn searcher(flags: &Flags) -> Searcher {
    // with -o, -l and -c the lines around are of no use
    let around = !flags.only_matching && !flags.files_with_matches && !flags.count;
    let lines = |own: usize| if around { own.max(flags.context) } else { 0 };
    SearcherBuilder::new()
        .binary_detection(BinaryDetection::quit(0))
        .line_number(true)
        .invert_match(flags.invert_match)
        .after_context(lines(flags.after_context))
        .before_context(lines(flags.before_context))
        .max_matches(flags.max_count)
        // a line without end must not fill the memory
        .heap_limit(Some(64 << 20))
        .build()
}

fn walk(flags: &Flags, grounds: &Grounds, roots: &[PathBuf]) -> Result<Walk, String> {
    let mut types = TypesBuilder::new();
    types.add_defaults();
    for name in &flags.types {
        types.select(name);
    }
    for name in &flags.types_not {
        types.negate(name);
    }
    let mut globs = OverrideBuilder::new(grounds.root());
    for glob in &flags.glob {
        globs.add(glob).map_err(|error| format!("rg: {error}"))?;
    }
    let mut roots = roots.iter();
    let mut builder = WalkBuilder::new(roots.next().ok_or("rg: there is nowhere to search")?);
    for root in roots {
        builder.add(root);
    }
    builder
        .types(types.build().map_err(|error| format!("rg: {error}"))?)
        .overrides(globs.build().map_err(|error| format!("rg: {error}"))?)
        .hidden(!flags.hidden)
        .require_git(false)
        .sort_by_file_path(Ord::cmp)
        .filter_entry(|entry| entry.file_name() != ".git");
    if flags.no_ignore {
        builder.ignore(false).git_ignore(false).git_exclude(false).git_global(false).parents(false);
    }
    Ok(builder.build())
}

/// Searches one file. One that can't be read is passed over, as a binary one is.
fn search(
    searcher: &mut Searcher,
    (matcher, flags): (&RegexMatcher, &Flags),
    (path, name): (&Path, &str),
    found: &mut Found,
) {
    let mut lines = Lines { matcher, flags, name, found, count: 0 };
    if searcher.search_path(matcher, path, &mut lines).is_err() {
        return;
    }
    let count = lines.count;
    if count > 0 && flags.files_with_matches {
        found.line(name);
    } else if count > 0 && flags.count {
        found.line(&format!("{name}:{count}"));
    }
}

/// What was found so far; no more than can be given.
struct Found {
    out: String,
    full: bool,
}

impl Found {
    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
        self.full = self.out.len() > super::MOST;
    }
}

/// The lines of one file.
struct Lines<'a> {
    matcher: &'a RegexMatcher,
    flags: &'a Flags,
    name: &'a str,
    found: &'a mut Found,
    count: u64,
}

impl Lines<'_> {
    fn tell(&mut self, sign: char, number: Option<u64>, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches(['\n', '\r']);
        let mut shown: String = text.chars().take(WIDE).collect();
        if text.chars().nth(WIDE).is_some() {
            shown.push_str(" [cut]");
        }
        self.found.line(&format!("{}{sign}{}{sign}{shown}", self.name, number.unwrap_or_default()));
        !self.found.full
    }
}

impl Sink for Lines<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, line: &SinkMatch<'_>) -> Result<bool, io::Error> {
        self.count += 1;
        if self.flags.files_with_matches {
            return Ok(false);
        }
        if self.flags.count {
            return Ok(true);
        }
        if !self.flags.only_matching || self.flags.invert_match {
            return Ok(self.tell(':', line.line_number(), line.bytes()));
        }
        let mut at = Vec::new();
        let matcher = self.matcher;
        matcher.find_iter(line.bytes(), |part| {
            at.push(part);
            true
        })?;
        Ok(at.iter().all(|part| self.tell(':', line.line_number(), &line.bytes()[*part])))
    }

    fn context(&mut self, _: &Searcher, line: &SinkContext<'_>) -> Result<bool, io::Error> {
        Ok(self.tell('-', line.line_number(), line.bytes()))
    }

    fn context_break(&mut self, _: &Searcher) -> Result<bool, io::Error> {
        self.found.line("--");
        Ok(!self.found.full)
    }
}
