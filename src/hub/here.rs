//! What this machine knows of the hub: where it is, whether it may be asked, and the token.

use crate::bounded::{self, TOKEN};
use crate::secret::{Secret, Secrets};
use std::env;
use std::path::{Path, PathBuf};

/// Where the hub is, unless `HF_ENDPOINT` says otherwise.
const ENDPOINT: &str = "https://huggingface.co";

/// What this machine knows of the hub.
#[derive(Debug, Clone)]
pub struct Here {
    /// `https://huggingface.co`, without a `/` at its end.
    pub endpoint: String,
    /// Why the hub is not to be asked, if it is not.
    pub offline: Option<String>,
    /// Whoever asks.
    pub token: Option<Secret>,
    /// Where answers that never change are kept.
    pub kept: PathBuf,
}

impl Here {
    /// As the environment says, with the variables that the hub's own client reads; `config_dir` is pi's own.
    ///
    /// A token that `hf auth login` left on this machine is used to ask, and never brought to a pod: only the secret
    /// `hf_token`, which pi.toml names, goes there.
    #[must_use]
    pub fn read(secrets: &Secrets, config_dir: &Path) -> Self {
        let endpoint = env::var("HF_ENDPOINT").ok().filter(|endpoint| !endpoint.is_empty());
        let offline = env::var("HF_HUB_OFFLINE").is_ok_and(|value| is_true(&value));
        let secret = secrets.iter().find(|(name, _)| name.as_str() == "hf_token");
        Self {
            endpoint: endpoint.map_or_else(|| ENDPOINT.to_owned(), |it| it.trim_end_matches('/').to_owned()),
            offline: offline.then(|| "HF_HUB_OFFLINE is set".to_owned()),
            token: secret.map(|(_, secret)| secret.clone()).or_else(token_of_login),
            kept: config_dir.join("cache/hub"),
        }
    }
}

/// As `huggingface_hub` reads its switches.
fn is_true(value: &str) -> bool {
    ["1", "ON", "YES", "TRUE"].contains(&value.to_uppercase().as_str())
}

fn token_of_login() -> Option<Secret> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || {
        let cache = variable("XDG_CACHE_HOME").or_else(|| Some(env::home_dir()?.join(".cache")));
        variable("HF_HOME").or_else(|| Some(cache?.join("huggingface")))
    };
    let path = variable("HF_TOKEN_PATH").or_else(|| Some(home()?.join("token")))?;
    let text = bounded::text(&path, TOKEN).ok()?;
    let token = text.trim();
    let sendable = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    sendable.then(|| Secret::new(token.to_owned()))
}
