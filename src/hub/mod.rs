//! What the Hugging Face hub says of the models: which commit, which files, how large, and whether we may have them.
//!
//! In: repositories with revisions, and what this machine knows of the hub ([`Here`]). Out: [`HubFacts`], one
//! [`HubAnswer`] each. Asked side by side with the probes; a hub that does not answer stops no plan.

mod facts;
mod shape;
mod choice;
mod answer;
mod kept;
mod here;
mod client;
mod ask;

pub use ask::{Need, ask};
pub use choice::Choice;
pub use facts::{DEFAULT_BRANCH, HubAnswer, HubFacts, HubFile, NoAnswer, RepoFacts, is_commit};
pub use here::Here;
pub use shape::NoShape;
