//! Messages and advice, filled in.

use super::*;

fn known(pairs: &[(&str, &str)]) -> Values {
    values(pairs.to_vec(), &Facts::default())
}

#[test]
fn parts_without_values_are_left_out() {
    let values = known(&[("a", "1")]);
    assert_eq!(message("It is {a}[: {b}][ of {a}{c}].", &values), "It is 1 of 1.");
    let parts = ["x = {a}", "y = {b}", "env = { Z = \"1\" }", "{a} of {b}"].map(str::to_owned);
    assert_eq!(help(&parts, &values), "x = 1; env = { Z = \"1\" }; 1 of ");
}

#[test]
fn numbers_become_what_a_manifest_says() {
    let table = [
        (&[("len", "24576")][..], "fits", Some("24k")),
        (&[("len", "25000")], "fits", Some("24k")),
        (&[("len", "700")], "fits", Some("700")),
        (&[("len", "99999999999")], "fits", None),
        (&[("heads", "40"), ("tp", "16")], "divisor", Some("10")),
        (&[("heads", "2"), ("tp", "8")], "divisor", Some("2")),
        (&[("heads", "0"), ("tp", "0")], "divisor", Some("1")),
        (&[("rank", "48")], "lora_rank", Some("64")),
        (&[("rank", "1024")], "lora_rank", None),
        (&[("free", "10.20"), ("total", "79.10")], "share", Some("12%")),
        (&[("free", "10.20"), ("total", "0")], "share", None),
        (&[("parser", "qwen3_cod"), ("known", "hermes,qwen3_coder")], "nearest", Some("qwen3_coder")),
        (&[("parser", "nosuch"), ("known", "hermes,qwen3_coder")], "nearest", None),
    ];
    for (pairs, name, value) in table {
        assert_eq!(known(pairs).get(name).map(String::as_str), value, "{pairs:?}");
    }
}

#[test]
fn advice_goes_beyond_what_the_server_was_started_with() {
    for (share, up, down) in
        [(0.5, Some("90%"), None), (0.92, Some("95%"), Some("90%")), (0.95, None, Some("90%"))]
    {
        let facts = Facts { share: Some(share), gpus: Some(2), ..Facts::default() };
        let values = values(Vec::new(), &facts);
        assert_eq!(values.get("higher_memory").map(String::as_str), up);
        assert_eq!(values.get("lower_memory").map(String::as_str), down);
        assert_eq!(values["more_gpus"], "4");
    }
}
