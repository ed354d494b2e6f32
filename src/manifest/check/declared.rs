//! What models refer to.

use super::engine;
use crate::manifest::raw::PodTable;
use crate::manifest::value::Named;
use crate::name::PodName;

/// What the manifest declares that models refer to.
pub(super) struct Declared<'a> {
    /// The pods, also those that cannot be built.
    pub(super) pods: &'a Named<PodName, PodTable>,
    /// Whether `[pods]` could be read at all.
    pub(super) pods_readable: bool,
    /// The builds of `[engines]`.
    pub(super) builds: &'a engine::Builds,
}
