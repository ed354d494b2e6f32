//! GPUs, by an nvidia-smi that says what we want; podlab's are in `records`.

use super::{Place, wait_until_gone};
use pi::observe::GpuSight;
use std::time::{Duration, Instant};

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
    assert_eq!((gpus[0].mig, gpus[0].ecc_errors, &gpus[0].fault), (false, None, &None));
    assert_eq!(gpus[0].memory_mib, facts.host.memory.0 >> 20, "it shares the machine's");
    assert_eq!(gpus[1].fault.as_deref(), Some("GPU is lost"));
    let told: Vec<_> =
        facts.gpu_processes.seen().unwrap().iter().map(|p| (p.pid, p.used_mib, p.command.as_str())).collect();
    assert_eq!(told, [(4711, None, "/opt/a, b"), (4712, None, "[Not Found]")]);
}

#[test]
fn neighbors_by_nvlink_are_known_where_the_driver_tells() {
    let place = Place::new();
    let smi = |topo: &str| {
        let rows = "echo '0, GPU-1, NVIDIA A100, 81920, 4, 580.1, 8.0, Disabled, 0'
             echo '1, GPU-2, NVIDIA A100, 81920, 4, 580.1, 8.0, Disabled, 0'
             echo '3, GPU-3, NVIDIA A100, 81920, 4, 580.1, 8.0, Disabled, 0'";
        place.program("nvidia-smi", &format!("case $1 in topo) {topo} ;; *) {rows} ;; esac"));
        let facts = place.probe();
        assert_eq!(facts.gaps, Vec::new());
        let GpuSight::Found { gpus, .. } = facts.gpus else { panic!("{:?}", facts.gpus) };
        gpus.into_iter().map(|gpu| gpu.links.into_iter().collect()).collect::<Vec<Vec<(u32, u32)>>>()
    };
    let matrix =
        "printf '\\t\\e[4mGPU0\\tGPU1\\tGPU3\\tNIC0\\tCPU Affinity\\tNUMA Affinity\\tGPU NUMA ID\\e[0m\\n'
             printf 'GPU0\\t X \\tPHB\\tNV12\\tNV9\\t0-15\\t0\\t\\tN/A\\n'
             printf 'GPU1\\tPHB\\t X \\tSYS\\tPIX\\t0-15\\t0\\t\\tN/A\\n'
             printf 'GPU3\\tNV12\\tSYS\\t X \\tPIX\\t0-15\\t0\\t\\tN/A\\n'
             printf 'NIC0\\tNV9\\tPIX\\tPIX\\t X \\n\\nLegend:\\n\\n  NV#  = Connection\\n'";
    assert_eq!(smi(matrix), [vec![(3, 12)], vec![], vec![(0, 12)]]);
    let begun = Instant::now();
    for untold in
        ["echo 'Invalid combination of input arguments.'; exit 2", "sleep 1000 & echo $! >pid; wait"]
    {
        assert_eq!(smi(untold), [vec![], vec![], vec![]]);
    }
    wait_until_gone(std::fs::read_to_string(place.path("home/pid")).unwrap().trim());
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[test]
fn neighbors_are_asked_for_where_they_matter() {
    let mut place = Place::new();
    place.program(
        "nvidia-smi",
        "case $1 in
          topo) echo asked >>asked ;;
          *) echo '0, GPU-1, NVIDIA A100, 81920, 4, 580.1, 8.0, Disabled, 0'
             [[ ! -e two ]] || echo '1, GPU-2, NVIDIA A100, 81920, 4, 580.1, 8.0, Disabled, 0' ;;
        esac",
    );
    for (two, topology, asked) in [(false, true, false), (true, false, false), (true, true, true)] {
        if two {
            place.write("home/two", "");
        }
        place.ask.topology = topology;
        let GpuSight::Found { gpus, .. } = place.probe().gpus else { panic!("no GPU") };
        assert_eq!((gpus.len() == 2, place.path("home/asked").exists()), (two, asked));
    }
}

#[test]
fn what_a_driver_complains_of_is_told_with_its_exit_code() {
    let place = Place::new();
    place.program("nvidia-smi", "echo 'NVIDIA-SMI has failed: no driver.'; exit 9");
    let GpuSight::Broken { exit, message } = place.probe().gpus else { panic!("it works") };
    assert_eq!((exit, message.as_str()), (9, "NVIDIA-SMI has failed: no driver."));
}
