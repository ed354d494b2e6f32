//! The laws that are about plans alone, over every case.

use super::case::Case;
use super::check;
use super::shuffle;
use pi::manifest::Lines;
use pi::ui::{plan_json, plan_text};

#[test]
fn the_same_inputs_give_the_same_plan() {
    for case in Case::all() {
        assert_eq!(case.plan(&case.observed), case.plan(&case.observed), "{}", case.name);
    }
}

#[test]
fn a_plan_that_was_done_leaves_nothing_to_do() {
    each(|case| check::converges(&|o| case.plan(o), &case.observed));
}

#[test]
fn a_plan_that_was_interrupted_is_taken_up_where_it_stopped() {
    each(|case| check::resumes(&|o| case.plan(o), &case.observed));
}

#[test]
fn steps_done_in_any_order_that_is_allowed_leave_the_others() {
    each(|case| {
        (0..20).try_for_each(|seed| check::resumes_in_any_order(&|o| case.plan(o), &case.observed, seed))
    });
}

#[test]
fn steps_wait_for_earlier_ones_alone() {
    each(|case| check::numbered(&case.plan(&case.observed)));
}

#[test]
fn no_two_servers_are_put_in_one_place() {
    each(|case| check::nobody_is_crowded(&|o| case.plan(o), &case.observed));
}

#[test]
fn the_order_of_the_manifest_means_nothing() {
    for case in Case::all() {
        let plan = case.plan(&case.observed);
        let lines = Lines::default();
        for seed in 0..8 {
            let text = shuffle::shuffled(&case.text, seed);
            let manifest =
                super::case::parse(&text).unwrap_or_else(|bad| panic!("{}: {bad}\n{text}", case.name));
            let other = case.plan_of(&manifest, &case.observed);
            assert_eq!(plan_text(&plan, &lines), plan_text(&other, &lines), "{}\n{text}", case.name);
            assert_eq!(plan_json(&plan), plan_json(&other), "{}\n{text}", case.name);
            assert_eq!(plan, other, "{}\n{text}", case.name);
        }
    }
}

/// Holds every case to a law; all that break it are told at once.
fn each(law: impl Fn(&Case) -> Result<(), String>) {
    let broken: Vec<String> = Case::all()
        .iter()
        .filter(|case| case.may_be_done())
        .filter_map(|case| law(case).err().map(|why| format!("{}: {why}\n", case.name)))
        .collect();
    assert!(broken.is_empty(), "{}", broken.concat());
}
