//! Changing keys of a pod that is there.

use super::{NewPod, document, not_there, put};
use toml_edit::{Item, Value};

/// Gives a pod what `pod` says; its ssh line and what `pod` does not say stay as they are.
///
/// # Errors
/// The text is not TOML, or has no pod of this name.
pub fn change_pod(text: &str, pod: &NewPod) -> miette::Result<String> {
    let name = pod.name.as_str();
    let mut document = document(text)?;
    let table = document.get_mut("pods").and_then(|pods| pods.get_mut(name));
    let table = table.and_then(Item::as_table_like_mut).ok_or_else(|| not_there("pod", name))?;
    for (key, value) in pod.keys() {
        let same = table.get(key).and_then(Item::as_str) == value.as_str();
        if key != "ssh" && !same {
            put(table, key, Value::clone(&value));
        }
    }
    Ok(document.to_string())
}
