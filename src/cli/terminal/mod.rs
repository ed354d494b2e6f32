//! The person and the shell around pi: exit codes, signals, questions.

pub(super) mod exit;
pub(super) mod form;
pub(super) mod interrupt;
pub(super) mod quiet_end;
pub(super) mod consent;
