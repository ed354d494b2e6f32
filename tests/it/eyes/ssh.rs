//! `pi ssh` and `pi shell`: what is run on a pod behaves as if it ran here.

use crate::sshd::{Sshd, environment, eventually, kill};
use crate::workplace::{Ran, Workplace};
use std::io::Write;
use std::process::{Child, Command, Stdio};

/// A pod `far` behind a real sshd, and `near`, this machine.
struct Pods {
    place: Workplace,
    sshd: Sshd,
}

impl Pods {
    fn up() -> Self {
        let (place, sshd) = (Workplace::new(), Sshd::start());
        place.write(&format!("[pods.far]\nssh = \"{}\"\n[pods.near]\nssh = \"local\"\n", sshd.ssh_line()));
        Self { place, sshd }
    }

    /// `pi ssh POD -- …`
    fn command(&self, pod: &str, words: &[&str]) -> Command {
        let mut command = self.place.command("ssh");
        command.arg(pod).arg("--").args(words);
        command
    }

    fn run(&self, pod: &str, words: &[&str]) -> Ran {
        self.command(pod, words).output().unwrap().into()
    }
}

#[test]
fn output_and_exit_code_are_the_commands_own() {
    let pods = Pods::up();
    for pod in ["far", "near"] {
        let table: [(&[&str], i32, &str, &str); 8] = [
            (&["printf", "%s\\n", "a b"], 0, "a b\n", ""),
            (&["printf", "%s|", "", "$HOME", "it's", "*", "a\nb", "ü"], 0, "|$HOME|it's|*|a\nb|ü|", ""),
            (&["echo out; echo err >&2; exit 3"], 3, "out\n", "err\n"),
            (&["bash", "-c", "exit 255"], 255, "", ""),
            (&["printf", "\\x1b[31m\\x00\\xff"], 0, "\u{1b}[31m\0\u{fffd}", ""),
            (&["seq 3 | tac"], 0, "3\n2\n1\n", ""),
            (&["true"], 0, "", ""),
            (&["test", "-t", "0"], 1, "", ""),
        ];
        for (words, code, out, err) in table {
            let ran = pods.run(pod, words);
            let got = (ran.code, ran.out.as_str(), ran.err.as_str());
            assert_eq!(got, (Some(code), out, err), "{pod} {words:?}");
        }
        let ran = pods.run(pod, &["no-such-program", "x"]);
        assert_eq!(ran.code, Some(127), "{ran:?}");
    }
    assert_eq!(pods.run("far", &["bash", "-c", "kill -TERM $$"]).code, Some(143));
    // what is secret here is not handed to a command on this machine
    assert_eq!(pods.run("near", &["printenv", "PI_API_KEY"]).code, Some(1));
}

#[test]
fn input_goes_through_to_its_end() {
    let pods = Pods::up();
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for pod in ["far", "near"] {
        let mut command = pods.command(pod, &["cat"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let (mut stdin, bytes) = (child.stdin.take().unwrap(), bytes.clone());
        let sent = bytes.clone();
        let writer = std::thread::spawn(move || stdin.write_all(&sent).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(output.stdout == bytes, "{} of {} bytes came back", output.stdout.len(), bytes.len());
    }
}

#[test]
fn signals_reach_the_command_and_its_children() {
    let pods = Pods::up();
    let start = |script: &str, mark: &str| -> Child {
        let mut child = pods.command("far", &["env", mark, "bash", "-c", script]);
        let child = child.stdin(Stdio::null()).spawn().unwrap();
        eventually("it runs", || environment(mark).len() >= 2);
        child
    };
    let mark = |name: &str| format!("EYES_{name}={}", std::process::id());
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mark = mark(signal);
        let child = start("sleep 4711; true", &mark);
        kill(signal, child.id());
        let ran: Ran = child.wait_with_output().unwrap().into();
        ran.exits(code);
        eventually("nothing is left", || environment(&mark).is_empty());
    }
    // a command may have its own opinion
    let own = mark("OWN");
    let child = start("trap 'echo bye; kill $!; exit 7' INT; sleep 4711 & wait", &own);
    kill("INT", child.id());
    let ran: Ran = child.wait_with_output().unwrap().into();
    ran.exits(7).says("bye");
    // one that will not end is killed at the third
    let deaf = mark("DEAF");
    let child = start("trap '' INT; sleep 4711; true", &deaf);
    for _ in 0..3 {
        kill("INT", child.id());
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    let ran: Ran = child.wait_with_output().unwrap().into();
    ran.exits(137);
    eventually("nothing is left", || environment(&deaf).is_empty());
}

#[test]
fn a_shell_is_one_on_the_pod() {
    let pods = Pods::up();
    let typed = |args: &str, text: &str| -> Ran {
        let mut child = pods.place.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    };
    let home = pods.sshd.home();
    let ran = typed("shell far", "echo \"in $HOME\"\nexit 5\n");
    ran.exits(5).says(&format!("in {}", home.display()));
    assert_eq!(pods.sshd.connections(), 1, "it has a connection of its own");
    typed("shell --pod near", "echo \"key: ${PI_API_KEY-none}\"\nexit 6\n").exits(6).says("key: none");
}

#[test]
fn a_terminal_is_handed_on() {
    let pods = Pods::up();
    let at_terminal = |pi: &str| -> String {
        let mut script = pods.place.command("");
        let pi = format!("{} {pi}", script.get_program().to_str().unwrap());
        let env: Vec<_> =
            script.get_envs().filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned()))).collect();
        script = Command::new("script");
        script.args(["-qec", &pi, "/dev/null"]).env_clear().envs(env).current_dir(pods.place.path());
        String::from_utf8(script.stdin(Stdio::null()).output().unwrap().stdout).unwrap()
    };
    for pod in ["far", "near"] {
        let said = at_terminal(&format!("ssh {pod} -- 'test -t 0 && test -t 1 && echo a terminal'"));
        assert!(said.contains("a terminal"), "{pod}: {said}");
    }
}

#[test]
fn mistakes_are_told_before_anything_runs() {
    let mut pods = Pods::up();
    pods.place.pi("ssh far").exits(64).says("-- <CMD>");
    pods.place.pi("ssh fra -- true").exits(64).says("did you mean `far`?");
    pods.place.pi("ssh -- true").exits(64).says("which pod?");
    pods.place.pi("ssh --pod far -- true").exits(0);
    pods.place.pi("shell").exits(64).says("which pod?");
    pods.sshd.stop();
    pods.place.pi("ssh far -- true").exits(69).says("refuses the connection");
    pods.place.pi("shell far").exits(69).says("refuses the connection");
}
