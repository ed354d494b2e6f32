//! Rust source, read just closely enough: without comments, literals and tests, as paths and words with their lines.

/// A source file without comments, without what is inside literals, and without what only tests compile. Lines stay
/// where they are.
pub(super) struct Code(String);

/// A path as it is written, its groups expanded: `a::{b, c::d}` are `a::b` and `a::c::d`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) line: usize,
    pub(super) segments: Vec<String>,
}

impl Path {
    pub(super) fn begins_with(&self, path: &str) -> bool {
        let wanted: Vec<&str> = path.split("::").collect();
        self.segments.len() >= wanted.len() && self.segments.iter().zip(wanted).all(|(a, b)| a == b)
    }
}

impl Code {
    pub(super) fn of(text: &str) -> Self {
        Self(without_tests(&without_literals(text)))
    }

    /// Lines on which this text stands, not as a part of a longer word.
    pub(super) fn lines_with(&self, text: &str) -> Vec<usize> {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let (first, last) = (text.chars().next().unwrap(), text.chars().last().unwrap());
        let stands_alone = |at: usize| {
            let before = self.0[..at].chars().next_back();
            let after = self.0[at + text.len()..].chars().next();
            let part_of_a_word =
                word(first) && before.is_some_and(word) || word(last) && after.is_some_and(word);
            !part_of_a_word
        };
        let places = self.0.match_indices(text).map(|(at, _)| at);
        places.filter(|at| stands_alone(*at)).map(|at| self.line(at)).collect()
    }

    /// Every path of more than one segment.
    pub(super) fn paths(&self) -> Vec<Path> {
        let tokens: Vec<(usize, &str)> = tokens(&self.0);
        let mut paths = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            if is_word(tokens[at].1) && tokens.get(at + 1).is_some_and(|next| next.1 == "::") {
                at = path(&tokens, at, &[], &mut paths);
            } else {
                at += 1;
            }
        }
        paths.into_iter().map(|(at, segments)| Path { line: self.line(at), segments }).collect()
    }

    /// What it offers of other modules: the paths of its `pub use`.
    pub(super) fn exports(&self) -> Vec<Path> {
        let uses = regex::Regex::new(r"\bpub(?:\([^)]*\))? (use [^;]+;)").unwrap();
        uses.captures_iter(&self.0).flat_map(|found| Self(found[1].to_owned()).paths()).collect()
    }

    fn line(&self, at: usize) -> usize {
        self.0[..at].matches('\n').count() + 1
    }
}

/// Reads a path, or one branch of a group, from `at`; gives where it ends.
fn path(
    tokens: &[(usize, &str)],
    mut at: usize,
    prefix: &[String],
    paths: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let mut segments = prefix.to_vec();
    let begun = tokens[at].0;
    loop {
        match tokens.get(at).map(|token| token.1) {
            Some("{") => return group(tokens, at + 1, &segments, paths),
            Some(word) if is_word(word) || word == "*" => segments.push(word.to_owned()),
            // a turbofish: what is in it is read on its own
            _ => break,
        }
        at += 1;
        if tokens.get(at).is_none_or(|next| next.1 != "::") {
            break;
        }
        at += 1;
    }
    paths.push((begun, segments));
    at
}

fn group(
    tokens: &[(usize, &str)],
    mut at: usize,
    prefix: &[String],
    paths: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    while let Some((_, token)) = tokens.get(at) {
        match *token {
            "}" => return at + 1,
            word if is_word(word) || word == "*" => at = path(tokens, at, prefix, paths),
            _ => at += 1,
        }
    }
    at
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::`, and every other character by itself; each with where it begins.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let length = match first {
            _ if word > 0 => word,
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        if !first.is_whitespace() {
            tokens.push((code.len() - rest.len(), &rest[..length]));
        }
        rest = &rest[length..];
    }
    tokens
}

/// Blanks comments and what is inside of string and character literals.
fn without_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (keep, blank) = literal(rest, code.chars().next_back());
        code.push_str(&rest[..keep]);
        code.extend(rest[keep..keep + blank].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[keep + blank..];
    }
    code
}

/// How many bytes to keep, and how many behind them to blank. An `r` begins a raw string unless it ends a word.
fn literal(rest: &str, before: Option<char>) -> (usize, usize) {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let first = rest.chars().next().map_or(0, char::len_utf8);
    if rest.starts_with("//") {
        return (0, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (0, block_comment(rest));
    }
    if let Some(inside) = rest.strip_prefix('"') {
        return (1, ended_by(inside, '"'));
    }
    if !in_word && (rest.starts_with("r\"") || rest.starts_with("r#")) {
        let hashes = rest[1..].len() - rest[1..].trim_start_matches('#').len();
        let opening = 2 + hashes;
        if rest[1 + hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return (opening, rest[opening..].find(&end).map_or(rest.len() - opening, |at| at + end.len()));
        }
    }
    if let Some(inside) = rest.strip_prefix('\'') {
        let mut chars = inside.chars();
        let (one, two) = (chars.next(), chars.next());
        if one == Some('\\') || two == Some('\'') {
            return (1, ended_by(inside, '\''));
        }
    }
    (first, 0)
}

/// The length of a literal behind its opening quote, with its closing one.
fn ended_by(inside: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    inside.len()
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        match here {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Blanks every item below `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        let end = at + item(&rest[at..]);
        kept.extend(rest[at..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept
}

/// The length of an item: to its `;`, or to the end of its block.
fn item(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

#[test]
fn comments_literals_and_tests_are_not_code() {
    let table = [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        ("f(\"crate::x \\\" y\", 1)", "f(\"              , 1)"),
        ("r#\"a \" b\"# c", "r#\"        c"),
        ("('\\'', '\"', 'a', &'a str)", "('   , '  , '  , &'a str)"),
        ("a;\n#[cfg(test)]\nmod tests {\n  { b }\n}\nc", "a;\n            \n           \n       \n \nc"),
        ("#[cfg(test)]\nmod tests;\nc", "            \n          \nc"),
    ];
    for (text, code) in table {
        assert_eq!(Code::of(text).0, code, "{text}");
    }
}

#[test]
fn paths_are_read_with_their_groups() {
    let code = Code::of(
        "use crate::{a::B, c::{self, D}};\nlet x = crate::e::f::<crate::g::H>();\na.b::<C>()\nuse d::*;",
    );
    let paths: Vec<String> =
        code.paths().iter().map(|path| format!("{} {}", path.line, path.segments.join("::"))).collect();
    let expected = [
        "1 crate::a::B",
        "1 crate::c::self",
        "1 crate::c::D",
        "2 crate::e::f",
        "2 crate::g::H",
        "3 b",
        "4 d::*",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn words_stand_alone() {
    let code = Code::of("brand rand\nx.unwrap()\nx.unwrap_or(1)\nprintln!()\neprintln!()");
    assert_eq!(code.lines_with("rand"), [1]);
    assert_eq!(code.lines_with(".unwrap()"), [2]);
    assert_eq!(code.lines_with("println!"), [4]);
}
