//! A mask of one's own by name, which may follow from the tokens.

use burn::tensor::{Bool, DType, Device, Int, Tensor};
use qkv_model::{
    Catalog, CausalAlign, Choice, Init, Mask, MaskRule, ModelError, NoSettings, Transformer,
    TransformerConfig,
};
use qkv_train::{ConfigSource, Registry};
use serde::{Deserialize, Serialize};

use crate::support::backends::{device, places};
use crate::support::numbers::values;
use crate::support::transformers::config;

/// A position sees itself and so many before it; token 0 hides its position from all others.
#[derive(Debug)]
pub struct Window(usize);

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WindowSettings {
    before: usize,
}

impl Default for WindowSettings {
    fn default() -> Self {
        Self { before: 2 }
    }
}

impl Window {
    pub fn build(settings: &WindowSettings) -> Result<Self, ModelError> {
        Ok(Self(settings.before))
    }
}

impl MaskRule for Window {
    fn mask(&self, tokens: &Tensor<3, Int>) -> Mask {
        let [batch, seq_len, _] = tokens.dims();
        let far = Tensor::<2, Bool>::triu_mask([seq_len, seq_len], -(self.0 as i64), &tokens.device());
        let silent = tokens.clone().equal_elem(0).reshape([batch, 1, 1, seq_len]);
        // Despite its name, true outside the diagonal.
        let others = Tensor::<2, Bool>::diag_mask([seq_len, seq_len], 0, &tokens.device());
        Mask::causal(CausalAlign::TopLeft)
            .and(Mask::hidden(far.unsqueeze()))
            .and(Mask::hidden(silent.expand([batch, 1, seq_len, seq_len]).bool_and(others.unsqueeze())))
    }

    fn is_causal(&self) -> bool {
        true
    }
}

fn build((device, dtype): (&Device, DType)) -> Transformer {
    let config = TransformerConfig { mask: Choice::new("window"), ..config() };
    let catalog = Catalog::default().mask("window", Window::build);
    config.init_with(&Init::new(device, 1).with_dtype(dtype), &catalog).unwrap()
}

fn tokens(device: &Device) -> Tensor<3, Int> {
    Tensor::from_data([[[2], [1], [4], [3], [1], [4], [1]], [[3], [2], [2], [3], [2], [2], [3]]], device)
}

#[test]
fn a_mask_of_ones_own_hides_in_every_layer_what_it_hides() {
    for place @ (device, _) in places() {
        let model = build(place);
        for weights in model.attention_weights(tokens(device)) {
            let [batch, heads, _, _] = weights.dims();
            let weights = values(&weights);
            for (at, weight) in weights.iter().enumerate() {
                let (query, key) = (at / 7 % 7, at % 7);
                assert_eq!(*weight > 0.0, key <= query && query <= key + 2, "query {query}, key {key}");
            }
            assert_eq!(weights.len(), batch * heads * 49);
        }
    }
}

#[test]
fn a_mask_may_follow_from_the_tokens() {
    let device = device();
    let model = build((&device, DType::F32));
    let silent = tokens(&device).slice_assign([1..2, 3..4, 0..1], Tensor::zeros([1, 1, 1], &device));
    let seen = |tokens: Tensor<3, Int>| {
        let of_the_next = model.attention_weights(tokens)[0].clone().slice([0..2, 0..1, 4..5, 3..4]);
        values(&of_the_next).iter().map(|&weight| weight > 0.0).collect::<Vec<bool>>()
    };
    assert_eq!(seen(tokens(&device)), [true, true]);
    assert_eq!(seen(silent), [true, false]);
}

#[test]
fn a_task_that_needs_a_causal_mask_takes_one_that_states_it() {
    let registry = |causal: bool| {
        #[derive(Debug)]
        struct Either(bool);
        impl MaskRule for Either {
            fn mask(&self, _: &Tensor<3, Int>) -> Mask {
                Mask::causal(CausalAlign::TopLeft)
            }

            fn is_causal(&self) -> bool {
                self.0
            }
        }
        Registry::new().mask("mine", move |_: &NoSettings| Ok(Either(causal)))
    };
    let read = |causal| registry(causal).read(ConfigSource::Task("copy"), &["model.mask=mine"]).map(|_| ());
    assert!(read(true).is_ok());
    let refused = read(false).err().unwrap().to_string();
    assert!(refused.contains("causal"), "{refused}");
}
