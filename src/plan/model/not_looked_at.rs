//! What is said of a part of a pod that could not be looked at.

use crate::observe::{PodFacts, Section};
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::pod_context::PodContext;

/// The finding for a section of which something depends that is not planned.
pub(in crate::plan) fn hidden(site: &PodContext<'_>, section: Section, what: &str, help: &str) -> Finding {
    let message = format!("{what} could not be looked at: {}", why(site.facts, section));
    Finding::on(Severity::Error, Code::NotLookedAt, site.name, message).help(help)
}

/// Why a section could not be looked at.
fn why(facts: &PodFacts, section: Section) -> &str {
    let gap = facts.gaps.iter().find(|gap| gap.section == section);
    gap.map_or("it was not told", |gap| gap.why.as_str())
}
