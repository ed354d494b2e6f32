//! Downloads of one pod: which are needed, whether we may have them, and whether there is room for all of them.

use crate::hub::{HubAnswer, NoAnswer, RepoFacts};
use crate::manifest::near;
use crate::model_ref::ModelRef;
use crate::name::HfRepo;
use crate::plan::fetch::Fetch;
use crate::plan::finding::{Finding, Severity};
use crate::plan::order::Unnumbered;
use crate::plan::secrets::{HF_TOKEN, at_hand, has};
use crate::plan::step::Action;
use crate::plan::wanted::Wanted;
use crate::plan::weights::{Weights, cached, weights};
use crate::plan::{Inputs, Site, commit};
use crate::secret::SecretSource;
use crate::units::Bytes;
use std::collections::BTreeSet;

/// The downloads of one pod, decided one after the other.
pub(super) struct Downloads<'a> {
    inputs: &'a Inputs<'a>,
    site: &'a Site<'a>,
    /// Where storage is still to be mounted: what is on the disk below says nothing.
    mounting: Option<&'a str>,
    /// What the disk has left after those before; unknown where the probe could not tell.
    free: Option<Bytes>,
    fetches: Vec<(Fetch, String)>,
    pub(super) findings: Vec<Finding>,
}

impl<'a> Downloads<'a> {
    pub(super) fn new(inputs: &'a Inputs<'a>, site: &'a Site<'a>, mounting: Option<&'a str>) -> Self {
        let below = mounting.is_some_and(|target| site.facts.models_path.starts_with(target));
        let disk = site.facts.disks.iter().find(|disk| disk.path == site.facts.models_path);
        let free = disk.filter(|_| !below).map(|disk| disk.free);
        Self { inputs, site, mounting, free, fetches: Vec::new(), findings: Vec::new() }
    }

    /// Settles the commit of a server's weights and whether they have to be fetched; why there can be no server.
    pub(super) fn weights_of(&mut self, wanted: &mut Wanted) -> Result<(), Finding> {
        let (commit, note) = commit::commit(self.inputs, self.site, &wanted.spec);
        wanted.spec.commit = commit;
        match weights(self.inputs, self.site, &wanted.spec, self.mounting) {
            Weights::There => {}
            Weights::NoPath => return Err(self.no_path(wanted)),
            Weights::Fetch(fetch, reason) => self.take(wanted, *fetch, reason)?,
        }
        self.findings.extend(note);
        Ok(())
    }

    /// The steps, by model.
    pub(super) fn steps(self) -> impl Iterator<Item = Unnumbered> {
        let mut fetches = self.fetches;
        fetches.sort_by(|(a, _), (b, _)| {
            (&a.model, &a.commit, &a.choice).cmp(&(&b.model, &b.commit, &b.choice))
        });
        let step = |(fetch, reason)| Unnumbered { action: Action::FetchWeights(Box::new(fetch)), reason };
        fetches.into_iter().map(step)
    }

    fn take(&mut self, wanted: &Wanted, fetch: Fetch, reason: String) -> Result<(), Finding> {
        let same = |(other, _): &(Fetch, String)| {
            (&other.model, &other.commit, &other.choice) == (&fetch.model, &fetch.commit, &fetch.choice)
        };
        if self.fetches.iter().any(same) {
            return Ok(());
        }
        if let Some(finding) = self.hub_says(wanted, &fetch) {
            match finding.severity {
                Severity::Error => return Err(finding),
                Severity::Warning | Severity::Note => self.findings.push(finding),
            }
        }
        self.room_for(wanted, &fetch)?;
        self.fetches.push((fetch, reason));
        Ok(())
    }

    /// What interrupted downloads left is removed first, once for each repository.
    fn room_for(&mut self, wanted: &Wanted, fetch: &Fetch) -> Result<(), Finding> {
        let (Some(free), Some(missing)) = (self.free, fetch.missing) else { return Ok(()) };
        let ModelRef::Hub { repo, .. } = &fetch.model else { return Ok(()) };
        let first =
            !self.fetches.iter().any(|(other, _)| super::weights::same_repo(&other.model, &fetch.model));
        let half = cached(self.site.facts, repo).filter(|_| first).map_or(0, |cache| cache.incomplete.0);
        let (room, free) = (fetch.room(), Bytes(free.0 + half));
        if room <= free {
            self.free = Some(Bytes(free.0 - room.0));
            return Ok(());
        }
        let path = &self.site.facts.models_path;
        let others: BTreeSet<_> = self.fetches.iter().map(|(other, _)| other.target()).collect();
        let beside = if others.is_empty() { String::new() } else { " beside the other downloads".to_owned() };
        let message = format!("its weights need {missing}, and {path} has {free} left{beside}");
        let help = "make room there, or let `models_path` name a larger disk";
        Err(self.refuse("no-space", wanted, message).help(help))
    }

    /// What the hub's answer means for a download.
    fn hub_says(&self, wanted: &Wanted, fetch: &Fetch) -> Option<Finding> {
        let ModelRef::Hub { repo, file, .. } = &fetch.model else { return None };
        match self.inputs.hub.of(&fetch.model)? {
            HubAnswer::Unknown(why) => Some(self.no_answer(wanted, (&fetch.model, repo), why)),
            HubAnswer::Known(facts) => {
                let hidden = facts.gated || facts.private;
                if hidden && !at_hand(self.inputs, self.site.facts, HF_TOKEN) {
                    return Some(self.needs_token(wanted, repo));
                }
                let file = file.as_ref().filter(|file| !facts.files.contains_key(*file))?;
                Some(self.no_file(wanted, (repo, file), facts))
            }
        }
    }

    fn no_answer(&self, wanted: &Wanted, (model, repo): (&ModelRef, &HfRepo), why: &NoAnswer) -> Finding {
        let page = format!("https://huggingface.co/{repo}");
        let refuse = |code, message| self.refuse(code, wanted, message);
        // the pod has a colleague's token, this machine has none: the pod may well be let in
        let blind = !has(self.inputs, HF_TOKEN) && at_hand(self.inputs, self.site.facts, HF_TOKEN);
        match why {
            NoAnswer::NeedsToken | NoAnswer::NotFound if blind => {
                let message =
                    format!("{repo} can't be seen from here: the pod's hf_token is not on this machine");
                Finding { severity: Severity::Note, ..refuse("not-seen", message) }
            }
            NoAnswer::NeedsToken => self.needs_token(wanted, repo),
            NoAnswer::NoAccess => {
                refuse("no-access", format!("{repo} is gated, and this hf_token was not let in"))
                    .help(format!("ask for access at {page}"))
            }
            NoAnswer::BadToken => refuse("bad-token", "the hub refuses this machine's hf_token".to_owned())
                .help("make a new one at https://huggingface.co/settings/tokens; public models need none"),
            NoAnswer::NotFound if has(self.inputs, HF_TOKEN) => {
                refuse("no-such-repo", format!("the hub has no {repo} that this hf_token may see"))
                    .help("check its name; a private one needs a token of its owners")
            }
            NoAnswer::NotFound => refuse("no-such-repo", format!("the hub has no {repo}, or it is private"))
                .help(format!("check its name; a private one needs hf_token: {}", self.token_from())),
            NoAnswer::NoSuchRevision => refuse("no-such-revision", format!("the hub has no {model}"))
                .help(format!("its branches and tags: {page}/tree/main")),
            NoAnswer::Offline(why) => {
                let message = format!("the hub was not asked ({why}): size and access are not known");
                Finding { severity: Severity::Note, ..refuse("hub-not-asked", message) }
            }
            NoAnswer::Failed(why) => {
                let message = format!("the hub can't be asked: {why}");
                Finding { severity: Severity::Warning, ..refuse("hub-failed", message) }
            }
        }
    }

    fn needs_token(&self, wanted: &Wanted, repo: &HfRepo) -> Finding {
        let message = format!("{repo} is given only to those with access, and there is no hf_token");
        let help = format!("ask for access at https://huggingface.co/{repo}, then {}", self.token_from());
        self.refuse("needs-token", wanted, message).help(help)
    }

    fn token_from(&self) -> String {
        let source = self.inputs.manifest.secrets.iter().find(|(name, _)| name.as_str() == HF_TOKEN);
        match source.map(|(_, source)| source) {
            Some(SecretSource::Env(variable)) => {
                format!("set {variable} (https://huggingface.co/settings/tokens)")
            }
            Some(SecretSource::File(_) | SecretSource::Command(_)) | None => {
                "see `hf_token` in [secrets]".to_owned()
            }
        }
    }

    fn no_file(&self, wanted: &Wanted, (repo, file): (&HfRepo, &str), facts: &RepoFacts) -> Finding {
        let end = file.rsplit('.').next().unwrap_or_default();
        let alike: Vec<&str> =
            facts.files.keys().map(String::as_str).filter(|path| path.ends_with(end)).collect();
        let help = match (near(file, alike.iter().copied()), alike.as_slice()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, []) => format!("it has no .{end} file"),
            (None, some) => format!("it has: {}", some[..some.len().min(12)].join(", ")),
        };
        self.refuse("no-such-file", wanted, format!("{repo} has no file `{file}`")).help(help)
    }

    fn no_path(&self, wanted: &Wanted) -> Finding {
        self.refuse("no-model-path", wanted, format!("{} is not there", wanted.spec.model))
            .help("bring the weights there, or name a repository of the hub")
    }

    fn refuse(&self, code: &'static str, wanted: &Wanted, message: String) -> Finding {
        Finding::on(Severity::Error, code, self.site.name, message).of(&wanted.spec.name)
    }
}
