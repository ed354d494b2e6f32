//! Packages are installed for real, by apt-get, in a copy of this machine that is thrown away; and only once.

use pi::plan::{Action, Packages, scripts};
use std::fs;
use std::process::Command;

/// Runs `$1` twice, as a pod would, in a root of its own: this machine's files, with a layer of memory above them.
const TWICE: &str = r#"
set -e
mount -t tmpfs none "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$2/upper,workdir=$2/work" "$2/root" || exit 77
mount --rbind /dev "$2/root/dev"
mount -t proc proc "$2/root/proc"
cp "$1" "$2/root/script"
# a pod without the program, and lists as old as a fresh image's
chroot "$2/root" bash -c 'rm -rf /var/lib/apt/lists/*; ! type -P tree' || exit 77
for run in 1 2; do
  chroot "$2/root" bash /script || exit 1
  echo "run $run: $(chroot "$2/root" bash -c 'type -P tree')"
done
"#;

#[test]
fn packages_are_installed_once() {
    let folder = tempfile::tempdir().unwrap();
    let packages = Packages { manager: "apt-get", names: vec!["tree"], programs: vec!["tree"] };
    let manifest = super::case::parse("[pods.here]\nssh = \"local\"\n").unwrap();
    let pod = manifest.pods.values().next().unwrap();
    let script = scripts(&Action::InstallPackages(packages), pod).unwrap().remove(0);
    let (file, root) = (folder.path().join("script"), folder.path().join("root"));
    fs::write(&file, &script.text).unwrap();
    fs::create_dir(&root).unwrap();
    let out = Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "bash", "-c", TWICE, "twice"])
        .args([&file, &root])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    if matches!(out.status.code(), Some(77))
        || said.contains("unshare failed")
        || said.contains("Temporary failure")
    {
        skipped(&said);
        return;
    }
    assert!(out.status.success(), "{said}");
    assert!(said.contains("run 1: /usr/bin/tree") && said.contains("run 2: /usr/bin/tree"), "{said}");
    assert_eq!(said.matches("apt-get installs tree").count(), 1, "{said}");
    assert_eq!(said.matches("tree: there already").count(), 1, "{said}");
}

#[expect(clippy::print_stderr, reason = "who reads the results should know what was not tried")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
