//! What the catalog adds reaches the server's record and its command line, once, and what the user says wins.

use super::case::Case;
use pi::plan::{Action, scripts};
use pi::spec::ServerSpec;

/// The server that a case starts, and the script that starts it.
fn started(case: &str, model: &str) -> (ServerSpec, String) {
    let case = Case::all().into_iter().find(|it| it.name == case).unwrap();
    let plan = case.plan(&case.observed);
    let step = plan
        .steps
        .iter()
        .find(|step| matches!(&step.action, Action::StartServer(start) if start.spec.name.as_str() == model));
    let step = step.unwrap_or_else(|| panic!("{} does not start {model}", case.name));
    let script = scripts(&step.action, &case.manifest.pods[&step.pod]).unwrap().remove(0);
    let spec = step.action.starts().unwrap();
    (spec.clone(), script.text)
}

#[test]
fn the_choice_is_in_the_record_and_on_the_command_line() {
    let glm = "--enable-auto-tool-choice --tool-call-parser glm45 --reasoning-parser glm45";
    let coder = "--enable-auto-tool-choice --tool-call-parser qwen3_coder";
    let table = [
        ("recipes-8xh100", "glm-45-fp8", 8, None, glm.to_owned()),
        (
            "recipes-8xh100",
            "qwen3-coder-480b-fp8",
            8,
            Some(131_072),
            format!("{coder} --enable-expert-parallel"),
        ),
        ("recipes-1xh100", "qwen3-coder-30b", 1, Some(131_072), coder.to_owned()),
        (
            "recipes-and-own-words",
            "stages",
            3,
            None,
            "--pipeline-parallel-size 3 --enable-auto-tool-choice --tool-call-parser hermes".to_owned(),
        ),
        (
            "recipes-and-own-words",
            "parser",
            1,
            Some(65_536),
            "--enable-auto-tool-choice --tool-call-parser hermes --max-num-seqs 64".to_owned(),
        ),
        ("recipes-and-own-words", "old", 1, None, String::new()),
    ];
    for (case, model, gpus, context, args) in table {
        let (spec, script) = started(case, model);
        assert_eq!((spec.gpus.len(), spec.context.map(|c| c.0)), (gpus, context), "{model}");
        assert_eq!(spec.args.join(" "), args, "{model}");
        for flag in spec.args.iter().filter(|word| word.starts_with("--")) {
            // once in the record, once on the command line
            assert_eq!(
                script.matches(&format!("{flag}'")).count() + script.matches(&format!("{flag}\"")).count(),
                2,
                "{model}: {flag}\n{script}"
            );
        }
    }
}

#[test]
fn layers_are_cut_over_the_gpus_that_stages_and_copies_leave() {
    for (model, size) in [("blocks", Some("4")), ("copies", Some("2")), ("stages", None), ("heads", None)] {
        let (_, script) = started("recipes-and-own-words", model);
        let plain = script.replace(r"'\''", "").replace('\'', "");
        let said = plain.split("--tensor-parallel-size ").nth(1);
        assert_eq!(said.and_then(|rest| rest.split(' ').next()), size, "{model}\n{plain}");
    }
}

#[test]
fn a_variable_of_the_users_wins_over_the_recipes() {
    let (spec, _) = started("recipes-and-own-words", "variable");
    let env: Vec<_> = spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(env, ["VLLM_FLASHINFER_ALLREDUCE_BACKEND=trtllm", "VLLM_FLOAT32_MATMUL_PRECISION=highest"]);
}
