//! Why a pod could not be locked, as people read it.

use crate::apply::Refusal;
use crate::name::PodName;
use jiff::Timestamp;

/// One or two lines.
#[must_use]
pub fn refusal(pod: &PodName, refusal: &Refusal) -> String {
    match refusal {
        Refusal::Held { who, project, since } => {
            let since = i64::try_from(*since).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
            let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
            format!(
                "error on {pod}: {who} is changing it{since} (project {project})\n  → wait until they are done, then run this again"
            )
        }
        Refusal::Remote(error) => match error.help() {
            Some(help) => format!("error on {pod}: {error}\n  → {help}"),
            None => format!("error on {pod}: {error}"),
        },
        Refusal::Failed(why) => format!("error on {pod}: its lock can't be taken: {why}"),
    }
}
