//! What pi prints of a value is taken where the value is asked for.

use crate::workplace::Workplace;
use pi::catalog::gpus;
use pi::manifest::{self, GpuAsk, Manifest};
use pi::plan::{gpu_list, gpus_in_words};
use pi::ssh_target::SshTarget;
use std::path::Path;

fn manifest(pod: &str, model: &str) -> Manifest {
    let text = format!("[pods.a]\nssh = \"a\"\n{pod}\n[models.m]\nmodel = \"Qwen/Qwen3-8B\"\n{model}\n");
    let parsed = manifest::parse("pi.toml", &text, Path::new("/work"));
    parsed.unwrap_or_else(|problems| panic!("{}", crate::manifests::show(&problems)))
}

#[test]
fn gpus_are_taken_as_plans_and_overviews_print_them() {
    for gpu in gpus::all().iter().filter(|gpu| gpu.smi_mib > 0) {
        let as_in_plans = gpus_in_words([gpu.smi_name.as_str(); 3].into_iter());
        for printed in [as_in_plans, format!("3× {}", gpu.key), format!("3x{}", gpu.key.replace(' ', ""))] {
            let read = manifest(&format!("gpus = \"{printed}\""), "").pods.into_values().next().unwrap();
            let wish = read.gpus.unwrap();
            assert_eq!(wish.count, 3, "{printed}");
            assert!(gpus::is_kind(&gpu.smi_name, gpu.smi_mib, &wish.kind), "{printed} for {}", gpu.smi_name);
        }
    }
}

#[test]
fn gpus_of_models_are_taken_as_plans_print_them() {
    let asked = |written: &str| manifest("", written).models.into_values().next().unwrap().gpus;
    for ids in [vec![0], vec![0, 1], vec![2, 5, 11]] {
        assert_eq!(asked(&format!("gpus = \"{}\"", gpu_list(&ids))), GpuAsk::Ids(ids));
    }
    assert_eq!(asked(&format!("gpus = \"{}\"", gpu_list(&[]))), GpuAsk::Cpu);
    assert_eq!(asked("gpus = \"4 GPUs\""), GpuAsk::Count(4));
}

#[test]
fn quantities_are_taken_as_plans_and_engines_print_them() {
    let table = [
        ("context = \"1M\"", "context = 1048576"),
        ("context = \"131,072\"", "context = \"128k\""),
        ("memory = 0.9", "memory = \"90%\""),
        ("memory = \"0.925\"", "memory = \"92.5%\""),
        ("memory = 90", "memory = \"90%\""),
        ("ready_stall = \"1m 20s\"", "ready_stall = \"80s\""),
        ("log_limit = \"250.0 MB\"", "log_limit = \"250MB\""),
    ];
    for (one, other) in table {
        assert_eq!(manifest("", one), manifest("", other), "{one}");
    }
}

#[test]
fn pods_are_taken_as_they_are_listed() {
    for line in ["ssh -p 2222 root@1.2.3.4", "ssh root@1.2.3.4", "box", "ssh://root@h:22", "local"] {
        let target = SshTarget::parse(line).unwrap();
        assert_eq!(SshTarget::parse(&target.to_string()).unwrap(), target, "{line}");
    }
}

#[test]
fn flags_of_fit_take_them_too() {
    let place = Workplace::with("");
    let same = |one: &str, other: &str| {
        let fit = |line: &str| place.pi(&format!("fit openai/gpt-oss-120b {line}")).out;
        assert_eq!(fit(one), fit(other), "{one}");
        assert!(!fit(one).is_empty(), "{one}");
    };
    same("--gpu rtx4090 --gpus 8", "--gpu 8xRTX4090");
    same("--gpu 2×H100", "--gpu H100 --gpus 2");
    same("--gpu H100 --memory 0.9", "--gpu H100 --memory 90%");
    same("--gpu H100 --context 64k", "--gpu H100 --context 65,536");
    place.pi("fit openai/gpt-oss-120b --gpu 2xH100 --gpus 4").exits(64).says("2xH100");
}
