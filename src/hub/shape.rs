//! From what the hub says of a repository to the shape of its model.

use super::facts::RepoFacts;
use crate::fit::Shape;
use crate::fit::config::{NotRead, shape};
use crate::units::Bytes;
use thiserror::Error;

/// Why a repository does not tell its model's shape.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoShape {
    /// It is none of transformers' kind.
    #[error("it has no config.json")]
    NoConfig,
    /// Its weights are in other files.
    #[error("it has no safetensors files in its root")]
    NoWeights,
    /// Its config.json does not tell.
    #[error(transparent)]
    NotRead(NotRead),
}

impl RepoFacts {
    /// The model's shape, by its `config.json` and the safetensors files in the root, which are those that vLLM loads.
    pub fn shape(&self) -> Result<Shape, NoShape> {
        let config = self.config.as_ref().ok_or(NoShape::NoConfig)?;
        let loaded = |path: &str| path.ends_with(".safetensors") && !path.contains('/');
        let bytes = self.files.iter().filter(|(path, _)| loaded(path)).map(|(_, file)| file.bytes.0).sum();
        if bytes == 0 {
            return Err(NoShape::NoWeights);
        }
        shape(&config.to_string(), Bytes(bytes)).map_err(NoShape::NotRead)
    }
}
