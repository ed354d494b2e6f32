//! Login scripts of pods, over a real sshd: what they set makes no difference, and what they do instead of letting a command
//! run is told as that.

mod hazards;
mod instead;
mod kept;

use crate::sshd::Sshd;
use std::fs;

/// What the login script of the pod's user is from now on; `{home}` stands for its home.
fn log_in_with(sshd: &Sshd, script: &str) {
    let home = sshd.home();
    let script = script.replace("{home}", home.to_str().unwrap());
    fs::write(home.join(".bashrc"), script + "\n").unwrap();
}
