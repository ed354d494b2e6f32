//! What a pod has, and who uses it.

pub(super) mod gpus;
pub(super) mod storage;
pub(super) mod secrets;
pub(super) mod whose;
pub(super) mod shape;
pub(super) mod stored;
