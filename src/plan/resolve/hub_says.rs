//! What the hub's answer means for a download: who may have it, and whether it is there at all.

use crate::hub::{HubAnswer, NoAnswer, RepoFacts};
use crate::manifest::near;
use crate::model_ref::ModelRef;
use crate::name::HfRepo;
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::PodContext;
use crate::plan::resolve::weights::Wish;
use crate::plan::usage::secrets::{HF_TOKEN, at_hand, has};
use crate::secret::SecretSource;

/// What stands in the way of a download or is not known about it.
pub(in crate::plan) fn hub_says(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    wish: Wish<'_>,
) -> Option<Finding> {
    let ModelRef::Hub { repo, file, .. } = wish.model else { return None };
    let about = About { inputs, site, wish, repo };
    match inputs.hub.of(wish.model)? {
        HubAnswer::Unknown(why) => Some(about.no_answer(why)),
        HubAnswer::Known(facts) if facts.is_hidden() && !at_hand(inputs, site.facts, HF_TOKEN) => {
            Some(about.needs_token())
        }
        HubAnswer::Known(facts) => {
            let file = file.as_ref().filter(|file| !facts.files.contains_key(*file))?;
            Some(about.no_file(file, facts))
        }
    }
}

struct About<'a> {
    inputs: &'a Inputs<'a>,
    site: &'a PodContext<'a>,
    wish: Wish<'a>,
    repo: &'a HfRepo,
}

impl About<'_> {
    fn no_answer(&self, why: &NoAnswer) -> Finding {
        let Self { inputs, site, wish, repo } = self;
        // the pod has a colleague's token, this machine has none: the pod may well be let in
        let blind = !has(inputs, HF_TOKEN) && at_hand(inputs, site.facts, HF_TOKEN);
        match why {
            NoAnswer::NeedsToken | NoAnswer::NotFound if blind => {
                let message = format!("{repo} can't be seen without the hf_token that the pod has");
                self.say(Severity::Note, Code::NotSeen, message)
            }
            NoAnswer::NeedsToken => self.needs_token(),
            NoAnswer::NoAccess => self
                .refuse(Code::NoAccess, format!("{repo} is gated, and this hf_token was not let in"))
                .help(format!("ask for access at https://huggingface.co/{repo}")),
            NoAnswer::BadToken => self
                .refuse(Code::BadToken, "the hub refuses this machine's hf_token".to_owned())
                .help("make a new one at https://huggingface.co/settings/tokens; public models need none"),
            NoAnswer::NotFound => self.not_found(),
            NoAnswer::NoSuchRevision => self
                .refuse(Code::NoSuchRevision, format!("the hub has no {}", wish.model))
                .help(format!("its branches and tags: https://huggingface.co/{repo}/tree/main")),
            NoAnswer::Offline(why) => {
                let message = format!("the hub was not asked ({why}): size and access are not known");
                self.say(Severity::Note, Code::HubNotAsked, message)
            }
            NoAnswer::Unreached(why) => self.unreached(why),
            NoAnswer::Failed(why) => {
                self.say(Severity::Warning, Code::HubFailed, format!("the hub can't be asked: {why}"))
            }
        }
    }

    /// The pod may well reach what this machine does not.
    fn unreached(&self, why: &str) -> Finding {
        let message = format!(
            "this machine does not reach the hub ({why}): whether the weights are there, how large they are and who \
             may have them is not known"
        );
        self.say(Severity::Warning, Code::HubNotReached, message)
            .help("`pi apply` lets the pod try, and fails there if it does not reach the hub either")
    }

    fn not_found(&self) -> Finding {
        let repo = self.repo;
        if has(self.inputs, HF_TOKEN) {
            return self
                .refuse(Code::NoSuchRepo, format!("the hub has no {repo} that this hf_token may see"))
                .help("check its name; a private one needs a token of its owners");
        }
        self.refuse(Code::NoSuchRepo, format!("the hub has no {repo}, or it is private"))
            .help(format!("check its name; for a private one {}", self.how_to_get_a_token()))
    }

    fn needs_token(&self) -> Finding {
        let repo = self.repo;
        let message = format!("{repo} is given only to those who were let in, and there is no hf_token");
        let help =
            format!("ask for access at https://huggingface.co/{repo}, then {}", self.how_to_get_a_token());
        self.refuse(Code::NeedsToken, message).help(help)
    }

    fn how_to_get_a_token(&self) -> String {
        let source = self.inputs.manifest.secrets.iter().find(|(name, _)| name.as_str() == HF_TOKEN);
        match source.map(|(_, source)| source) {
            Some(SecretSource::Env(variable)) => {
                format!("set {variable}: https://huggingface.co/settings/tokens")
            }
            Some(SecretSource::File(_) | SecretSource::Command(_)) | None => {
                "see `hf_token` in [secrets]".to_owned()
            }
        }
    }

    fn no_file(&self, file: &str, facts: &RepoFacts) -> Finding {
        let end = file.rsplit('.').next().unwrap_or_default();
        let alike: Vec<&str> =
            facts.files.keys().map(String::as_str).filter(|path| path.ends_with(end)).collect();
        let help = match (near(file, alike.iter().copied()), alike.as_slice()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, []) => format!("it has no .{end} file"),
            (None, some) => format!("it has {}", some[..some.len().min(12)].join(", ")),
        };
        self.refuse(Code::NoSuchFile, format!("{} has no file `{file}`", self.repo)).help(help)
    }

    fn refuse(&self, code: Code, message: String) -> Finding {
        self.say(Severity::Error, code, message)
    }

    fn say(&self, severity: Severity, code: Code, message: String) -> Finding {
        Finding::on(severity, code, self.site.name, message).of(self.wish.name)
    }
}
