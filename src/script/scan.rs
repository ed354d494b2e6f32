//! The rule for templates, checked: values come in as `name={{ value }}` or `name=({{ value | words }})` lines,
//! and such a line stands where bash reads it as an assignment: not within quotes, a here-document or a comment.

/// Where each file of `/templates` is named.
const TABLE: &str = include_str!("templates.rs");

/// Where a piece of bash is.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Code,
    /// `${…}`: quotes count, comments do not.
    Braces,
    Single,
    Double,
}

/// What is wrong with a template, a line each.
fn faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut places = vec![Place::Code];
    let mut here: Option<String> = None;
    for (number, line) in text.lines().enumerate() {
        let mut fault = |what: &str| faults.push(format!("{}: {what}: {}", number + 1, line.trim()));
        let assigns = assignment(line.trim());
        if line.contains("{{") && !assigns {
            fault("not a line of its own");
        }
        if ["safe", "autoescape"].iter().any(|word| line.contains("{%") && line.contains(word)) {
            fault("no way around the quotes");
        }
        if let Some(word) = &here {
            if assigns {
                fault("in a here-document");
            }
            if line.trim_start_matches('\t') == word {
                here = None;
            }
            continue;
        }
        if assigns {
            if places != [Place::Code] {
                fault("in quotes or brackets");
            }
            continue;
        }
        if !line.trim_start().starts_with("{%") {
            here = walk(line, &mut places);
        }
    }
    if places != [Place::Code] || here.is_some() {
        faults.push("the end: quotes, brackets or a here-document do not close".to_owned());
    }
    faults
}

/// `name={{ value }}`, `name={{ value | path }}` or `name=({{ value | words }})`.
fn assignment(line: &str) -> bool {
    let name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    let Some((left, right)) = line.split_once('=') else { return false };
    let value = right.strip_prefix("{{ ").and_then(|rest| rest.strip_suffix(" }}"));
    let value = value.map(|value| value.strip_suffix(" | path").unwrap_or(value));
    let list = right.strip_prefix("({{ ").and_then(|rest| rest.strip_suffix(" | words }})"));
    !left.is_empty() && name(left) && value.or(list).is_some_and(|value| !value.is_empty() && name(value))
}

/// Follows quotes and brackets through a line; the word that ends a here-document, if one begins.
fn walk(line: &str, places: &mut Vec<Place>) -> Option<String> {
    let mut rest = line;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let place = places.last().copied().unwrap_or(Place::Code);
        let mut length = c.len_utf8();
        match (place, c) {
            (Place::Single, '\'') | (Place::Double, '"') | (Place::Braces, '}') => drop(places.pop()),
            (Place::Single, _) => {}
            (_, '\\') => length += rest.chars().nth(1).map_or(0, char::len_utf8),
            (_, '"') => places.push(Place::Double),
            (Place::Code | Place::Braces, '\'') => places.push(Place::Single),
            (_, '$') if rest.starts_with("$(") => (places.push(Place::Code), length = 2).1,
            (_, '$') if rest.starts_with("${") => (places.push(Place::Braces), length = 2).1,
            (Place::Code, '(') => places.push(Place::Code),
            // `case` patterns close what was never opened
            (Place::Code, ')') if places.len() > 1 => drop(places.pop()),
            (Place::Code, '#') if matches!(before, ' ' | '\t' | ';' | '(') => return None,
            (Place::Code, '<') if rest.starts_with("<<") && !rest.starts_with("<<<") => {
                let word: String = rest.chars().skip(2).skip_while(|c| "- '\"\\".contains(*c)).collect();
                let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len());
                return word.get(..end).map(str::to_owned);
            }
            (Place::Code, '<') if rest.starts_with("<<<") => length = 3,
            _ => {}
        }
        before = c;
        rest = rest.get(length..).unwrap_or_default();
    }
    None
}

#[test]
fn every_template_takes_its_values_by_the_rule() {
    let dir = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"));
    let files = [dir.to_owned(), dir.join("lib")].into_iter().flat_map(|dir| std::fs::read_dir(dir).unwrap());
    for path in files.map(|entry| entry.unwrap().path()) {
        let file = path.strip_prefix(dir).unwrap().to_str().unwrap();
        if path.extension().is_none_or(|end| end != "sh") {
            continue;
        }
        assert_eq!(faults(&std::fs::read_to_string(&path).unwrap()), [""; 0], "templates/{file}");
        let known = matches!(file, "alone.sh" | "lib/prelude.sh" | "reset.sh" | "runner.sh")
            || TABLE.contains(&format!("\"{file}\""));
        assert!(known, "templates/{file} lacks its place in src/script/templates.rs");
    }
}

#[test]
fn the_rule_finds_what_it_forbids() {
    let good = [
        "x={{ value }}",
        "x={{ value | path }}",
        "  x_1={{ model.name }}\nlist=({{ args | words }})",
        "{% if x %}\nx={{ x }}\n{% endif %}",
        "echo \"${#a[@]} $(echo \"it's\" 'a \" b') ${x#'}'} $#\" # it's a \"comment\nx={{ value }}",
        "cat <<'EOF'\n\"it's\nEOF\nx={{ value }}",
        "read -r a <<<\"$x\"\nx={{ value }}",
        "case $x in\n  a) echo ;;\nesac\nf() { (cd /; ls); }\nx={{ value }}",
    ];
    for text in good {
        assert_eq!(faults(text), [""; 0], "{text}");
    }
    let bad = [
        ("echo {{ value }}", "not a line of its own"),
        ("x=\"{{ value }}\"", "not a line of its own"),
        ("x={{ value }}y", "not a line of its own"),
        ("x={{ value | words }}", "not a line of its own"),
        ("x={{ value | safe }}", "not a line of its own"),
        ("export x={{ value }}", "not a line of its own"),
        ("cat <<EOF\nx={{ value }}\nEOF", "in a here-document"),
        ("cat <<-\"EOF\"\nx={{ value }}\n\tEOF", "in a here-document"),
        ("echo \"\nx={{ value }}\n\"", "in quotes or brackets"),
        ("echo '\nx={{ value }}\n'", "in quotes or brackets"),
        ("echo \"$(\nx={{ value }}\n)\"", "in quotes or brackets"),
        ("{% autoescape false %}\n{% endautoescape %}", "no way around the quotes"),
        ("echo \"", "do not close"),
        ("cat <<EOF", "do not close"),
    ];
    for (text, what) in bad {
        assert!(faults(text).iter().any(|fault| fault.contains(what)), "{text}: {:?}", faults(text));
    }
}
