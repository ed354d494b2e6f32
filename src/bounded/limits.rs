//! The limits, each with the reason for its number.
//!
//! Where JSON or TOML of any form is read into a tree, two bytes of text can become a value of 72 bytes and its list
//! half as much again: the text has to stay below 8 MiB for the tree to fit into a gigabyte.

use super::{Limit, Over};
use std::time::Duration;

/// Files are read in milliseconds: this is for dead network file systems and for pipes that a person or a password
/// manager fills.
const FILE: Duration = Duration::from_secs(20);

/// 500 pods with 2 models each take 150 KB.
pub const MANIFEST: Limit = Limit { of: "a manifest", bytes: 1 << 20, time: FILE };
/// The longest word that Linux hands to a program is 128 KiB (`MAX_ARG_STRLEN`), name and all: servers get it so.
pub const SECRET: Limit = Limit { of: "a secret", bytes: 64 << 10, time: FILE };
/// The system's own words, in `/proc`: a page at most.
pub const PROC: Limit = Limit { of: "a file of /proc", bytes: 64 << 10, time: FILE };
/// One of a thousand hosts takes 100 KB.
pub const SSH_CONFIG: Limit = Limit { of: "an ssh configuration", bytes: 1 << 20, time: FILE };
/// A few lines, unless somebody has asked ssh for `-vvv` of a large agent.
pub const SSH_LOG: Limit = Limit { of: "ssh's log", bytes: 1 << 20, time: FILE };
/// The manifest once more, while it is watched: whoever watches can end that meanwhile.
pub const WATCHED: Limit = Limit { time: Duration::from_secs(2), ..MANIFEST };
/// A person may have to find a key and type a passphrase; whoever waits for `pi` hears of it within a minute.
pub const SECRET_COMMAND: Limit =
    Limit { of: "the command of a secret", bytes: 64 << 10, time: Duration::from_secs(45) };
/// A pod with 8 GPUs and 10 servers takes 20 KB.
pub const MEMORY: Limit = Limit { of: "pods.json", bytes: 8 << 20, time: FILE };
/// A step takes 1 to 3 KB: more than 2000 of them.
pub const PLAN: Limit = Limit { of: "a plan", bytes: 8 << 20, time: FILE };
/// A context of a million tokens is 4 MB of text.
pub const SESSION: Limit = Limit { of: "a session", bytes: 16 << 20, time: FILE };
/// A manual page of `pi` takes 10 KB.
pub const MANUAL: Limit = Limit { of: "a manual page", bytes: 1 << 20, time: FILE };
/// The longest `config.json` of a model is that of mixed quantizations, which name each layer: below 1 MB.
pub const CONFIG: Limit = Limit { of: "config.json", bytes: 2 << 20, time: FILE };
/// What is kept of a commit: its `config.json` and a list of files.
pub const KEPT: Limit = Limit { of: "what is kept of a commit", bytes: 24 << 20, time: FILE };
/// A token of the hub, or the note of a tunnel: one line.
pub const TOKEN: Limit = Limit { of: "a file of one line", bytes: 64 << 10, time: FILE };

/// The hub is waited for as long as a plan waits for it.
const HUB: Duration = Duration::from_secs(10);

/// What the hub says of a revision, with the names of 10,000 files.
pub const HUB_REVISION: Limit = Limit { of: "what the hub says of a revision", bytes: 4 << 20, time: HUB };
/// A page of 1000 files takes 300 KB.
pub const HUB_PAGE: Limit = Limit { of: "a page of the hub's list of files", bytes: 4 << 20, time: HUB };
/// All pages together: more than 50,000 files.
pub const HUB_LIST: Limit = Limit { of: "the hub's list of files", bytes: 16 << 20, time: HUB };
/// `config.json` from the hub, as [`CONFIG`].
pub const HUB_CONFIG: Limit = Limit { of: "config.json", bytes: 2 << 20, time: HUB };

/// A server that lists its models, or says why it refuses, does so at once: a gateway of 1000 models takes 300 KB.
pub const LISTING: Limit = Limit { of: "a list of models", bytes: 1 << 20, time: Duration::from_secs(30) };
/// An error in a server's words; a page of a gateway takes 50 KB.
pub const REFUSAL: Limit = Limit { of: "an error's text", bytes: 256 << 10, time: Duration::from_secs(10) };
/// One token and its usage, or the text of `/metrics`, which takes 200 KB; the asker has its own patience.
pub const ANSWER: Limit = Limit { of: "an answer", bytes: 2 << 20, time: Duration::from_mins(20) };
/// One event of a model's stream, or an answer that comes whole. A last event repeats the answer, at most a million
/// tokens. Servers write an event at once: one that has begun is waited for for a minute at most.
pub const EVENT: Limit = Limit { of: "an event of a stream", bytes: 4 << 20, time: Duration::from_secs(55) };
/// All events of one turn. A token comes in an event of about 250 bytes: more than 500,000 tokens, several times what
/// models write at most (131,072). Its time is that between two events: a long prompt on a slow machine may take
/// minutes until its first token.
pub const TURN: Limit = Limit { of: "a model's turn", bytes: 128 << 20, time: Duration::from_mins(10) };
/// What a turn comes to: text, thinking and calls. 500,000 tokens.
pub const TURN_TEXT: Limit = Limit { of: "what a model says in a turn", bytes: 2 << 20, time: TURN.time };
/// Calls of tools in one turn. Models make below ten at once; OpenAI's API knows 128 tools at most.
pub const CALLS: Over = Over::Count(128, "calls of tools in a turn");
