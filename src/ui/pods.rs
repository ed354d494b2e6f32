//! `pi pods`, as people and machines read it.

use crate::name::{ModelName, PodName};
use crate::observe::Unreachable;
use crate::plan::{GpuView, PodView, gpus_in_words};
use crate::ui::layout::{Count, prose, wrapped};
use crate::ui::style::{REMOVE, STRONG, Styled};
use crate::ui::table::{Cell, Head, Table};
use anstyle::Style;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// One pod of the listing.
#[derive(Debug, Clone)]
pub struct PodLine<'a> {
    /// Its name.
    pub name: &'a PodName,
    /// Whether commands without `--pod` mean it.
    pub active: bool,
    /// How it is reached, and its GPUs as they were last seen.
    pub view: PodView,
    /// Models that the manifest puts on it.
    pub models: Vec<&'a ModelName>,
    /// Seconds since it was last seen; none if it never was.
    pub age: Option<u64>,
    /// Why it did not answer just now.
    pub trouble: Option<Unreachable>,
}

/// The listing: one line for every pod.
#[must_use]
pub fn pods_text(pods: &[PodLine<'_>]) -> String {
    if pods.is_empty() {
        return "No pods in pi.toml. Add one: pi pods setup NAME \"ssh root@1.2.3.4\"\n".to_owned();
    }
    let rows: Vec<_> = pods.iter().map(cells).collect();
    let table = Table::new(0, (&HEADS, 2), &rows);
    let mut text = table.head();
    for row in &rows {
        text.push_str(&table.row(row));
    }
    let mut advice: Vec<(&str, &Option<String>, String)> = Vec::new();
    for (pod, Unreachable { code, why, help }) in
        pods.iter().filter_map(|pod| Some((pod.name, pod.trouble.as_ref()?)))
    {
        let line = format!("\n{} {pod}: {why}", Styled(REMOVE, "error"));
        match advice.iter_mut().find(|(other, advice, _)| (*other, *advice) == (*code, help)) {
            Some((.., lines)) => lines.push_str(&line),
            None => advice.push((code, help, line)),
        }
    }
    for (_, help, lines) in advice {
        let _ = writeln!(text, "{lines}");
        for (at, part) in help.iter().flat_map(|help| wrapped(help, prose() - 4)).enumerate() {
            let _ = writeln!(text, "  {} {part}", if at == 0 { "→" } else { " " });
        }
    }
    text
}

const HEADS: [Head; 7] = [
    Head("", ""),
    Head("NAME", ""),
    Head("SSH", ""),
    Head("GPUS", ""),
    Head("DRIVER", "driver"),
    Head("MODELS", "models"),
    Head("SEEN", "seen"),
];

fn cells(pod: &PodLine<'_>) -> [Cell; 7] {
    let PodLine { name, active, view, models, age, trouble } = pod;
    let gpus = match (age, &view.gpu_fault) {
        (None, _) => "not looked at yet".to_owned(),
        (Some(_), Some(_)) => "nvidia-smi fails".to_owned(),
        (Some(_), None) if view.gpus.is_empty() => format!("no GPU, {}", Count(view.cpus as usize, "CPU")),
        (Some(_), None) => gpus_in_words(view.gpus.iter().map(|gpu| gpu.name.as_str())),
    };
    let seen = age.map_or_else(|| "never".to_owned(), ago);
    let style = match (trouble, active) {
        (Some(_), _) => REMOVE,
        (None, true) => STRONG,
        (None, false) => Style::new(),
    };
    [
        if *active { "*" } else { "" }.to_owned(),
        name.to_string(),
        view.address.clone(),
        gpus,
        view.driver.clone().unwrap_or_else(|| "-".to_owned()),
        models.len().to_string(),
        seen,
    ]
    .map(|cell| (style, cell))
}

/// `just now`, `5m ago`, `3h ago`, `12d ago`.
pub(super) fn ago(seconds: u64) -> String {
    match seconds {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{}m ago", seconds / 60),
        3600..172_800 => format!("{}h ago", seconds / 3600),
        _ => format!("{}d ago", seconds / 86400),
    }
}

/// The listing for machines, in format 1. `reachable` is there for pods that were looked at just now.
#[must_use]
pub fn pods_json(pods: &[PodLine<'_>]) -> Value {
    let active = pods.iter().find(|pod| pod.active).map(|pod| pod.name);
    let all: Map<String, Value> = pods.iter().map(|pod| (pod.name.to_string(), pod_json(pod))).collect();
    json!({ "format": 1, "active": active, "pods": all })
}

/// `pi pods active`: the pod that was chosen, if one was, and the one that commands without `--pod` mean.
#[must_use]
pub fn active_json(chosen: Option<&PodName>, meant: &PodName) -> Value {
    json!({ "format": 1, "active": chosen, "meant": meant })
}

/// `pi pods setup`: the pod is ready.
#[must_use]
pub fn ready_json(pod: &PodName, view: &PodView) -> Value {
    let PodView { gpus, driver, gpu_fault, .. } = view;
    json!({ "event": "ready", "pod": pod, "gpus": gpus, "driver": driver, "gpu_fault": gpu_fault })
}

/// `pi pods remove`: what went out of `pi.toml`, and which models of that nobody has stopped.
#[must_use]
pub fn removed_json(pod: &PodName, models: &[ModelName], not_stopped: &[ModelName]) -> Value {
    json!({ "event": "removed", "pod": pod, "models": models, "not_stopped": not_stopped })
}

fn pod_json(pod: &PodLine<'_>) -> Value {
    let PodLine { name: _, active, view, models, age, trouble } = pod;
    let PodView { reachable: _, address, gpus, driver, gpu_fault, cpus, free: _ } = view;
    let gpus: Option<&Vec<GpuView>> = age.map(|_| gpus);
    let mut value = json!({
        "active": active, "ssh": address, "gpus": gpus, "driver": driver, "cpus": age.map(|_| cpus),
        "models": models, "seen_seconds_ago": age,
    });
    if let Some(fault) = gpu_fault {
        value["gpu_fault"] = json!(fault);
    }
    if let Some(trouble) = trouble {
        let Unreachable { code: _, why, help } = trouble;
        let help = help.iter().map(|help| format!("; {help}"));
        value["unreachable"] = json!(std::iter::once(why.clone()).chain(help).collect::<String>());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::layout::tests::at;

    fn view(address: &str, gpus: usize) -> PodView {
        let gpu = GpuView { name: "NVIDIA H100 80GB HBM3".to_owned(), memory_mib: 81559 };
        PodView {
            reachable: true,
            address: address.to_owned(),
            gpus: vec![gpu; gpus],
            driver: (gpus > 0).then(|| "580.95.05".to_owned()),
            gpu_fault: None,
            cpus: 16,
            free: None,
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn the_listing_reads_as_written_down() {
        let names: Vec<PodName> = ["dc1", "dc2", "spare", "gone"].map(|name| name.parse().unwrap()).into();
        let model: ModelName = "qwen".parse().unwrap();
        let line = |at: usize, view, age| PodLine {
            name: &names[at],
            active: at == 0,
            view,
            models: vec![&model; 2 - at.min(2)],
            age,
            trouble: (at >= 3).then(|| Unreachable {
                code: "refused",
                why: "it refuses the connection".to_owned(),
                help: Some("is the pod running?".to_owned()),
            }),
        };
        let pods = [
            line(0, view("root@1.2.3.4:2222", 8), Some(12)),
            line(1, view("root@5.6.7.8", 0), Some(7300)),
            line(2, view("spare", 0), None),
            line(3, view("root@9.9.9.9", 1), Some(200_000)),
        ];
        let expected = "
   NAME   SSH                GPUS               DRIVER     MODELS  SEEN
*  dc1    root@1.2.3.4:2222  8× H100 80GB HBM3  580.95.05  2       just now
   dc2    root@5.6.7.8       no GPU, 16 CPUs    -          1       2h ago
   spare  spare              not looked at yet  -          0       never
   gone   root@9.9.9.9       1× H100 80GB HBM3  580.95.05  0       2d ago

error gone: it refuses the connection
  → is the pod running?
";
        let text = anstream::adapter::strip_str(&pods_text(&pods)).to_string();
        assert_eq!(format!("\n{text}"), expected);
        let narrow = "
   NAME  DRIVER     MODELS  SEEN
*  dc1   580.95.05  2       just now
   root@1.2.3.4:2222  8× H100 80GB HBM3
   dc2   -          1       2h ago
   root@5.6.7.8  no GPU, 16 CPUs
";
        assert_eq!(format!("\n{}", at(40, || pods_text(&pods[..2]))), narrow);
        let json = pods_json(&pods);
        assert_eq!(json["active"], "dc1");
        assert_eq!(json["pods"]["dc1"]["gpus"][7]["memory_mib"], 81559);
        assert_eq!(json["pods"]["dc2"]["gpus"], json!([]));
        assert_eq!(json["pods"]["spare"]["gpus"], Value::Null);
        assert_eq!(json["pods"]["gone"]["unreachable"], "it refuses the connection; is the pod running?");
        let two = [line(3, view("root@9.9.9.9", 1), None), line(3, view("root@9.9.9.9", 1), None)];
        assert_eq!(pods_text(&two).matches("is the pod running?").count(), 1);
        assert!(pods_text(&[]).contains("pi pods setup"));
    }
}
