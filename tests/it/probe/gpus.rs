//! GPUs, by an nvidia-smi that says what we want; podlab's are in `records`.

use super::Place;
use pi::observe::GpuSight;

#[test]
fn an_old_driver_is_asked_for_less() {
    let place = Place::new();
    place.program(
        "nvidia-smi",
        "case $1 in
          --query-compute-apps*) echo asked >>asked; exit 1 ;;
          *compute_cap*) printf 'Field \"compute_cap\" is not a valid field to query.\\n\\n'; exit 2 ;;
          *) echo '0, GPU-1, Tesla T4, 15109, 3, 460.91.03' ;;
        esac",
    );
    let GpuSight::Found { driver, gpus } = place.probe().gpus else { panic!("no GPU") };
    assert_eq!(
        (driver.as_str(), gpus.len(), gpus[0].memory_mib, gpus[0].compute.as_str()),
        ("460.91.03", 1, 15109, "")
    );
    assert!(!place.path("home/asked").exists(), "nobody holds 3 MiB");
}

#[test]
fn cells_that_a_gpu_does_not_tell_are_no_numbers() {
    let place = Place::new();
    place.program(
        "nvidia-smi",
        "case $1 in
          --query-compute-apps*) echo 'GPU-1, 4711, [N/A], /opt/a, b'; echo 'GPU-1, 4712, [Not Supported], [Not Found]' ;;
          *) echo '0, GPU-1, NVIDIA GB10, [N/A], [N/A], 580.95.05, 12.1, [N/A], [N/A]'
             echo '1, GPU-2, NVIDIA H100, 81559, [GPU is lost], 580.95.05, 9.0, [GPU is lost], [GPU is lost]' ;;
        esac",
    );
    let facts = place.probe();
    let GpuSight::Found { gpus, .. } = &facts.gpus else { panic!("{:?}", facts.gpus) };
    assert_eq!(
        (gpus[0].memory_mib, gpus[0].mig, gpus[0].ecc_errors, &gpus[0].fault),
        (0, false, None, &None)
    );
    assert_eq!(gpus[1].fault.as_deref(), Some("GPU is lost"));
    let told: Vec<_> = facts.gpu_processes.iter().map(|p| (p.pid, p.used_mib, p.command.as_str())).collect();
    assert_eq!(told, [(4711, None, "/opt/a, b"), (4712, None, "[Not Found]")]);
}
