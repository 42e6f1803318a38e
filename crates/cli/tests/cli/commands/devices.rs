//! What `devices` lists.

use crate::support::sandbox::Sandbox;

#[test]
fn the_processor_computes_what_it_computes_and_what_is_not_built_in_is_named() {
    let sandbox = Sandbox::new();
    let lines = sandbox.succeeds("devices --json").events();
    let of = |key: &str, name: &str| {
        let found = lines.iter().find(|line| line[key] == name);
        found.unwrap_or_else(|| panic!("no {key} {name} in {lines:#?}"))
    };
    let flex = of("device", "flex");
    assert_eq!((&flex["error"], &flex["software"]), (&0.0.into(), &false.into()));
    assert!(flex["ms"].as_f64().unwrap() > 0.0 && flex["adapter"].is_null(), "{flex}");
    #[cfg(not(feature = "cuda"))]
    assert_eq!(of("backend", "cuda")["compiled_in"], false);
    assert!(sandbox.tree(".").is_empty(), "nothing is written");
}

#[test]
fn a_named_device_is_tried_with_gradients_and_nothing_else_is() {
    let sandbox = Sandbox::new();
    let lines = sandbox.succeeds("devices --device flex --gradients --json").events();
    let [flex] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!((&flex["device"], &flex["gradient_error"]), (&"flex".into(), &0.0.into()));
    let text = sandbox.succeeds("devices --device flex").stdout;
    assert!(text.starts_with("flex       the processor: a product of 256 × 256 in "), "{text}");
    sandbox.refuses("devices --device abacus", &["unknown device `abacus`", "flex (the processor)"]);
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_that_is_not_built_in_is_answered_with_the_command_that_has_it() {
    let sandbox = Sandbox::new();
    sandbox.refuses("train reverse --device cuda:1", &["cargo run --release --features cuda", "flex"]);
    sandbox.refuses("train reverse --device flex:0", &["expected flex without a number"]);
}
