//! Findings, as people read them: how bad, about what, where in pi.toml, what to do. What is the same of several
//! servers or pods is told once.

use crate::manifest::Lines;
use crate::name::{ModelName, PodName};
use crate::plan::{Finding, Severity, plain_http_of};
use crate::ui::layout::{prose, wrapped};
use crate::ui::style::{CHANGE, FAINT, REMOVE, Styled};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Columns in front of a finding's text.
const INDENT: usize = 13;
/// So many names are told before the rest is counted.
const NAMES: usize = 4;

/// Findings that are told as one, in the order in which they came.
pub(super) struct Kind<'a>(Vec<&'a Finding>);

/// Puts together what is of one kind: of several servers, the same message; of several pods, the same advice.
pub(super) fn kinds(findings: &[Finding]) -> Vec<Kind<'_>> {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    for finding in findings {
        match kinds.iter_mut().find(|kind| kind.0.first().is_some_and(|first| is_alike(first, finding))) {
            Some(kind) => kind.0.push(finding),
            None => kinds.push(Kind(vec![finding])),
        }
    }
    kinds
}

fn is_alike(one: &Finding, other: &Finding) -> bool {
    let of_pod =
        |finding: &Finding| finding.model.is_none() && finding.pod.is_some() && finding.help.is_some();
    (one.severity, one.code, &one.help) == (other.severity, other.code, &other.help)
        && (one.message == other.message || of_pod(one) && of_pod(other) && one.pod != other.pod)
}

impl Kind<'_> {
    /// The only pod that it is about, if it is one.
    pub(super) fn pod(&self) -> Option<&PodName> {
        let first = self.0.first()?.pod.as_ref()?;
        self.0.iter().all(|finding| finding.pod.as_ref() == Some(first)).then_some(first)
    }

    /// It as text.
    pub(super) fn text(&self, lines: &Lines) -> String {
        let Some(first) = self.0.first() else { return String::new() };
        let (word, style) = match first.severity {
            Severity::Error => ("error", REMOVE),
            Severity::Warning => ("warning", CHANGE),
            Severity::Note => ("note", FAINT),
        };
        let mut text = String::new();
        let sentences = self.sentences(first, lines);
        let parts = sentences.iter().flat_map(|sentence| wrapped(sentence, prose().saturating_sub(INDENT)));
        for (at, part) in parts.enumerate() {
            let head = if at == 0 { word } else { "" };
            let blanks = " ".repeat(INDENT - 4 - head.len());
            let _ = writeln!(text, "    {}{blanks}{part}", Styled(style, head));
        }
        let help = first.help.iter().flat_map(|help| wrapped(help, prose().saturating_sub(INDENT + 2)));
        for (at, part) in help.enumerate() {
            let arrow = if at == 0 { "→" } else { " " };
            let _ = writeln!(text, "{:INDENT$}{arrow} {part}", "");
        }
        text
    }

    fn sentences(&self, first: &Finding, lines: &Lines) -> Vec<String> {
        let quoted = |name: &ModelName| format!("`{name}`");
        let servers = unique(self.0.iter().flat_map(|finding| &finding.servers).map(quoted));
        if !servers.is_empty() {
            let place = if self.0.len() == 1 { place(&self.0, lines) } else { String::new() };
            return vec![format!("{}{place}", plain_http_of(&listed(&servers)))];
        }
        if self.0.iter().any(|finding| finding.message != first.message) {
            let of_pod = |finding: &&Finding| {
                let pod = finding.pod.as_ref().map(|pod| format!("{pod}: ")).unwrap_or_default();
                format!("{pod}{}{}", finding.message, place(&[finding], lines))
            };
            return self.0.iter().map(of_pod).collect();
        }
        let subject = |finding: &&Finding| match (&finding.model, &finding.pod) {
            (Some(model), _) => Some(model.to_string()),
            // it stands below its pod
            (None, pod) => pod.as_ref().filter(|_| self.0.len() > 1).map(ToString::to_string),
        };
        let subjects = unique(self.0.iter().filter_map(subject));
        let about = if subjects.is_empty() { String::new() } else { format!("{}: ", listed(&subjects)) };
        vec![format!("{about}{}{}", first.message, place(&self.0, lines))]
    }
}

/// ` (pi.toml:7)`, ` (pi.toml:7, 12)`
fn place(findings: &[&Finding], lines: &Lines) -> String {
    let line = |finding: &&Finding| match (&finding.model, &finding.pod) {
        (Some(model), _) => lines.models.get(model),
        (None, Some(pod)) => lines.pods.get(pod),
        (None, None) => None,
    };
    let lines = unique(findings.iter().filter_map(line).map(ToString::to_string));
    if lines.is_empty() { String::new() } else { format!(" (pi.toml:{})", listed(&lines)) }
}

/// Each once, in the order in which they came.
fn unique(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.filter(|text| seen.insert(text.clone())).collect()
}

/// `a, b`; `a, b, c, d and 7 more`.
fn listed(names: &[String]) -> String {
    // one more is told as soon as it is counted
    let told = if names.len() <= NAMES + 1 { names.len() } else { NAMES };
    let more = names.len() - told;
    let all = names[..told].join(", ");
    if more == 0 { all } else { format!("{all} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Code;

    fn finding(severity: Severity, code: Code, pod: &str, model: &str, message: &str) -> Finding {
        let finding = Finding::on(severity, code, &pod.parse().unwrap(), message.to_owned()).help("do this");
        if model.is_empty() { finding } else { finding.of(&model.parse().unwrap()) }
    }

    fn told(findings: &[Finding]) -> String {
        let text: String = kinds(findings).iter().map(|kind| kind.text(&Lines::default())).collect();
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn what_is_the_same_of_many_is_told_once() {
        let of_model = |name: &str| finding(Severity::Warning, Code::HubFailed, "dc1", name, "no hub");
        let away =
            |pod: &str| finding(Severity::Error, Code::Refused, pod, "", &format!("{pod}.example refuses"));
        let exposed = |pod: &str, names: &[&str]| {
            let servers = names.iter().map(|name| name.parse().unwrap()).collect();
            Finding { servers, ..finding(Severity::Note, Code::PlainHttp, pod, "", "all of them") }
        };
        let names: Vec<String> = (1..=7).map(|number| format!("m-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut all: Vec<Finding> = names.iter().map(|name| of_model(name)).collect();
        all.extend([away("dc2"), away("dc3"), exposed("dc1", &names[..2]), exposed("dc4", &names[2..])]);
        all.push(finding(Severity::Error, Code::Other, "dc1", "m-1", "alone"));
        let expected = "
    warning  m-1, m-2, m-3, m-4 and 3 more: no hub
             → do this
    error    dc2: dc2.example refuses
             dc3: dc3.example refuses
             → do this
    note     clients of `m-1`, `m-2`, `m-3`, `m-4` and 3 more send the key over
             plain HTTP
             → do this
    error    m-1: alone
             → do this
";
        assert_eq!(format!("\n{}", told(&all)), expected);
        assert_eq!(kinds(&all).iter().filter(|kind| kind.pod().is_none()).count(), 2);
    }

    #[test]
    fn what_differs_is_told_one_by_one() {
        let all = [
            finding(Severity::Error, Code::PortTaken, "dc1", "x", "one"),
            finding(Severity::Error, Code::PortTaken, "dc1", "x", "two"),
            finding(Severity::Error, Code::GpuTaken, "dc1", "", "three"),
            finding(Severity::Error, Code::GpuTaken, "dc1", "", "four"),
        ];
        assert_eq!(kinds(&all).len(), 4);
    }
}
