//! Every published overhead, against the band.

use super::{Point, bytes, least, points, setup, shape};
use crate::fit::estimate::fit;
use crate::fit::setup::Setup;
use crate::units::Bytes;
use std::fmt::Write as _;

/// Overheads as far as the points tell them: id and, where the point leaves them out, GiB of the card and of weights.
/// `None` for both where the parts of the overhead themselves are published.
const OVERHEADS: [(u32, Option<f64>, Option<f64>); 14] = [
    // an A5000 of 24 GB counts 23.58 like the other cards of that size
    (1, Some(23.58), None),
    (2, None, None),
    (7, None, None),
    // half of 61.02, published with the same box's point 7
    (8, None, Some(30.51)),
    // "80GB card"; the pool follows from the tokens
    (11, Some(79.19), None),
    // util 0.90 was the default of 2026-02
    (16, Some(94.97), None),
    (17, Some(79.19), Some(53.75)),
    (20, None, None),
    (22, Some(139.8), None),
    // the middle of 64.38 to 65.97, which point 32 and others published
    (31, Some(79.19), Some(65.2)),
    // half of the checkpoint's 30.87 GB
    (40, Some(23.58), Some(14.37)),
    // 0.20's default
    (50, Some(31.35), None),
    (53, None, None),
    (55, None, None),
];

#[test]
fn every_overhead_that_was_published_is_inside_the_band() {
    let mut table = String::new();
    for (id, total, weights) in OVERHEADS {
        let point = points().into_iter().find(|p| p.id == id).unwrap();
        let (seen, band) = overhead(&point, total, weights);
        writeln!(table, "{id:>3} {:<47} {seen:>5.2} in {:>5.2} to {:>5.2}", point.model, band.0, band.1)
            .unwrap();
        assert!((band.0..=band.1).contains(&seen), "{id} {}: {seen:.2} not in {band:?}", point.model);
    }
    insta::assert_snapshot!(table);
}

/// The published overhead and the band for that server.
fn overhead(point: &Point, total: Option<f64>, weights: Option<f64>) -> (f64, (f64, f64)) {
    let id = point.id;
    let default = if id == 16 { 0.9 } else { 0.92 };
    let mut setup = setup(point);
    let total = total.or(point.total_gib).or_else(|| Some(point.budget_gib? / point.util?)).unwrap();
    let small = total < 70.0 && !point.args.contains("max_num_batched");
    setup = Setup {
        total_gib: total,
        memory: point.util.unwrap_or(default),
        batched_tokens: if small { 2048 } else { setup.batched_tokens },
        ..setup
    };
    let weights = weights.or(least(point.model_loading_gib.as_ref())).unwrap();
    let mut shape = shape(id);
    shape.resident = Bytes(bytes(weights) * u64::from(point.tp * point.pp));
    let pool = setup.pool(&shape);
    let from_tokens = || {
        let tokens = point.gpu_kv_cache_size_tokens?;
        Some(Bytes(tokens * pool.token_bytes()).gib())
    };
    let kv = least(point.available_kv_gib.as_ref()).or_else(from_tokens);
    let parts = point.peak_activation_gib.unwrap_or(0.0) + point.non_torch_gib.unwrap_or(0.0);
    let seen = match kv {
        Some(kv) => total * setup.memory - weights - kv,
        None => parts + point.cudagraph_gib.unwrap_or(0.0),
    };
    (seen, fit(&shape, &setup).per_gpu.overhead_gib)
}
