//! Steps 1 to 6, from attention without parameters to several heads, on the author's six tokens.

use anyhow::Result;
use burn::module::Param;
use burn::tensor::{Tensor, einsum};
use qkv_model::{BasicAttention, CausalAlign, Mask, Mode, Score, SelfAttention};

use super::comparison::{Comparison, Shown};
use crate::output::ink::Ink;

/// Attention without parameters.
pub fn basic(page: &mut Comparison) -> Result<()> {
    page.step("1. attention without parameters", "context = softmax(x xᵀ) x: nothing in it can learn")?;
    page.inputs()?;
    let x = page.published.inputs();
    page.compare("scores = x xᵀ", einsum!("bqd,bkd->bqk", &x, x.clone()), "/basic/scores")?;
    let output = BasicAttention.forward(x, &Mask::none());
    page.compare("weights", output.weights, "/basic/weights")?;
    Ok(page.compare("context", output.output, "/basic/context")?)
}

/// W_Q, W_K and W_V.
pub fn learnable(page: &mut Comparison) -> Result<()> {
    let equation = "q = x W_Q, k = x W_K, v = x W_V;  context = softmax(q kᵀ / √d_k) v";
    page.step("2. three learnable matrices, scaled", equation)?;
    let layer = page.published.layer(&["v1_seed123"], 1)?;
    projected(page, &layer, "v1_seed123")
}

/// The same with other initial weights.
pub fn linear(page: &mut Comparison) -> Result<()> {
    let layout =
        "the same from PyTorch's nn.Linear, whose weights are [out × in] and are\ntransposed on the way in";
    page.step("3. better initial weights", layout)?;
    let layer = page.published.layer(&["v2_seed789"], 1)?;
    projected(page, &layer, "v2_seed789")
}

/// Every number of one head without a mask, from the tokens to the context.
fn projected(page: &mut Comparison, layer: &SelfAttention, step: &str) -> Result<()> {
    page.inputs()?;
    head(page, layer, 0)?;
    let [q, k, _] = layer.project(page.published.inputs());
    let scores = layer.score.scores(q, k);
    page.compare("scores = q kᵀ", scores.clone(), &format!("/{step}/scores"))?;
    let scale = layer.score.scale(layer.d_k());
    let name = format!("scaled = scores × {scale:.4}");
    let [_, _, q_len, k_len] = scores.dims();
    let scaled = scores.mul_scalar(scale).reshape([q_len, k_len]);
    page.matrices(&[Shown { ink: Ink::Plain, name: &name, matrix: scaled }])?;
    compare_output(page, layer, &Mask::none(), step)
}

/// The three matrices of a head, and its queries, keys and values.
fn head(page: &mut Comparison, layer: &SelfAttention, head: usize) -> Result<()> {
    page.matrices(&shown(["W_Q", "W_K", "W_V"], [layer.w_q(head), layer.w_k(head), layer.w_v(head)]))?;
    let made = layer.project(page.published.inputs()).map(|made| {
        let [_, _, seq_len, width] = made.dims();
        made.narrow(1, head, 1).reshape([seq_len, width])
    });
    Ok(page.matrices(&shown(["q = x W_Q", "k = x W_K", "v = x W_V"], made))?)
}

/// Of queries, keys and values, each in its ink.
fn shown(names: [&'static str; 3], [q, k, v]: [Tensor<2>; 3]) -> [Shown<'static>; 3] {
    let [of_q, of_k, of_v] = names;
    [(Ink::Query, of_q, q), (Ink::Key, of_k, k), (Ink::Value, of_v, v)].map(|(ink, name, matrix)| Shown {
        ink,
        name,
        matrix,
    })
}

fn compare_output(page: &mut Comparison, layer: &SelfAttention, mask: &Mask, step: &str) -> Result<()> {
    let output = layer.forward_with_weights(page.published.inputs(), mask, Mode::Evaluate);
    page.compare("weights", output.weights, &format!("/{step}/weights"))?;
    Ok(page.compare("context", output.output, &format!("/{step}/context"))?)
}

/// A causal mask.
pub fn causal(page: &mut Comparison) -> Result<()> {
    page.step("4. causal mask", "a query sees no key after it: those scores become -∞, their weights 0")?;
    let steps = [
        ("the layer of step 3", "v2_seed789", "v2_seed789_causal"),
        ("the author's next layer", "causal_seed123", "causal_seed123"),
    ];
    for (what, weights, step) in steps {
        page.line(what)?;
        let layer = page.published.layer(&[weights], 1)?;
        compare_output(page, &layer, &Mask::causal(CausalAlign::TopLeft), step)?;
    }
    Ok(())
}

/// Two heads.
pub fn heads(page: &mut Comparison) -> Result<()> {
    page.step("5. two heads side by side", "context = [context_1 context_2]")?;
    page.inputs()?;
    let layer = page.published.layer(&["causal_seed123", "wrapper_head2_seed123"], 2)?;
    both_heads(page, &layer)?;
    compare_context(page, &layer, "/wrapper_head2_seed123/context_concat")
}

/// Two heads and W_O.
pub fn output_projection(page: &mut Comparison) -> Result<()> {
    page.step("6. multi-head attention", "context = [context_1 context_2] W_O + b_O")?;
    page.inputs()?;
    let mut layer = page.published.layer(&["mha_seed123"], 2)?;
    both_heads(page, &layer)?;
    let w_o = page.published.array::<2>("/mha_seed123/out_proj.weight").transpose();
    let b_o = page.published.array::<1>("/mha_seed123/out_proj.bias");
    page.matrices(&[Shown { ink: Ink::Plain, name: "W_O", matrix: w_o.clone() }])?;
    page.matrices(&[Shown { ink: Ink::Plain, name: "b_O", matrix: b_o.clone().unsqueeze() }])?;
    layer.w_o = Some(Param::from_tensor(w_o));
    layer.b_o = Some(Param::from_tensor(b_o));
    compare_context(page, &layer, "/mha_seed123/output")
}

fn both_heads(page: &mut Comparison, layer: &SelfAttention) -> Result<()> {
    for index in 0..2 {
        page.line(&format!("head {}", index + 1))?;
        head(page, layer, index)?;
    }
    Ok(())
}

fn compare_context(page: &mut Comparison, layer: &SelfAttention, pointer: &str) -> Result<()> {
    let mask = Mask::causal(CausalAlign::TopLeft);
    let context = layer.forward(page.published.inputs(), &mask, Mode::Evaluate);
    Ok(page.compare("context", context, pointer)?)
}
