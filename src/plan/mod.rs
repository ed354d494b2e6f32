//! 3. What to do about it. Pure: the same inputs give the same plan, to the byte.
//!
//! In: a manifest, `pods.json`, what was observed. Out: a [`Plan`]: typed steps in an order in which they may be
//! done, each with its reason, and findings. Nothing is left to decide for `apply`.

mod model;
mod usage;
mod resolve;
mod server_diff;
mod place;
mod simulate;
mod findings;
mod rollout;
mod bash;
mod pods;

pub use bash::program::{Awaited, Fallback, Input, Noted, Part, Program, Standing};
pub use bash::render::{program, scripts, shown_scripts};
pub use findings::exposed::plain_http_of;
pub use findings::pod_findings::{LOCK_EXPIRY, repair};
pub use model::change::{Change, How, changes, gpu_list};
pub use model::code::Code;
pub use model::fetch::{Fetch, short};
pub use model::finding::{Finding, Severity};
pub use model::inputs::{Inputs, Protected, Scope};
pub use model::launch::Launch;
pub use model::reason::Reason;
pub use model::redact::{address as shown_address, recipe as shown_recipe};
pub use model::rows::{Counts, Row};
pub use model::step::{
    Action, Care, Otherwise, Packages, Plan, Recreate, Replaces, Sign, Start, Step, StepId, Storage,
};
pub use model::view::{GpuView, PodView, gpus_in_words};
pub use place::free::{OfKind, free_gpus};
pub use pods::ahead::plan_ahead;
pub use pods::all_or_nothing::{Origin, begin, halt, make_ready};
pub use pods::converge::plan;
pub use pods::destroy::{Extent, Removal, destroy};
pub use pods::questions::questions;
pub use pods::taking::nowhere;
pub use resolve::engine::size as engine_size;
pub use resolve::measured::{Known, Measurement, known_to_fit, measured_before};
pub use simulate::{act, simulate};
