//! Whatever a login script sets, a probe sees the same, and servers start and stop.

use super::log_in_with;
use crate::sshd::{Sshd, processes_with};
use crate::workplace::Workplace;
use pi::manifest::load;
use pi::observe::{Host, PodFacts, ProbeResult, observe};
use pi::remote::{Options, PodConnections};
use pi::secret::Secrets;
use std::fs;
use std::net::TcpListener;
use std::thread;

/// Login scripts, and the file that is `{home}/env` beside them.
const HAZARDS: &[&str] = &[
    "",
    // options, for every bash below
    "set -o noglob; export SHELLOPTS",
    "set -o nounset; export SHELLOPTS",
    "set -o errexit; export SHELLOPTS",
    "set -o noclobber; export SHELLOPTS",
    "set -o allexport; export SHELLOPTS",
    "set -o posix; export SHELLOPTS",
    "set -o pipefail -o nolog -o physical; export SHELLOPTS",
    "set -o xtrace; export SHELLOPTS PS4='+ '",
    "set -o verbose; export SHELLOPTS",
    "export POSIXLY_CORRECT=1",
    "shopt -s nullglob; export BASHOPTS",
    "shopt -s failglob; export BASHOPTS",
    "shopt -s nocasematch nocaseglob; export BASHOPTS",
    "shopt -s dotglob globstar; export BASHOPTS",
    "shopt -u extglob globasciiranges sourcepath; export BASHOPTS",
    "shopt -s execfail inherit_errexit lastpipe localvar_inherit xpg_echo; export BASHOPTS",
    // files that a shell reads, functions, aliases
    "echo 'set -f; echo from BASH_ENV; ls() { false; }; trap \"echo dead\" EXIT' >{home}/env; export BASH_ENV={home}/env",
    "echo 'exit 3' >{home}/env; export BASH_ENV={home}/env ENV={home}/env",
    "ls() { echo no; }; stat() { :; }; mkdir() { :; }; mv() { :; }; export -f ls stat mkdir mv",
    "kill() { :; }; printf() { :; }; read() { :; }; export -f kill printf read",
    "shopt -s expand_aliases; alias rm='rm -i' ls='ls --color=always' printf=false; export BASHOPTS",
    // variables
    "export GLOBIGNORE='*' CDPATH=/tmp:/ IFS=/:0123",
    "export LC_ALL=tr_TR.UTF-8 LANG=de_DE LC_NUMERIC=de_DE.UTF-8",
    "readonly TMOUT=1; export TMOUT",
    "export FUNCNEST=1",
    "export BASH_COMPAT=4.2 BASH_XTRACEFD=1 PROMPT_COMMAND='echo no' PS1='\\$(echo no)'",
    "export QUOTING_STYLE=c TIME_STYLE=iso BLOCK_SIZE=human-readable LS_COLORS=x DF_BLOCK_SIZE=1M TZ=Asia/Tokyo",
    // how programs are found
    "export EXECIGNORE='*'",
    "export EXECIGNORE='/usr/bin/*:/bin/*'",
    "shopt -s extglob; EXECIGNORE='!(/nowhere)'",
    "export FIGNORE=.sh:.py BASH_LOADABLES_PATH=/nowhere",
    "shopt -s checkhash; hash -p /nowhere/bash bash; hash -p /nowhere/ls ls",
    "enable -n printf kill read trap wait",
    "bash() { echo no; }; env() { echo no; }; command() { echo no; }; builtin() { :; }; export -f bash env command builtin",
    "shopt -s expand_aliases; alias bash=false env=false; alias command=false",
    "export LD_LIBRARY_PATH=/nowhere LD_PRELOAD=",
    "export PATH=/usr/bin:/bin",
    "export PATH=/nowhere:/usr/games:$PATH:",
    // the process itself
    "umask 0777",
    "umask 0",
    "ulimit -S -n 64; ulimit -S -c 0",
    "renice -n 19 $$ >/dev/null",
    "exec 3</dev/zero 4>/dev/null 5>&1 6<&0 8</dev/null 9>/dev/null 10>&2",
    "mkdir {home}/gone; cd {home}/gone; rmdir {home}/gone",
    "trap 'echo debug' DEBUG; trap 'echo err' ERR; trap 'echo exit' EXIT",
    "shopt -s extdebug; trap false DEBUG",
    "trap '' HUP INT PIPE TERM",
    "sleep 3 & disown",
    // what it says
    "echo Welcome to vast.ai. If authentication fails, try again after a few seconds",
    "printf 'no line end'; printf '\\033]0;title\\a\\036' >&2",
    "for i in {1..20000}; do echo \"greeting $i of a person who likes long ones\"; done",
    "for i in {1..20000}; do echo \"greeting $i of a person who likes long ones\"; done >&2",
    "sleep 2",
    "exec 2>&1",
];

#[test]
fn whatever_a_login_script_sets_makes_no_difference() {
    let next = std::sync::Mutex::new(HAZARDS.iter());
    let wrong = std::sync::Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let bench = Bench::new();
                let plain = bench.seen();
                while let Some(hazard) = next.lock().map(|mut next| next.next()).unwrap() {
                    log_in_with(&bench.sshd, hazard);
                    if let Err(why) = bench.works(&plain) {
                        wrong.lock().unwrap().push(format!("{hazard}\n{why}"));
                        log_in_with(&bench.sshd, "");
                        drop(bench.place.pi("destroy --yes"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} login scripts:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// A pod behind a real sshd, for which a small server is planned.
struct Bench {
    place: Workplace,
    sshd: Sshd,
}

impl Bench {
    fn new() -> Self {
        let sshd = Sshd::start();
        let home = sshd.home();
        fs::write(home.join("weights"), "weights").unwrap();
        fs::write(home.join("server.py"), include_str!("../eyes/server.py")).unwrap();
        let (line, home) = (sshd.ssh_line(), home.display());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let place = Workplace::with(&format!(
            "[pods.far]\nssh = \"{line}\"\n[models.echo]\nmodel = \"{home}/weights\"\nengine = \"command\"\n\
             command = [\"python3\", \"{home}/server.py\", \"127.0.0.1\", \"{{port}}\", \"echo\"]\n\
             listen = \"127.0.0.1\"\nport = {port}\n"
        ));
        let bench = Self { place, sshd };
        // what an apply leaves behind is there from now on
        bench.place.pi("apply --yes").exits(0);
        bench.place.pi("destroy --yes").exits(0);
        bench
    }

    /// What a probe sees, without what changes by itself.
    fn seen(&self) -> Result<PodFacts, String> {
        let manifest = load(&self.place.path().join("pi.toml")).map_err(|bad| bad.to_string())?;
        let options = Options { sockets: Some(self.sshd.sockets()), ..Options::default() };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut observed = runtime.block_on(async {
            let doors = PodConnections::new(&manifest, options);
            observe(&doors, &manifest, &Secrets::new(), manifest.pods.keys().cloned().collect()).await
        });
        match observed.pods.pop_first().map(|(_, sighting)| sighting) {
            Some(ProbeResult::Seen(facts)) => Ok(settled(*facts)),
            other => Err(format!("{other:?}")),
        }
    }

    /// Whether a probe sees the same, and a server starts, is seen, and goes.
    fn works(&self, plain: &Result<PodFacts, String>) -> Result<(), String> {
        let seen = self.seen();
        if seen != *plain {
            return Err(format!("a probe sees {seen:?}\nnot {plain:?}"));
        }
        for (args, code) in [("apply --yes", 0), ("plan --detailed-exitcode", 0), ("destroy --yes", 0)] {
            let ran = self.place.pi(args);
            if ran.code != Some(code) {
                return Err(format!("pi {args}: {:?}\n{}{}", ran.code, ran.out, ran.err));
            }
        }
        let left = processes_with(self.sshd.home().join("server.py").to_str().unwrap());
        if left.is_empty() { Ok(()) } else { Err(format!("its server is still there: {left:?}")) }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        log_in_with(&self.sshd, "");
        drop(self.place.command("destroy --yes --no-persist").output());
    }
}

/// The facts without clocks, what others do on this machine, and what the pod keeps of applies before.
fn settled(facts: PodFacts) -> PodFacts {
    let host = Host { clock: 0, uptime: 0, memory_available: pi::units::Bytes(0), ..facts.host };
    let mut facts = PodFacts { host, rest: Vec::new(), ..facts };
    facts.listeners.seen_mut().map(Vec::clear);
    facts.disks.seen_mut().into_iter().flatten().for_each(|disk| disk.free = pi::units::Bytes(0));
    facts
}
