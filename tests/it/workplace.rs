//! A directory with a `pi.toml` in which somebody types `pi`: nothing of the real user's gets in or out.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The API key of these tests.
pub(crate) const KEY: &str = "the-key-of-the-tests";

/// The project of these tests.
pub(crate) const ID: &str = "thetestproject";

pub(crate) struct Workplace {
    dir: tempfile::TempDir,
}

/// What came of one command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Workplace {
    /// An empty one.
    pub(crate) fn new() -> Self {
        // a short path: sockets are below it
        let dir = tempfile::Builder::new().prefix("pi-it-").tempdir_in("/tmp").unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        DirBuilder::new().mode(0o700).create(dir.path().join("run")).unwrap();
        Self { dir }
    }

    /// One with a manifest; `{dir}` stands for its directory.
    pub(crate) fn with(manifest: &str) -> Self {
        let place = Self::new();
        place.write(manifest);
        place
    }

    /// Replaces the manifest. One with pods has the id that `pi` would give it, so that it stays as it was written.
    pub(crate) fn write(&self, manifest: &str) {
        let lacks_id = manifest.contains("[pods") && !manifest.contains("project_id");
        let id = if lacks_id { format!("project_id = \"{ID}\"\n") } else { String::new() };
        let text = manifest.replace("{dir}", self.path().to_str().unwrap());
        fs::write(self.path().join("pi.toml"), id + &text).unwrap();
    }

    /// The manifest's text.
    pub(crate) fn manifest(&self) -> String {
        fs::read_to_string(self.path().join("pi.toml")).unwrap()
    }

    /// Its directory, which goes with the value.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where a local pod may keep its things: `{dir}/pod` in the manifest.
    pub(crate) fn pod(&self) -> PathBuf {
        self.path().join("pod")
    }

    /// Types `pi …`, without a terminal.
    pub(crate) fn pi(&self, args: &str) -> Ran {
        self.command(args).output().unwrap().into()
    }

    /// The same, to be started by the test.
    pub(crate) fn command(&self, args: &str) -> Command {
        let words: Vec<&str> = args.split_whitespace().collect();
        self.command_of(env!("CARGO_BIN_EXE_pi"), &words)
    }

    /// Another program, which finds `pi` on its PATH.
    pub(crate) fn command_of(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.path()).env_clear();
        let ours = Path::new(env!("CARGO_BIN_EXE_pi")).parent().unwrap().to_owned();
        let others = std::env::var_os("PATH").unwrap();
        let path = std::env::join_paths(std::iter::once(ours).chain(std::env::split_paths(&others))).unwrap();
        command.env("PATH", path).env("HOME", self.path().join("home"));
        command
            .env("XDG_RUNTIME_DIR", self.path().join("run"))
            .env("PI_API_KEY", KEY)
            .env("HF_HUB_OFFLINE", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Ran {
    /// Fails the test unless it ended with this exit code; gives what it printed.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.out, self.err);
        for text in [&self.out, &self.err] {
            assert!(!text.contains(KEY), "the key is shown:\n{text}");
        }
        self
    }

    /// Fails the test unless its data or its messages have this text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.out.contains(text) || self.err.contains(text),
            "not said: {text}\n{}\n{}",
            self.out,
            self.err
        );
        self
    }
}
