//! What a server's command line comes to, below its row: `tp 2, parser hermes, context 32k: …`

use crate::catalog::recipe::Parallel;
use crate::plan::{Launch, Row};

/// How a server that starts will be run, and why so; none for everything else.
pub(super) fn command_text(row: &Row<'_>) -> Option<String> {
    let launch = row.step.action.start()?.launch.as_ref()?;
    let Launch { parallel, tools, reasoning, context, own_context, is_most, reasons } = launch;
    let Parallel { tp, pp, dp } = *parallel;
    let sizes = [("tp", tp), ("pp", pp), ("dp", dp)].into_iter().filter(|(_, size)| *size > 1);
    let mut parts: Vec<String> = sizes.map(|(name, size)| format!("{name} {size}")).collect();
    match (tools, reasoning) {
        (Some(tools), Some(reasoning)) if tools == reasoning => parts.push(format!("parsers {tools}")),
        (Some(tools), Some(reasoning)) => parts.push(format!("parsers {tools} and {reasoning}")),
        (Some(parser), None) | (None, Some(parser)) => parts.push(format!("parser {parser}")),
        (None, None) => {}
    }
    match (context, own_context) {
        (Some(context), Some(own)) if context < own => parts.push(format!("context {context} of {own}")),
        (Some(context), _) => parts.push(format!("context {context}")),
        (None, _) => {}
    }
    let line = parts.join(", ");
    if *is_most {
        return Some(format!("{line}: more does not fit"));
    }
    if !reasons.is_empty() {
        return Some(format!("{line}: {}", reasons.join("; ")));
    }
    (!line.is_empty()).then_some(line)
}
