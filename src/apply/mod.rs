//! 4. Doing it. Obeys the plan: whatever depends on the domain was decided there.
//!
//! In: a [`crate::plan::Plan`] and a [`crate::remote::Remote`]. Out: events while it runs, and a [`Report`] that
//! accounts for every step. After every step `pods.json` is written.

mod apply_context;
mod step_runner;
mod ask;
mod asker;
mod blocked;
mod build;
mod event;
mod fall_back;
mod fetch;
mod guard;
mod hold;
mod excerpt;
mod locks;
mod note;
mod patience;
mod perform;
mod ready;
mod remember;
mod report;
mod schedule;
mod starting;
mod tools;
mod unlock;

pub use apply_context::{ApplyContext, Asking, Starting};
pub use ask::served;
pub use event::{Event, Failure, FailureKind, Outcome};
pub use hold::{Hold, Loss};
pub use locks::{Holder, Locks, Refusal};
pub use remember::remember;
pub use report::Report;
pub use schedule::apply;
pub use unlock::{NotBroken, unlock};
