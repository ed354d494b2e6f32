//! stub
use crate::manifest::EngineKind;
/// x
pub struct Cause {
    /// x
    pub code: String,
    /// x
    pub line: String,
    /// x
    pub number: usize,
    /// x
    pub message: String,
    /// x
    pub help: String,
}
/// x
pub fn first_cause(_: EngineKind, _: &[String]) -> Option<Cause> {
    None
}
