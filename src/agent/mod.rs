//! Talking with a model that may use tools: streams of pieces, a loop of turns, files of what was said.
//!
//! In: a [`Server`] and messages. Out: [`Event`]s as they happen and an [`Ending`]. `sse`, `think`, `completions`,
//! `responses`, `api`, `trouble` and `wording` only compute; `client` is the one door to the server, `tools` the one to files.

mod message;
mod sse;
mod think;
mod gather;
mod completions;
mod responses;
mod api;
mod trouble;
mod patience;
mod client;
pub mod tools;
mod wording;
mod session;
mod turns;

pub use api::Api;
pub use client::{Client, Sampling, Server};
pub use message::{Answer, Call, Finish, Message, Piece, Usage};
pub use session::{Session, history, remember_line};
pub use tools::Toolbox;
pub use trouble::{Origin, Trouble};
pub use turns::{Ending, Event, Measured, Talk, talk};
pub use wording::system;
