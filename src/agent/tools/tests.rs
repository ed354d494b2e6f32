use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

/// A project, and a secret beside it that nobody may see.
struct Place {
    dir: tempfile::TempDir,
    toolbox: Toolbox,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("project");
        for (path, text) in [
            ("project/a.txt", "one\ntwo Two\nthree\n"),
            ("project/src/main.rs", "fn main() {}\n// two\n"),
            ("project/src/ü ñ.rs", "fn ü() {}\n"),
            ("project/.gitignore", "target/\n"),
            ("project/target/out.rs", "fn two() {}\n"),
            ("project/.hidden/x.rs", "fn two() {}\n"),
            ("secret.txt", "two SECRET\n"),
            ("other/allowed.txt", "two allowed\n"),
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        symlink("../secret.txt", project.join("link")).unwrap();
        symlink("..", project.join("up")).unwrap();
        symlink("src", project.join("inside")).unwrap();
        symlink("loop", project.join("loop")).unwrap();
        let toolbox = Toolbox::new(Grounds::new(&project, &[]).unwrap());
        Self { dir, toolbox }
    }

    fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    fn call(&self, name: &str, arguments: &Value) -> Result<String, String> {
        self.toolbox.call(name, &arguments.to_string())
    }

    fn rg(&self, args: &[&str]) -> Result<String, String> {
        self.call("rg", &json!({ "args": args }))
    }
}

#[test]
fn each_tool_does_what_it_says() {
    let place = Place::new();
    let listed = ".gitignore  8 bytes\n.hidden/\na.txt  18 bytes\ninside@\nlink@\nloop@\nsrc/\ntarget/\nup@";
    assert_eq!(place.call("ls", &json!({})).unwrap(), listed);
    let ignoring = place.call("ls", &json!({ "path": ".", "ignore": [".*", "l*", "target/", "up"] }));
    assert_eq!(ignoring.unwrap(), "a.txt  18 bytes\ninside@\nsrc/");
    assert_eq!(
        place.call("ls", &json!({ "path": "inside" })).unwrap(),
        "main.rs  20 bytes\nü ñ.rs  11 bytes"
    );
    let read = |args: Value| place.call("read", &args).unwrap();
    assert_eq!(read(json!({ "file_path": "a.txt" })), "     1\tone\n     2\ttwo Two\n     3\tthree\n");
    let part = read(json!({ "file_path": "a.txt", "offset": 2, "limit": 1 }));
    assert_eq!(part, "     2\ttwo Two\n[3 lines in all; go on with offset 3]\n");
    let absolute = place.project().join("src/main.rs");
    assert!(read(json!({ "file_path": absolute })).contains("fn main"));
    let glob = |args: Value| place.call("glob", &args).unwrap();
    assert_eq!(glob(json!({ "pattern": "**/*.rs" })), "src/main.rs\nsrc/ü ñ.rs");
    assert_eq!(glob(json!({ "pattern": "*.rs", "path": "src" })), "src/main.rs\nsrc/ü ñ.rs");
    assert_eq!(glob(json!({ "pattern": "*.rs" })), "no file matches *.rs");
    assert_eq!(glob(json!({ "pattern": ".hidden/*" })), ".hidden/x.rs");
}

#[test]
fn rg_understands_the_flags_of_ripgrep() {
    let place = Place::new();
    let table: &[(&[&str], &str)] = &[
        (&["two"], "a.txt:2:two Two\nsrc/main.rs:2:// two\n"),
        (&["rg", "-n", "two", "."], "a.txt:2:two Two\nsrc/main.rs:2:// two\n"),
        (&["-io", "TWO", "a.txt"], "a.txt:2:two\na.txt:2:Two\n"),
        (&["-l", "two"], "a.txt\nsrc/main.rs\n"),
        (&["-c", "e", "a.txt"], "a.txt:2\n"),
        (&["-C1", "Two"], "a.txt-1-one\na.txt:2:two Two\na.txt-3-three\n"),
        (&["-v", "-e", "o", "a.txt"], "a.txt:3:three\n"),
        (&["-m1", "e", "a.txt"], "a.txt:1:one\n"),
        (&["-F", "()", "-t", "rust"], "src/main.rs:1:fn main() {}\nsrc/ü ñ.rs:1:fn ü() {}\n"),
        (&["-w", "tw"], "nothing was found"),
        (&["two", "-g", "!src", "--hidden"], ".hidden/x.rs:1:fn two() {}\na.txt:2:two Two\n"),
        (&["--no-ignore", "-l", "two"], "a.txt\nsrc/main.rs\ntarget/out.rs\n"),
        (&["--files", "-g", "*.rs"], "src/main.rs\nsrc/ü ñ.rs\n"),
        (&["-e", "-x", "-e", "one"], "a.txt:1:one\n"),
    ];
    for (args, found) in table {
        assert_eq!(place.rg(args).as_deref(), Ok(*found), "{args:?}");
    }
    let line = place.call("rg", &json!({ "args": "-i 'two two' a.txt; echo x > y" })).unwrap_err();
    assert_eq!(line, "there is no a.txt;", "no shell reads it");
    assert!(!place.project().join("y").exists());
}

#[test]
fn nonsense_is_answered_so_that_a_model_can_do_better() {
    let place = Place::new();
    let mut text = String::new();
    for (name, arguments) in [
        ("bash", "{}"),
        ("ls", "{\"path\": "),
        ("ls", "[1]"),
        ("ls", "{\"path\": 7}"),
        ("ls", "{\"path\": \"a.txt\"}"),
        ("ls", "{\"path\": \"nowhere\"}"),
        ("ls", "{\"path\": \"..\"}"),
        ("ls", "{\"path\": \"a\\u0000b\"}"),
        ("read", ""),
        ("read", "{\"file_path\": \"src\"}"),
        ("read", "{\"file_path\": \"loop\"}"),
        ("read", "{\"file_path\": \"a.txt\", \"offset\": 9}"),
        ("glob", "{\"pattern\": \"../*\"}"),
        ("glob", "{\"pattern\": \"/etc/*\"}"),
        ("glob", "{\"pattern\": \"[\"}"),
        ("rg", "{\"args\": []}"),
        ("rg", "{\"args\": [\"(\"]}"),
        ("rg", "{\"args\": [\"--pre\", \"sh\", \"x\"]}"),
        ("rg", "{\"args\": [\"-t\", \"klingon\", \"x\"]}"),
        ("rg", "{\"args\": [\"x\", \"/etc\"]}"),
        ("rg", "{\"args\": \"'open\"}"),
    ] {
        let why = place.toolbox.call(name, arguments).unwrap_err();
        writeln!(text, "{name} {arguments}\n  {}", why.replace('\n', "\n  ")).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_no_text_and_what_is_too_much_is_refused_or_cut() {
    let place = Place::new();
    let write = |name: &str, bytes: &[u8]| fs::write(place.project().join(name), bytes).unwrap();
    let read = |name: &str| place.call("read", &json!({ "file_path": name }));
    write("binary", b"\x7fELF\0\0");
    assert!(read("binary").unwrap_err().contains("binary file of 6 bytes"));
    write("latin1", b"caf\xe9\n");
    assert_eq!(read("latin1").unwrap(), "     1\tcaf\u{fffd}\n");
    write("empty", b"");
    assert_eq!(read("empty").unwrap(), "empty is empty");
    fs::File::create(place.project().join("huge")).unwrap().set_len(30 << 20).unwrap();
    assert!(read("huge").unwrap_err().contains("30 MiB"));
    write("wide", "x".repeat(5000).as_bytes());
    assert!(read("wide").unwrap().ends_with("x [cut]\n"));
    write("long", "line of text\n".repeat(5000).as_bytes());
    let long = read("long").unwrap();
    assert!(
        long.len() < MOST && long.contains("[5000 lines in all; go on with offset "),
        "{}",
        &long[long.len() - 99..]
    );
    let found = place.rg(&["line", "long"]).unwrap();
    assert!(found.len() < MOST + 100 && found.ends_with("ask for less]"), "{}", &found[found.len() - 99..]);
    assert_eq!(place.rg(&["ELF"]).unwrap(), "nothing was found");
    let many = place.project().join("many");
    fs::create_dir(&many).unwrap();
    (0..1100).for_each(|number| fs::write(many.join(number.to_string()), "").unwrap());
    assert!(
        place
            .call("ls", &json!({ "path": "many" }))
            .unwrap()
            .ends_with("[1100 entries, the first 1000 shown]")
    );
    assert!(
        place
            .call("glob", &json!({ "pattern": "many/*" }))
            .unwrap()
            .ends_with("[1100 files, the first 500 shown]")
    );
}

#[test]
fn a_pipe_is_not_waited_for() {
    let place = Place::new();
    let made = std::process::Command::new("mkfifo").arg(place.project().join("pipe")).status().unwrap();
    assert!(made.success());
    assert!(place.call("read", &json!({ "file_path": "pipe" })).unwrap_err().contains("no regular file"));
    assert_eq!(place.rg(&["x", "pipe"]).unwrap(), "nothing was found");
}

#[test]
fn what_is_allowed_besides_is_seen_and_nothing_else() {
    let place = Place::new();
    let other = place.dir.path().join("other");
    let toolbox = Toolbox::new(Grounds::new(&place.project(), &[PathBuf::from("../other")]).unwrap());
    let call = |name: &str, args: Value| toolbox.call(name, &args.to_string());
    assert!(call("read", json!({ "file_path": "../other/allowed.txt" })).unwrap().contains("two allowed"));
    assert!(call("rg", json!({ "args": ["two", other] })).unwrap().contains("two allowed"));
    assert!(call("read", json!({ "file_path": "../secret.txt" })).is_err());
    assert!(Grounds::new(&place.project(), &[PathBuf::from("a.txt")]).is_err());
}

#[test]
fn what_is_outside_is_not_told_apart_from_what_is_not_there() {
    let place = Place::new();
    let why =
        |path: &str| place.call("read", &json!({ "file_path": path })).unwrap_err().replace(path, "PATH");
    for path in
        ["../secret.txt", "../nothing", "/etc/passwd", "/etc/nothing", "link", "up/secret.txt", "up/nothing"]
    {
        assert_eq!(why(path), "PATH is outside of the working directory: that is not allowed", "{path}");
    }
}

static SHARED: LazyLock<Place> = LazyLock::new(Place::new);

proptest! {
    #[test]
    fn no_path_leads_outside(
        parts in proptest::collection::vec(prop_oneof![
            Just("..".to_owned()), Just(".".to_owned()), Just("/".to_owned()), Just("link".to_owned()),
            Just("up".to_owned()), Just("inside".to_owned()), Just("loop".to_owned()), Just("src".to_owned()),
            Just("a.txt".to_owned()), Just("secret.txt".to_owned()), Just("project".to_owned()),
            Just("/etc".to_owned()), Just("ü ñ.rs".to_owned()), Just(SHARED.dir.path().display().to_string()),
            "[\\PC\u{2024}\u{ff0e}\u{2215}]{1,4}",
        ], 0..8),
    ) {
        let path = parts.join("/");
        let root = SHARED.project().canonicalize().unwrap();
        // told once more, by following each component by hand
        let resolved = SHARED.toolbox.grounds().resolve(&path);
        if let Ok(real) = &resolved {
            prop_assert!(real.starts_with(&root), "{path} -> {}", real.display());
            prop_assert!(!real.components().any(|part| part == Component::ParentDir));
            prop_assert_eq!(real, &Path::new(real).canonicalize().unwrap(), "no link is left");
        }
        for (name, arguments) in [
            ("ls", json!({ "path": path })), ("read", json!({ "file_path": path })),
            ("glob", json!({ "pattern": "**", "path": path })), ("glob", json!({ "pattern": path })),
            ("rg", json!({ "args": ["two", path] })), ("rg", json!({ "args": ["-uu", path] })),
            ("rg", json!({ "args": ["--no-ignore", "--hidden", "-g", path, "two"] })),
        ] {
            if let Ok(text) = SHARED.toolbox.call(name, &arguments.to_string()) {
                prop_assert!(!text.contains("SECRET"), "{name} {arguments}: {text}");
                prop_assert!(!text.contains("root:x:0"), "{name} {arguments}: {text}");
                prop_assert!(resolved.is_ok() || name == "glob" || arguments["args"].is_array() , "{name} {arguments}: {text}");
            }
        }
    }
}
