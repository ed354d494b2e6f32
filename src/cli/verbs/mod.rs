//! One verb, one file: its arguments, and what it does with them.

pub(super) mod init;
pub(super) mod check;
pub(super) mod fit;
pub(super) mod schema;
pub(super) mod import;
pub(super) mod completions;
pub(super) mod man;
pub(super) mod plan;
pub(super) mod apply;
pub(super) mod history;
pub(super) mod unlock;
pub(super) mod destroy;
pub(super) mod start;
pub(super) mod stop;
pub(super) mod list;
pub(super) mod tunnel;
pub(super) mod logs;
pub(super) mod shell;
pub(super) mod ssh;
pub(super) mod env;
pub(super) mod pods;
pub(super) mod prompt;
