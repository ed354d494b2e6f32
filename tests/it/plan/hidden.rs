//! What people write into `env`, `args` and addresses, and what no plan may show.

use super::case::{Case, each_pod};
use super::golden::text;
use pi::manifest::Manifest;
use pi::name::EnvName;
use pi::plan::shown_scripts;
use std::collections::BTreeMap;

/// In every secret value of the cases and of this test, and nowhere else.
const MARK: &str = "planted";

#[test]
fn secrets_are_shown_in_no_plan_and_in_no_script() {
    for case in Case::all() {
        let (manifest, mut observed) = (with_secrets(&case.manifest), case.observed.clone());
        each_pod(&mut observed, |facts| {
            for spec in facts.servers.values_mut().filter_map(|server| server.spec.as_mut().ok()) {
                plant(&mut spec.env, "old");
                spec.args.extend(["--api-key".to_owned(), format!("{MARK}-old")]);
            }
        });
        for (manifest, observed) in [(&case.manifest, &case.observed), (&manifest, &observed)] {
            let plan = case.plan_of(manifest, observed);
            let mut shown = text(&case, &plan) + &pi::ui::plan_json(&plan).to_string();
            for step in &plan.steps {
                for script in shown_scripts(&step.action, &manifest.pods[&step.pod]).unwrap() {
                    shown += &script.own;
                }
            }
            if let Some(at) = shown.find(MARK) {
                panic!(
                    "{}: …{}",
                    case.name,
                    shown[shown.floor_char_boundary(at.saturating_sub(200))..]
                        .chars()
                        .take(300)
                        .collect::<String>()
                );
            }
        }
    }
}

#[test]
fn a_changed_secret_is_told_without_its_value() {
    let case = Case::all().into_iter().find(|case| case.name == "nothing-to-do").unwrap();
    let manifest = with_secrets(&case.manifest);
    let mut observed = case.observed.clone();
    each_pod(&mut observed, |facts| {
        for spec in facts.servers.values_mut().filter_map(|server| server.spec.as_mut().ok()) {
            plant(&mut spec.env, "old");
        }
    });
    let text = text(&case, &case.plan_of(&manifest, &observed));
    for line in ["- OPENAI_API_KEY=(hidden)", "+ OPENAI_API_KEY=(changed)", "+ --api-key (hidden)"] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
}

fn with_secrets(manifest: &Manifest) -> Manifest {
    let mut manifest = manifest.clone();
    manifest.pods.values_mut().for_each(|pod| plant(&mut pod.env, "pod"));
    for model in manifest.models.values_mut() {
        plant(&mut model.env, "new");
        model.args.extend(["--api-key".to_owned(), format!("{MARK}-new"), format!("--hf-token={MARK}")]);
    }
    manifest
}

fn plant(env: &mut BTreeMap<EnvName, String>, which: &str) {
    for name in ["OPENAI_API_KEY", "hf_token", "DB_PASSWORD", "SECRET_OF_MINE", "KEYRING"] {
        env.insert(name.parse().unwrap(), format!("{MARK}-{which}"));
    }
    env.insert("HTTPS_PROXY".parse().unwrap(), format!("http://ann:{MARK}@proxy.example:3128/"));
}
