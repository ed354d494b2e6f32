//! Two projects of one name on one pod, over a real sshd: neither touches what is the other's.

use crate::sshd::Sshd;
use crate::workplace::{Ran, Workplace};
use std::fmt::Write;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// A pod, and two checkouts whose directories have one name: `ann/llm` and `bob/llm`.
struct Bench {
    place: Workplace,
    sshd: Sshd,
}

impl Bench {
    fn new() -> Self {
        let sshd = Sshd::start();
        let serve = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/podlab/serve.py");
        fs::copy(serve, sshd.home().join("serve.py")).unwrap();
        fs::write(sshd.home().join("weights"), "weights").unwrap();
        let place = Workplace::new();
        for who in ["ann", "bob"] {
            fs::create_dir_all(place.path().join(who).join("llm")).unwrap();
        }
        Self { place, sshd }
    }

    fn file(&self, who: &str) -> PathBuf {
        self.place.path().join(who).join("llm/pi.toml")
    }

    fn text(&self, who: &str) -> String {
        fs::read_to_string(self.file(who)).unwrap()
    }

    /// Has a project want these servers; without an id of its own at first.
    fn wants(&self, who: &str, models: &[(&str, u16)]) {
        let home = self.sshd.home().display().to_string();
        let mut text = format!("# of {who}\n\n[pods.far]\nssh = \"{}\"\n", self.sshd.ssh_line());
        for (name, port) in models {
            let _ = write!(
                text,
                "\n[models.{name}]\nmodel = \"{home}/weights\"\nengine = \"command\"\nlisten = \"127.0.0.1\"\nport = {port}\n\
                 command = [\"python3\", \"{home}/serve.py\", \"--port\", \"{{port}}\", \"--model\", \"{{model}}\"]\n"
            );
        }
        if let Ok(before) = fs::read_to_string(self.file(who)) {
            let id =
                before.lines().find(|line| line.starts_with("project_id")).unwrap_or_default().to_owned();
            text = format!("{id}\n{text}");
        }
        fs::write(self.file(who), text).unwrap();
    }

    /// Types `pi …` in a project, with a key of one's own.
    fn pi(&self, who: &str, args: &str) -> Ran {
        let mut command = self.place.command(&format!("{args} --no-persist --manifest {who}/llm/pi.toml"));
        command.env("PI_API_KEY", format!("the-key-of-{who}")).env("USER", who).output().unwrap().into()
    }

    /// The process of a server, if it has a record.
    fn pid(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.sshd.home().join(".pi/servers").join(name).join("current/pid")).ok()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // also where a test fails: servers are sessions of their own
        for who in ["ann", "bob"] {
            for name in ["one", "two", "three"] {
                drop(self.pi(who, &format!("destroy --yes --take-over {name}")));
            }
            drop(self.pi(who, "destroy --yes"));
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn two_projects_of_one_name_do_not_touch_each_other() {
    let bench = Bench::new();
    let (one, two, three) = (("one", free_port()), ("two", free_port()), ("three", free_port()));
    bench.wants("ann", &[one]);
    bench.pi("ann", "apply --yes").exits(0).says("+ project_id = ").says("commit it");
    // bob's has no id, and the pod has a project of its name: which line to write is said, and nothing is done
    bench.wants("bob", &[two]);
    let id = bench.text("ann").split('"').nth(1).unwrap().to_owned();
    let before = bench.text("bob");
    bench.pi("bob", "apply --yes").exits(1).says(&id).says("project_id").says("ann@");
    assert_eq!((bench.text("bob"), bench.pid("two")), (before.clone(), None));
    fs::write(bench.file("bob"), format!("project_id = \"bobsproject\"\n{before}")).unwrap();
    let ran = bench.pi("bob", "apply --yes").exits(0).says("servers of others run here");
    assert!(ran.out.contains("secrets"), "{}", ran.out);
    let running = (bench.pid("one"), bench.pid("two"));
    assert!(running.0.is_some() && running.1.is_some());
    // each finds all as wanted, also its own key: neither undoes the other's
    for who in ["ann", "bob", "ann"] {
        bench.pi(who, "apply --yes").exits(0).says("No changes.");
    }
    // a name that is taken is an error of that model, the others go on
    bench.wants("bob", &[one, two, three]);
    bench.pi("bob", "apply --yes").exits(1).says("--take-over");
    assert_eq!((bench.pid("one"), bench.pid("two")), running);
    assert!(bench.pid("three").is_some());
    bench.pi("bob", "stop one").exits(1).says("--take-over");
    bench.wants("bob", &[one, two]);
    bench.pi("bob", "destroy --yes --engines --weights").exits(1).says("--take-over");
    assert_eq!((bench.pid("one"), bench.pid("two"), bench.pid("three")), (running.0.clone(), None, None));
    bench.pi("ann", "plan --detailed-exitcode").exits(0);
    // and by its name it is taken over, without a restart where it is as it should be
    bench.wants("bob", &[one]);
    let saved = bench.place.path().join("saved.json");
    bench.pi("bob", &format!("plan --take-over one --out {}", saved.display())).says("it is taken over");
    bench.pi("bob", &format!("apply {}", saved.display())).exits(0);
    bench.pi("ann", "apply --yes").exits(1).says("bob@");
    bench.pi("ann", "stop one").exits(1);
    bench.pi("bob", "plan --detailed-exitcode").exits(0);
}

#[test]
fn what_an_older_pi_started_is_adopted_once_and_runs_on() {
    let bench = Bench::new();
    bench.wants("ann", &[("one", free_port())]);
    bench.pi("ann", "apply --yes").exits(0);
    let (running, owner) = (bench.pid("one"), bench.sshd.home().join(".pi/servers/one/owner"));
    fs::remove_file(&owner).unwrap();
    bench.pi("ann", "plan --detailed-exitcode").exits(2).says("adopted: it was started by an older pi");
    assert!(!owner.exists());
    bench.pi("ann", "apply --yes").exits(0);
    assert_eq!(bench.pid("one"), running);
    let note = fs::read_to_string(&owner).unwrap();
    assert!(note.contains("\"project\":\"llm\"") && note.contains("\"who\":\"ann@"), "{note}");
    bench.pi("ann", "plan --detailed-exitcode").exits(0).says("No changes.");
    bench.pi("ann", "history").exits(0).says("adopt server one");
}

#[test]
fn the_id_is_written_once_before_anything_is_changed_and_never_by_a_plan() {
    let bench = Bench::new();
    bench.wants("ann", &[("one", free_port())]);
    let before = bench.text("ann");
    bench.pi("ann", "plan").exits(0);
    bench.pi("ann", "apply").exits(64).says("+ project_id = \"");
    assert_eq!(bench.text("ann"), before);
    bench.pi("ann", "apply --yes").exits(0);
    let after = bench.text("ann");
    let line = after.lines().find(|line| line.starts_with("project_id = \"")).unwrap();
    assert_eq!(after.replace(&format!("{line}\n\n"), ""), before);
    bench.pi("ann", "apply --yes").exits(0);
    assert_eq!(bench.text("ann"), after);
    // a clone from before it was committed makes no other one
    fs::write(bench.file("ann"), &before).unwrap();
    bench.pi("ann", "apply --yes").exits(1).says(line.split('"').nth(1).unwrap());
    assert_eq!(bench.text("ann"), before);
}

#[test]
fn one_machine_under_two_names_is_an_error_of_both() {
    let bench = Bench::new();
    let line = bench.sshd.ssh_line();
    let other = line.replace("@127.0.0.1", "@localhost");
    let text = format!(
        "project_id = \"thetestproject\"\n[pods.a]\nssh = \"{line}\"\n[pods.b]\nssh = \"{other}\"\n\
         [models.one]\nmodel = \"/w\"\npod = [\"a\", \"b\"]\nengine = \"command\"\ncommand = [\"true\"]\n"
    );
    fs::write(bench.file("ann"), text).unwrap();
    for args in ["plan", "plan --offline", "plan --pod a", "apply --yes", "destroy --yes"] {
        let ran = bench.pi("ann", args).exits(1);
        assert!(ran.out.contains("same machine as `b`"), "{args}: {}", ran.out);
        assert!(ran.out.contains("(pi.toml:2)") && ran.out.contains("(pi.toml:4)"), "{args}: {}", ran.out);
        assert!(!ran.out.contains("+ server"), "{}", ran.out);
    }
    assert!(!bench.sshd.home().join(".pi").exists());
}

/// A pod on this machine, where a server of somebody else is noted, and one of ours.
const HERE: &str = "[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n\n[models.echo]\nmodel = \"{dir}/pi.toml\"\n\
                    engine = \"command\"\ncommand = [\"sleep\", \"{port}\"]\nstate = \"stopped\"\n";

#[test]
fn a_server_that_is_nowhere_can_not_be_taken_over() {
    let place = Workplace::with(HERE);
    for (name, id) in [("alpha", "someoneelse"), ("mine", crate::workplace::ID)] {
        let record = place.pod().join("servers").join(name);
        fs::create_dir_all(&record).unwrap();
        let owner = format!(
            "{{\"id\":\"{id}\",\"project\":\"{}\",\"who\":\"bob@desk\",\"since\":1794990000}}\n",
            place.path().file_name().unwrap().to_str().unwrap()
        );
        fs::write(record.join("owner"), owner).unwrap();
        fs::write(record.join("stopped"), "").unwrap();
    }
    for verb in
        ["plan", "apply --yes", "destroy --yes", "stop echo", "plan --target echo", "start echo --yes"]
    {
        let ran = place.pi(&format!("{verb} --take-over alhpa")).exits(64).says("`alhpa`");
        ran.says("`here`").says("did you mean `alpha`?");
        place
            .pi(&format!("{verb} --take-over zzz"))
            .exits(64)
            .says("`zzz`")
            .says("servers of others there: alpha");
    }
    assert!(place.pod().join("servers/mine").exists(), "nothing was done");
    // those that can be, and those for which it does nothing, which is said
    place.pi("plan --take-over alpha").exits(0).says("it is taken over");
    place.pi("plan --take-over mine").exits(0).says("it is this project's already");
    place.pi("plan --take-over echo").exits(0).says("there is no server to take over");
    // from memory alone nobody can tell
    place.pi("plan --offline --take-over alhpa").exits(64);
}

#[test]
fn the_secrets_of_old_stay_while_a_server_is_left_that_may_live_from_them() {
    let place = Workplace::with(HERE);
    for left in ["alpha", "a+b", "no-record"] {
        let record = place.pod().join("servers").join(left);
        fs::create_dir_all(&record).unwrap();
        if left != "no-record" {
            fs::write(
                record.join("owner"),
                "{\"id\":\"someoneelse\",\"project\":\"theirs\",\"who\":\"bob@desk\",\"since\":1}\n",
            )
            .unwrap();
        }
        fs::write(place.pod().join("env"), "api_key=theirs\n").unwrap();
        place.pi("destroy --engines --yes").exits(0).says("stay");
        assert!(place.pod().join("env").exists(), "{left}");
        fs::remove_dir_all(&record).unwrap();
    }
    place.pi("destroy --engines --yes").exits(0);
    assert!(!place.pod().join("env").exists());
}
