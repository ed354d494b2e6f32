//! What a log says of how its server was started; for advice that goes beyond it.

/// What was found; none where the log does not tell.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Facts {
    /// GPUs that share the model, in vLLM; not on CPUs.
    pub(super) gpus: Option<u32>,
    /// The share of GPU memory that vLLM may use, 0 to 1.
    pub(super) share: Option<f64>,
    /// The port.
    pub(super) port: Option<String>,
    /// The context that llama.cpp says the model was trained with, in tokens.
    pub(super) trained: Option<u32>,
}

/// vLLM's share of GPU memory when it is not told any, since 0.20.
const DEFAULT_SHARE: f64 = 0.92;

impl Facts {
    /// Reads them from the log.
    pub(super) fn of(log: &[String]) -> Self {
        let trained = log.iter().find_map(|line| number_after(line, "n_ctx_train")?.parse().ok());
        // vLLM prints what differs from its defaults: what is not there has its default
        let Some(args) = log.iter().find(|line| line.contains("non-default args: {")) else {
            return Self { trained, ..Self::default() };
        };
        let on_cpu = log.iter().any(|line| line.contains("[cpu_worker.py:") || line.contains("[cpu.py:"));
        let arg = |name: &str| number_after(args, &format!("'{name}':"));
        let gpus = arg("tensor_parallel_size").map_or(Some(1), |number| number.parse().ok());
        Self {
            gpus: gpus.filter(|_| !on_cpu),
            share: arg("gpu_memory_utilization").map_or(Some(DEFAULT_SHARE), |number| number.parse().ok()),
            port: arg("port").map(str::to_owned),
            trained,
        }
    }
}

/// The number that follows a label, with ` (=` between them.
fn number_after<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let rest = line.split_once(label)?.1.trim_start_matches([' ', '(', '=']);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest.get(..end).filter(|number| !number.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_was_started_with_is_read() {
        let args = "(APIServer pid=1) INFO non-default args: {'port': 8003, 'tensor_parallel_size': 4}";
        let log = [args.to_owned(), "W x: n_ctx_seq (9000) > n_ctx_train (2048)".to_owned()];
        let facts = Facts::of(&log);
        assert_eq!((facts.gpus, facts.share, facts.trained), (Some(4), Some(DEFAULT_SHARE), Some(2048)));
        assert_eq!(facts.port.as_deref(), Some("8003"));
        assert_eq!(Facts::of(&[]), Facts::default());
    }
}
