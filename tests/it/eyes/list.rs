//! `pi list` of real servers, as they come, fall ill and die.

use super::{Site, free_port};
use crate::sshd::{eventually, kill};
use crate::workplace::Ran;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::time::{Duration, Instant};

impl Site {
    /// The only server, as `pi list --json` tells it.
    fn server(&self) -> Value {
        let list: Value = serde_json::from_str(&self.place.pi("list --json").exits(0).out).unwrap();
        list["pods"][0]["servers"][0].clone()
    }
}

#[test]
fn a_server_is_told_from_its_start_to_its_death() {
    let site = Site::new("0.0.0.0", "m");
    assert_eq!(site.server()["state"], "not-there");
    site.place.pi("list").exits(0).says("echo  not there");
    site.place.pi("apply --yes").exits(0);

    let ready = site.server();
    assert_eq!((&ready["state"], &ready["drift"]), (&"ready".into(), &Value::Null), "{ready}");
    assert_eq!(ready["url"], format!("http://127.0.0.1:{}/v1", site.port));
    // its /metrics want the key, which the pod has
    assert_eq!(ready["requests"], serde_json::json!({ "running": 3, "waiting": 1 }));
    let text = site.place.pi("ls").exits(0).says("3 + 1 wait").says(ready["url"].as_str().unwrap());
    assert!(!text.out.contains('\u{1b}'), "{}", text.out);
    site.place.pi("ps --color always").exits(0).says("\u{1b}[32mready");

    site.place.write(&site.manifest("0.0.0.0", "another"));
    let drifted = site.server();
    assert_eq!((&drifted["state"], &drifted["declared"]), (&"ready".into(), &true.into()));
    assert!(drifted["drift"].as_str().unwrap().contains("command"), "{drifted}");
    site.place.pi("list").exits(0).says("differs from pi.toml: its command");

    let ill = site.place.path().join("server.py.ill");
    fs::write(&ill, "").unwrap();
    let unhealthy = site.server();
    assert_eq!((&unhealthy["state"], &unhealthy["health"]), (&"unhealthy".into(), &503.into()));
    fs::remove_file(ill).unwrap();

    let whole = site.manifest("0.0.0.0", "m");
    site.place.write(whole.split("[models").next().unwrap());
    let gone = site.server();
    assert_eq!((&gone["state"], &gone["declared"]), (&"ready".into(), &false.into()));
    site.place.pi("list").exits(0).says("gone from pi.toml");
    site.place.write(&whole);

    kill("KILL", u32::try_from(ready["pid"].as_u64().unwrap()).unwrap());
    eventually("it is dead", || site.server()["state"] == "dead");
    site.place.pi("list").exits(0).says("echo  dead");
}

#[test]
fn a_pod_that_hangs_delays_no_other() {
    let site = Site::new("0.0.0.0", "m");
    // accepts connections and says nothing
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute_at = mute.local_addr().unwrap().port();
    let manifest = site.manifest("0.0.0.0", "m");
    let add =
        |name: &str, port: u16| format!("[pods.{name}]\nssh = \"ssh -F none -p {port} root@127.0.0.1\"\n");
    let both =
        manifest.replace("[models.echo]", &format!("{}[models.echo]\npod = \"far\"", add("asleep", mute_at)));
    site.place.write(&both);
    let began = Instant::now();
    let mut child = site.place.command("list").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.starts_with("  far  "), "{first}");
    let waited = began.elapsed();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(waited + Duration::from_secs(2) < began.elapsed(), "{waited:?} of {:?}", began.elapsed());
    assert!(rest.iter().any(|line| line.contains("no answer  root@127.0.0.1")), "{rest:?}");
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(69), "{err}");
    assert_eq!(err, "");

    let closed = manifest
        .replace("[models.echo]", &format!("{}[models.echo]\npod = \"far\"", add("off", free_port())));
    site.place.write(&closed);
    let list: Value = serde_json::from_str(&site.place.pi("list --json").exits(69).out).unwrap();
    assert_eq!((&list["pods"][1]["reachable"], &list["pods"][1]["code"]), (&false.into(), &"refused".into()));
    // nobody asked about the other one
    site.place.pi("list --pod far").exits(0).says("echo  not there");
    site.place.pi("list --pod fra").exits(64).says("did you mean `far`?");
}

#[test]
fn watching_goes_on_until_it_is_ended_and_then_is_0() {
    let site = Site::new("0.0.0.0", "m");
    let mut child = site.place.command("list --watch --json").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        let list: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(list["pods"][0]["servers"][0]["state"], "not-there");
    }
    kill("INT", child.id());
    // whoever reads is there until the end
    let ran: Ran = child.wait_with_output().unwrap().into();
    drop(lines);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn watching_follows_the_manifest_and_goes_on_while_it_is_wrong() {
    let site = Site::new("0.0.0.0", "m");
    let mut child = site.place.command("list --watch").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    let mut until = |says: &str| lines.by_ref().take(2000).find(|line| line.contains(says)).is_some();
    assert!(until("echo"), "it begins");
    let whole = site.manifest("0.0.0.0", "m").replace("[models.echo]", "[models.echo]\npod = \"far\"");
    site.place.write(&whole.replace("[models.echo]", "[models.echo"));
    assert!(until("goes by pi.toml as it was before"), "what is wrong is told");
    assert!(until("echo"), "and it goes on");
    let (pods, models) = whole.split_once("[models").unwrap();
    site.place.write(&format!("{pods}[pods.second]\nssh = \"local\"\n[models{models}"));
    assert!(until("  second  "), "a new pod appears");
    kill("INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
