//! `mount`: the command as a provider prints it, or a table. Out: source, target and the command without sudo.

use super::choice::nonempty;
use super::table::{Field, table};
use super::types::Mount;
use super::value::{At, Place, Refusal, Value, refused};
use crate::name::AbsPath;
use crate::problem::Problem;
use toml::de::DeValue;

table! {
    /// Storage to mount.
    MountTable is "a mount" {
        /// The storage, such as `nfs.example:/share`.
        #[schemars(with = "Option<String>", length(min = 1))]
        source: String,
        /// The directory that it is mounted on.
        #[schemars(with = "Option<String>", regex(pattern = "^/"))]
        target: AbsPath,
        /// The file system type (mount's -t), such as "nfs".
        #[schemars(with = "Option<String>")]
        r#type: String,
        /// Mount options (mount's -o), one per item.
        #[schemars(with = "Option<Vec<String>>")]
        options: Vec<String>,
    }
}

/// `mount`, in either form.
#[derive(Debug, Clone)]
pub(super) struct MountText(pub(super) Mount);

impl Value for MountText {
    fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Self> {
        if matches!(at.get_ref(), DeValue::Table(_)) {
            return from_table(&MountTable::read(at, place, problems)?, at, place, problems).map(Self);
        }
        let line = nonempty(at, "the mount command", place, problems)?;
        let refused = |refusal| problems.push(refused("", at, place, refusal));
        from_line(&line).map_err(refused).map(Self).ok()
    }
}

const LINE: &str = "write it as mount -t nfs -o nconnect=16 SOURCE TARGET, with source and target last";

/// Takes a command line apart: the last word is the target, the one before it the source.
fn from_line(line: &str) -> Result<Mount, Refusal> {
    let refusal = |why: String| Refusal::because(why).help(LINE);
    let words =
        shlex::split(line).ok_or_else(|| refusal("the quotes of the mount command do not close".into()))?;
    let sudo = words.iter().take_while(|word| *word == "sudo").count();
    let command: Vec<String> = words.into_iter().skip(sudo).collect();
    let shell =
        |word: &&String| matches!(word.as_str(), "&&" | "||" | "|" | ";" | "&") || word.ends_with(';');
    if let Some(word) = command.iter().find(shell) {
        return Err(refusal(format!(
            "`{word}`: the mount has to be one command; pi makes the directory itself"
        )));
    }
    let [program, .., source, target] = command.as_slice() else {
        return Err(refusal("the mount command has no source and target".into()));
    };
    if program.starts_with('-') || source.starts_with('-') {
        return Err(refusal("the mount command does not end in a source and a target".into()));
    }
    let target = AbsPath::parse(target).map_err(|bad| refusal(format!("the mount's target: {bad}")))?;
    Ok(Mount { source: source.clone(), target, command })
}

fn from_table(raw: &MountTable, at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Mount> {
    let missing = [("source", raw.source.is_absent()), ("target", raw.target.is_absent())];
    for (key, _) in missing.into_iter().filter(|(_, absent)| *absent) {
        let refusal = Refusal::because(format!("the mount has no `{key}`"))
            .help(r#"write { source = "host:/share", target = "/mnt/hf-models" }"#);
        problems.push(refused("", at, place, refusal));
    }
    let (source, target) = (raw.source.value()?.clone(), raw.target.value()?.clone());
    let mut command = vec!["mount".to_owned()];
    if let Some(kind) = raw.r#type.value() {
        command.extend(["-t".to_owned(), kind.clone()]);
    }
    if let Some(options) = raw.options.value().filter(|options| !options.is_empty()) {
        command.extend(["-o".to_owned(), options.join(",")]);
    }
    command.extend([source.clone(), target.as_str().to_owned()]);
    Some(Mount { source, target, command })
}
