use super::*;

#[test]
fn names_as_printed_and_as_written_find_their_gpu() {
    let table = [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("H100", "H100"),
        ("h100 sxm", "H100"),
        ("h100-80gb", "H100"),
        ("NVIDIA H100 PCIe", "H100-PCIe"),
        ("H100 NVL", "H100-NVL"),
        ("NVIDIA A100 80GB PCIe", "A100-80"),
        ("NVIDIA A100-PCIE-40GB", "A100-40"),
        ("A100", "A100-80"),
        ("a100-40gb", "A100-40"),
        ("4090", "RTX 4090"),
        ("NVIDIA GeForce RTX 3090", "RTX 3090"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "RTX PRO 6000"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"),
        ("NVIDIA RTX A6000", "A6000"),
        ("NVIDIA A10", "A10G"),
        ("L40", "L40"),
        ("L40S", "L40S"),
        ("NVIDIA B300 SXM6 AC", "B300"),
        ("NVIDIA GH200 480GB", "GH200"),
        ("V100", "V100-32"),
        ("Tesla V100-PCIE-16GB", ""),
        ("AMD Instinct MI300X", "MI300X"),
        ("Radeon VII", ""),
        ("rtx4090", "RTX 4090"),
        ("RTX4090", "RTX 4090"),
        ("geforcertx4090", "RTX 4090"),
        ("NVIDIA GeForce RTX4090", "RTX 4090"),
        ("rtxpro6000", "RTX PRO 6000"),
        ("rtx6000ada", "RTX 6000 Ada"),
        ("h100nvl", "H100-NVL"),
        ("a100-80", "A100-80"),
        ("rtx40900", ""),
        ("NVIDIA", ""),
        ("", ""),
    ];
    for (name, key) in table {
        assert_eq!(find(name).map_or("", |gpu| &gpu.key), key, "{name}");
    }
}

#[test]
fn every_gpu_is_found_by_its_own_names_and_makes_sense() {
    let file: File = toml::from_str(include_str!("../../../data/gpus.toml")).unwrap();
    assert_eq!(file.gpu.len(), 30);
    for gpu in &file.gpu {
        for name in [&gpu.key, &gpu.smi_name].into_iter().chain(&gpu.also) {
            assert_eq!(find(name).map(|found| &found.key), Some(&gpu.key), "{name}");
        }
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let share = gpu.torch_gib * 1024.0 / gpu.smi_mib as f64;
        assert!(gpu.smi_mib == 0 || (UNKNOWN_TORCH_SHARE..1.0001).contains(&share), "{}: {share}", gpu.key);
        assert!(gpu.capability().is_some() || gpu.cc.starts_with("gfx"), "{}", gpu.key);
        assert!(!gpu.fp4 || gpu.fp8, "{}", gpu.key);
        assert!(!gpu.source.is_empty() && gpu.bw_gbs > 0, "{}", gpu.key);
    }
}

#[test]
fn a_printed_card_is_of_the_kinds_that_its_name_and_the_catalog_say() {
    let table = [
        ("NVIDIA GeForce RTX 4090", 24_564, "rtx4090", true),
        ("NVIDIA GeForce RTX 4090", 24_564, "RTX 4090", true),
        ("NVIDIA GeForce RTX 4090", 24_564, "NVIDIA GeForce RTX 4090", true),
        ("NVIDIA GeForce RTX 4090", 24_564, "RTX 3090", false),
        ("NVIDIA A100-SXM4-80GB", 81_920, "A100-80", true),
        ("NVIDIA A100-SXM4-80GB", 81_920, "A100", true),
        ("NVIDIA A100-SXM4-40GB", 40_960, "A100-80", false),
        ("NVIDIA H100 NVL", 95_830, "H100-NVL", true),
        ("NVIDIA H100 80GB HBM3", 81_559, "H100 80GB HBM3", true),
        ("NVIDIA H100 80GB HBM3", 81_559, "H200", false),
        ("NVIDIA X1", 1_000, "x1", true),
    ];
    for (name, mib, kind, expected) in table {
        assert_eq!(is_kind(name, mib, kind), expected, "{name} as {kind}");
    }
    for gpu in all().iter().filter(|gpu| gpu.smi_mib > 0) {
        for kind in [&gpu.key, &gpu.smi_name] {
            assert!(is_kind(&gpu.smi_name, gpu.smi_mib, kind), "{} as {kind}", gpu.smi_name);
        }
    }
}

#[test]
fn a_card_with_other_memory_than_the_catalogs_is_taken_for_what_it_says() {
    assert!((torch_gib("NVIDIA H100 80GB HBM3", 81_559) - 79.19).abs() < 1e-9);
    // the 48 GB board that calls itself a 4090, and a MIG slice
    assert!(seen("NVIDIA GeForce RTX 4090", 49_140).is_none());
    assert!((46.0..47.5).contains(&torch_gib("NVIDIA GeForce RTX 4090", 49_140)));
    assert!((18.0..20.0).contains(&torch_gib("NVIDIA H100 80GB HBM3 MIG 1g.20gb", 20_096)));
    assert_eq!(find("H100").unwrap().torch_mib(), 81_091);
    let big = printed("NVIDIA GeForce RTX 4090", 49_140, "8.9");
    assert!(big.fp8 && !big.fp4 && big.bf16 && big.capability() == Some((8, 9)));
    assert_eq!(printed("NVIDIA H100 80GB HBM3", 81_559, "9.0").key, "H100");
}
