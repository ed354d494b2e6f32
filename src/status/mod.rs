//! How servers are, for people who look and programs that ask: their state, where clients reach them, what they do.
//!
//! In: the manifest, what was observed, a plan, what servers say of themselves. Out: plain data for `ui/`. Pure.

mod address;
mod gpus;
mod pod;
mod state;
mod vitals;

pub use address::{Address, address};
pub use gpus::{GpuStatus, Stranger, gpus};
pub use pod::{PodSeen, PodStatus, pod_status};
pub use state::{Belongs, ServerStatus, State, servers};
pub use vitals::{Requests, ServerVitals, Vitals, VitalsAsk, vitals};
