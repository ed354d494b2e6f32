//! Messages and advice of a row, filled in with what the log says.

use super::facts::Facts;
use crate::units::Tokens;
use std::collections::BTreeMap;

/// What is shown of one value, in characters.
const SHOWN: usize = 800;

/// The name of what an engine offers, as a list.
const LIST: &str = "known";

/// Values by the names that rows use for them.
pub(super) type Values = BTreeMap<String, String>;

/// The parts that a pattern has found, and what follows from them.
pub(super) fn values(captures: Vec<(&str, &str)>, facts: &Facts) -> Values {
    let mut values: Values = captures
        .into_iter()
        .map(|(name, text)| (name.to_owned(), in_words(name, text).chars().take(SHOWN).collect()))
        .collect();
    for (name, value) in derived(&values, facts) {
        if let Some(value) = value {
            values.entry(name.to_owned()).or_insert(value);
        }
    }
    values
}

/// One sentence; a part in brackets is left out when none of its values are known.
pub(super) fn message(template: &str, values: &Values) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, (inside, after))) =
        rest.split_once('[').and_then(|(before, tail)| Some((before, tail.split_once(']')?)))
    {
        text += &filled(before, values).1;
        if let (Known::Some | Known::NothingAsked, inside) = filled(inside, values) {
            text += &inside;
        }
        rest = after;
    }
    text + &filled(rest, values).1
}

/// The parts whose values are known, one after the other.
pub(super) fn help(parts: &[String], values: &Values) -> String {
    let known = parts.iter().filter_map(|part| match filled(part, values) {
        (Known::Some | Known::NothingAsked, text) => Some(text),
        (Known::Nothing, _) => None,
    });
    known.collect::<Vec<_>>().join("; ")
}

/// How many of a text's values are known.
enum Known {
    NothingAsked,
    Some,
    Nothing,
}

/// Puts the values in place of `{name}`; `{ … }` with anything but a name in it stays as it is.
fn filled(template: &str, values: &Values) -> (Known, String) {
    let mut pieces = template.split('{');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    let mut known = Known::NothingAsked;
    for piece in pieces {
        let name = piece.split_once('}').filter(|(name, _)| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        });
        match name.map(|(name, rest)| (values.get(name), rest)) {
            Some((Some(value), rest)) => {
                known = Known::Some;
                text.push_str(value);
                text.push_str(rest);
            }
            Some((None, rest)) => {
                known = if matches!(known, Known::Some) { Known::Some } else { Known::Nothing };
                text.push_str(rest);
            }
            None => {
                text.push('{');
                text.push_str(piece);
            }
        }
    }
    (known, text)
}

fn derived(values: &Values, facts: &Facts) -> [(&'static str, Option<String>); 12] {
    let Facts { gpus, share, port, trained } = facts;
    let number = |name: &str| values.get(name)?.replace(',', "").parse::<u32>().ok();
    let offered = values.get(LIST).or_else(|| values.get("names"));
    let wanted = values.get("parser").or_else(|| values.get("name"));
    [
        ("fits", number("len").map(whole_k)),
        ("divisor", number("heads").zip(number("tp")).map(|(heads, tp)| divisor(heads, tp).to_string())),
        ("share", free_share(values)),
        ("whole_gib", values.get("available").and_then(|gib| Some(gib.split_once('.')?.0.to_owned()))),
        ("more_gpus", gpus.map(|gpus| gpus.saturating_mul(2).to_string())),
        ("higher_memory", share.and_then(higher)),
        ("lower_memory", share.and_then(lower)),
        ("port", port.clone()),
        ("trained", trained.map(whole_k)),
        ("lora_rank", number("rank").and_then(lora_rank)),
        (LIST, offered.cloned()),
        ("nearest", offered.zip(wanted).and_then(|(offered, wanted)| nearest(offered, wanted))),
    ]
}

/// As it is shown: lists with a space behind each comma.
fn in_words(name: &str, text: &str) -> String {
    let text = text.trim();
    if name == LIST { text.split(',').map(str::trim).collect::<Vec<_>>().join(", ") } else { text.to_owned() }
}

/// Tokens rounded down to whole k, as a manifest writes them.
fn whole_k(tokens: u32) -> String {
    Tokens(if tokens < 1024 { tokens } else { tokens / 1024 * 1024 }).to_string()
}

/// The largest number below `gpus` that divides the heads.
fn divisor(heads: u32, gpus: u32) -> u32 {
    (1..gpus.min(heads.saturating_add(1))).rev().take(4096).find(|n| heads.is_multiple_of(*n)).unwrap_or(1)
}

/// The least rank that vLLM reserves room for and that holds this one (`LoRAConfig.max_lora_rank`).
fn lora_rank(rank: u32) -> Option<String> {
    let least = [1, 8, 16, 32, 64, 128, 256, 320, 512].into_iter().find(|offered| *offered >= rank)?;
    Some(least.to_string())
}

/// `free` of `total` in whole percent, rounded down.
fn free_share(values: &Values) -> Option<String> {
    let hundredths = |name: &str| values.get(name)?.replace('.', "").parse::<u64>().ok();
    let percent = hundredths("free")?.checked_mul(100)?.checked_div(hundredths("total")?)?;
    (1..=100).contains(&percent).then(|| format!("{percent}%"))
}

fn higher(share: f64) -> Option<String> {
    let step = if share < 0.9 { "90%" } else { "95%" };
    (share < 0.95).then(|| step.to_owned())
}

fn lower(share: f64) -> Option<String> {
    let step = if share > 0.9 { "90%" } else { "80%" };
    (share > 0.8).then(|| step.to_owned())
}

fn nearest(offered: &str, wanted: &str) -> Option<String> {
    let score = |name: &str| strsim::jaro_winkler(name, wanted);
    let names = offered.split(',').map(str::trim).filter(|name| score(name) > 0.8);
    names.max_by(|a, b| score(a).total_cmp(&score(b))).map(str::to_owned)
}

#[cfg(test)]
mod tests;
