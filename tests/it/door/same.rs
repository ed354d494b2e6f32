//! What both doors do in the same way.

use super::{doors, feed, hear, run, unique};
use crate::sshd::{Sshd, environment, processes_with};
use pi::remote::Exit;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn they_tell_exactly_what_happened() {
    let sshd = Sshd::start();
    let doors = doors(&sshd);
    let table: [(&str, i32, &[&str]); 14] = [
        ("exit 0", 0, &[]),
        ("exit 3", 3, &[]),
        ("exit 127", 127, &[]),
        ("exit 255", 255, &[]),
        ("kill -9 $$", 137, &[]),
        ("kill $$", 143, &[]),
        ("echo a; echo b >&2; echo; printf c", 0, &["a", "", "c", "!b"]),
        ("printf c >&2; exit 1", 1, &["!c"]),
        ("printf '1%%\\r2%%\\r\\n\\033[1mbold\\033[0m\\r\\n'", 0, &["1%", "2%", "bold"]),
        ("cat; echo read all", 0, &["read all"]),
        ("no-such-command", 127, &["!test.sh: line 1: no-such-command: command not found"]),
        ("echo \"$0 $# ${-//[^i]/}.\"", 0, &["test.sh 0 ."]),
        ("sleep 300 & echo swept; exit 5", 5, &["swept"]),
        ("for i in 3 4 5; do [[ -e /proc/$$/fd/$i ]] && echo leaks $i; done; trap -p", 0, &[]),
    ];
    for at in ["near", "far"] {
        for (text, code, expected) in table {
            let (exit, mut said) = run(&doors, at, text).await;
            said.sort_by_key(|line| line.starts_with('!')); // order between the streams is not kept
            assert_eq!(
                (exit, said),
                (Ok(Exit(code)), expected.iter().map(ToString::to_string).collect()),
                "{at}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn a_script_of_3_mb_runs_whole_with_input_and_without() {
    let sshd = Sshd::start();
    let doors = doors(&sshd);
    let line = "n=$((n + 1)) # it's filler, \"quoted\" & more: é\n";
    let count = 3_000_000 / line.len();
    for at in ["near", "far"] {
        for filler in [count, 80_000 / line.len()] {
            let text = format!("{}echo \"$n\"; cat; exit 7", line.repeat(filler));
            let (exit, said) = run(&doors, at, &text).await;
            assert_eq!((exit, said), (Ok(Exit(7)), vec![filler.to_string()]), "{at}");
            let (exit, said) = feed(&doors, at, &text, "the input\n").await;
            assert_eq!((exit, said), (Ok(Exit(7)), vec![filler.to_string(), "the input".to_owned()]), "{at}");
        }
    }
}

#[tokio::test]
async fn the_input_arrives_and_is_seen_nowhere() {
    let sshd = Sshd::start();
    let doors = doors(&sshd);
    let (file, go) = (sshd.dir().join("waits"), sshd.dir().join("go"));
    let secret = format!("hf_'\"$(x)`\\é\t{}", unique());
    let text = format!(
        "for ((i = 0; i < 200; i++)); do echo >>{0}; [[ -e {1} ]] && break; sleep 0.05; done; cat; echo .",
        file.display(),
        go.display()
    );
    for at in ["near", "far"] {
        let look = tokio::task::spawn_blocking({
            let (file, go, secret) = (file.clone(), go.clone(), secret.clone());
            move || {
                crate::sshd::eventually("the script runs", || file.exists());
                let seen = (processes_with(&secret), environment(&secret));
                std::fs::write(go, "").unwrap();
                seen
            }
        });
        let (exit, said) = feed(&doors, at, &text, &secret).await;
        assert_eq!((exit, said), (Ok(Exit(0)), vec![format!("{secret}.")]), "{at}");
        assert_eq!(look.await.unwrap(), (vec![], vec![]), "{at}");
        for file in [&file, &go] {
            std::fs::remove_file(file).unwrap();
        }
        let big = "x".repeat(300_000);
        assert_eq!(feed(&doors, at, "exit 4", &big).await.0, Ok(Exit(4)), "{at}: not read at all");
        assert_eq!(feed(&doors, at, "wc -c", &big).await.1, ["300000"], "{at}");
        assert_eq!(feed(&doors, at, "cat", "a\0b").await.0.unwrap_err().code(), "other");
    }
}

#[tokio::test]
async fn lines_are_heard_while_the_script_runs() {
    let sshd = Sshd::start();
    let doors = doors(&sshd);
    for at in ["near", "far"] {
        for print in ["echo 50%", "printf '50%%\\r'", "echo 50% >&2"] {
            let heard = sshd.dir().join(unique());
            let text = format!(
                "{print}; for ((i = 0; i < 200; i++)); do [[ -e {} ]] && exit 0; sleep 0.05; done; exit 9",
                heard.display()
            );
            let stop = CancellationToken::new();
            let exit = hear(&doors, at, &text, &stop, |line| {
                assert_eq!(line.trim_start_matches('!'), "50%");
                std::fs::write(&heard, "").unwrap();
            });
            assert_eq!(exit.await, Ok(Exit(0)), "{at}: {print}");
        }
    }
}

#[tokio::test]
async fn a_noisy_login_shell_is_not_heard() {
    let sshd = Sshd::start();
    let noise = "echo noise; echo noise >&2; printf '\\036noise begin\\n'; printf no-newline\n";
    std::fs::write(sshd.home().join(".bashrc"), noise).unwrap();
    let text = "echo a; echo b >&2; bash -c 'echo c'";
    let (exit, mut said) = run(&doors(&sshd), "far", text).await;
    said.sort();
    assert_eq!((exit, said), (Ok(Exit(0)), ["!b", "a", "c"].map(str::to_owned).to_vec()));
}
