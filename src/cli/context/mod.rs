//! What verbs work with: the manifest, the pods that are meant, secrets, servers.

pub(super) mod trust;
pub(super) mod manifest_path;
pub(super) mod complete_names;
pub(super) mod flags;
pub(super) mod manifest_file;
pub(super) mod edit;
pub(super) mod identity;
pub(super) mod secrets;
pub(super) mod which_pod;
pub(super) mod which_model;
pub(super) mod scope;
pub(super) mod full;
pub(super) mod pods_only;
pub(super) mod place;
pub(super) mod endpoint;
pub(super) mod pod_gpus;
pub(super) mod subject;
