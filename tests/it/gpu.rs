//! `tests/gpu/run`, the script for machines with a real GPU, runs to its end in a pod with a fake one.

use crate::lab::Lab;
use std::path::Path;

#[test]
fn the_script_for_real_gpus_passes_in_a_pod_with_fake_ones() {
    let Some(lab) = Lab::up(&["2xH100"], "1G") else { return };
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["run", "holder.py"] {
        lab.send("pod1", &here.join("tests/gpu").join(file), &format!("/root/tests/gpu/{file}"));
    }
    lab.send("pod1", Path::new(env!("CARGO_BIN_EXE_pi")), "/root/pi");
    let run = "chmod +x /root/pi; python3 /root/tests/gpu/run --pi /root/pi --report /root/report.json 2>&1 || true";
    let told = lab.inside("pod1", run);
    assert!(told.contains("\n8 ok, 0 failed, 1 skipped"), "{told}");
    let report: serde_json::Value =
        serde_json::from_str(&lab.inside("pod1", "cat /root/report.json")).unwrap();
    assert_eq!(report["machine"]["gpu"], "podlab (no GPU)");
    assert_eq!(report["checks"].as_array().unwrap().len(), 9, "{told}");
    let left = lab
        .inside("pod1", "pgrep -af [h]older.py || true; ls -A /root /tmp | grep -E 'pi-gpu|^.pi$' || true");
    assert_eq!(left, "", "nothing is left behind");
}
