//! Who is talked to: a server of a pod by its name, or any by its address.

use crate::agent::{Api, Client, Origin, Sampling, Server};
use crate::cli::context::endpoint::{Access, Key, Line, endpoint};
use crate::cli::context::flags::{Global, Scope};
use crate::cli::context::full::Context;
use crate::cli::terminal::exit::usage;
use crate::cli::verbs::prompt::Args;
use crate::secret::Secret;
use miette::{Result, miette};

/// A way to a server, open as long as this lives.
pub(super) struct Connected {
    pub(super) client: Client,
    pod: Option<(Context, Line)>,
}

impl Connected {
    /// Lets go of the way to the pod.
    pub(super) async fn close(self) {
        if let Some((context, line)) = self.pod {
            drop(line);
            context.remote.close().await;
        }
    }
}

/// Finds the server that the arguments mean.
pub(super) async fn connect(global: &Global, args: &Args) -> Result<Connected> {
    match (&args.base_url, &args.name) {
        (Some(url), _) => by_url(args, url).await,
        (None, Some(name)) => by_name(global, args, name).await,
        (None, None) => Err(usage("which model?", "name one: pi prompt NAME \"message\"")),
    }
}

async fn by_name(global: &Global, args: &Args, name: &str) -> Result<Connected> {
    let context = Context::open(global, &Scope::default())?;
    match on_pod(&context, args, name).await {
        Ok((client, line)) => Ok(Connected { client, pod: Some((context, line)) }),
        Err(report) => {
            context.remote.close().await;
            Err(report)
        }
    }
}

async fn on_pod(context: &Context, args: &Args, name: &str) -> Result<(Client, Line)> {
    let endpoint = endpoint(context, name).await?;
    if endpoint.access == Access::Silent {
        return Err(miette!(
            help = "it may still be loading its weights: `pi list` shows how far it is",
            "`{name}` runs on {}, but does not answer yet",
            endpoint.pod
        ));
    }
    let key = match endpoint.key(context) {
        Key::Open => None,
        Key::Known(key) => Some(key.clone()),
        Key::Unknown => {
            return Err(miette!(
                help = "export PI_API_KEY=…, or set `api_key` in [secrets] of pi.toml",
                "`{name}` on {} needs the API key, and this machine has none",
                endpoint.pod
            ));
        }
    };
    let model = endpoint.model(context).await;
    let line = endpoint.line(context).await?;
    // servers are called by names of one's own choice: what they serve tells the API
    let api = args.api.map_or_else(|| Api::for_model(&endpoint.spec.model.to_string()), Api::from);
    let server = Server {
        base_url: line.base_url.clone(),
        socket: line.reach.as_ref().and_then(|reach| reach.socket()).map(ToOwned::to_owned),
        model,
        key,
        api,
        origin: Origin::Model(name.to_owned()),
        sampling: Sampling { temperature: args.temperature, max_tokens: args.max_tokens },
    };
    Ok((Client::new(server)?, line))
}

async fn by_url(args: &Args, url: &str) -> Result<Connected> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(usage(
            format!("{url} is no base URL"),
            "it begins with http:// or https:// and usually ends in /v1",
        ));
    }
    let model = args.model.clone().unwrap_or_default();
    let server = Server {
        base_url: url.to_owned(),
        socket: None,
        api: args.api.map_or_else(|| Api::for_model(&model), Api::from),
        model,
        key: key(args)?,
        origin: Origin::Url,
        sampling: Sampling { temperature: args.temperature, max_tokens: args.max_tokens },
    };
    let mut client = Client::new(server)?;
    if args.model.is_none() {
        let mut models = client.models().await?;
        let only = if models.len() == 1 { models.pop() } else { None };
        let only = only.ok_or_else(|| {
            let help = if models.is_empty() { "name one with --model".to_owned() } else { models.join(", ") };
            usage(format!("{url} serves {} models: which one? --model", models.len()), help)
        })?;
        client.use_model(only, args.api.map(Api::from));
    }
    Ok(Connected { client, pod: None })
}

/// The key of a server that is named by its address.
fn key(args: &Args) -> Result<Option<Secret>> {
    if let Some(key) = &args.api_key {
        return Ok(Some(Secret::new(key.clone())));
    }
    let variable = args.api_key_env.as_deref().unwrap_or("OPENAI_API_KEY");
    let value =
        std::env::var(variable).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    match (value, &args.api_key_env) {
        (None, Some(variable)) => {
            Err(usage(format!("{variable} is not set"), "--api-key-env names an environment variable"))
        }
        (value, _) => Ok(value.map(Secret::new)),
    }
}
