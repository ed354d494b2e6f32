//! A manifest with its tables and keys in another order.

use super::check::Random;
use toml::{Table, Value};

/// The same manifest, written in another order.
pub(crate) fn shuffled(text: &str, seed: u64) -> String {
    let file: Table = text.parse().unwrap();
    let mut random = Random::new(seed + 1);
    let mut top = String::new();
    let mut tables = Vec::new();
    for (key, value) in &file {
        match (key.as_str(), value) {
            ("secrets", Value::Table(table)) => tables.push(written("secrets", table, &mut random)),
            (_, Value::Table(kinds)) => {
                for (name, value) in kinds {
                    let title = format!("{key}.{}", quoted(name));
                    tables.push(written(&title, value.as_table().unwrap(), &mut random));
                }
            }
            _ => top.extend([key, " = ", &value.to_string(), "\n"]),
        }
    }
    mix(&mut tables, &mut random);
    top + &tables.concat()
}

fn written(title: &str, table: &Table, random: &mut Random) -> String {
    let mut keys: Vec<String> =
        table.iter().map(|(key, value)| format!("{} = {value}\n", quoted(key))).collect();
    mix(&mut keys, random);
    format!("[{title}]\n{}", keys.concat())
}

fn quoted(key: &str) -> String {
    format!("{key:?}")
}

fn mix<T>(list: &mut [T], random: &mut Random) {
    for at in (1..list.len()).rev() {
        list.swap(at, random.below(at + 1));
    }
}
