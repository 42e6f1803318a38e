//! Pictures against reviewed ones. `QKV_RENEW=1 cargo test` writes them anew; look at them then.

use std::fs;
use std::path::Path;

use qkv_inspect::{HeatMap, Matrix, Palette, TextStyle};

#[track_caller]
fn is_as_before(name: &str, picture: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("QKV_RENEW").is_some() {
        fs::write(&path, picture).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    let line = picture.lines().zip(golden.lines()).position(|(new, old)| new != old);
    let path = path.display();
    assert!(
        picture == golden,
        "{path} differs from line {line:?} on; if that is right, run again with QKV_RENEW=1\n{picture}"
    );
}

/// Two by three weights of both signs, one of them zero.
fn weights() -> Matrix {
    Matrix::new(2, 3, vec![-1.5, 0.0, 0.75, 0.25, 1.0, -0.125]).unwrap().with_axes("d_in", "d_k")
}

/// Three queries that look back, with words of all widths and a token that looks like markup.
fn attention() -> (Matrix, [&'static str; 3]) {
    let weights = vec![1.0, 0.0, 0.0, 0.25, 0.75, 0.0, 0.5, 0.125, 0.375];
    (Matrix::new(3, 3, weights).unwrap().with_axes("query", "key"), ["a", "</script>", "日本"])
}

#[test]
fn weights_as_svg() {
    is_as_before(
        "weights.svg",
        &HeatMap::new(&weights(), Palette::Diverging).with_title("W_Q").svg().unwrap(),
    );
}

#[test]
fn attention_as_svg() {
    let (map, tokens) = attention();
    let map = HeatMap::new(&map, Palette::Sequential).with_title("head 0").with_labels(&tokens, &tokens);
    is_as_before("attention.svg", &map.svg().unwrap());
}

#[test]
fn weights_in_a_terminal() {
    let weights = weights();
    let map = HeatMap::new(&weights, Palette::Diverging).with_title("W_Q");
    is_as_before("weights.txt", &map.text(TextStyle::Plain));
    is_as_before("weights_in_colour.txt", &map.text(TextStyle::Colour));
}

#[test]
fn attention_in_a_terminal() {
    let (map, tokens) = attention();
    let map = HeatMap::new(&map, Palette::Sequential).with_title("head 0").with_labels(&tokens, &tokens);
    is_as_before("attention.txt", &map.text(TextStyle::Plain));
}
