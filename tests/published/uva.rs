//! UvA deep learning tutorial 6: scaled dot-product attention between given queries, keys and values.

use qkv_model::{AttentionSpec, Mask, ScaledDot, attention_with_weights};

use crate::support::backends::places;
use crate::support::numbers::{assert_close, values};
use crate::support::truth::Truth;

#[test]
fn scaled_dot_product_attention_gives_the_tutorials_weights_and_values() {
    let truth = Truth::uva();
    for place in places() {
        let [q, k, v] = ["q", "k", "v"].map(|name| truth.matrix(name).tensor(place).unsqueeze());
        let attended =
            attention_with_weights(&AttentionSpec::new(&ScaledDot::default()), q, k, v, &Mask::none());
        // Eight printed digits of values around one, computed in `f32`.
        for (name, got) in [("weights", attended.weights), ("context", attended.context)] {
            assert_close(name, &values(&got), &truth.matrix(name).values, 1e-6);
        }
    }
}
