"""Times the workloads in JAX as a careful user would write them: the whole step is one compiled function.

XLA takes as many threads as the process may use processors, so compare.py's limit is the number of threads.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import dot_product_attention, gelu, log_softmax

from measuring import Export, arguments, check_losses, check_sums, measure, read_export, resident_mb
from workloads import BETAS, EPSILON, LEARNING_RATE, NORM_EPSILON, WEIGHT_DECAY, WORKLOADS, Attention, Training, decays


def norm(p, name, x):
    centred = x - x.mean(-1, keepdims=True)
    variance = jnp.square(centred).mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + NORM_EPSILON) * p[f"{name}.gamma"] + p[f"{name}.beta"]


def attend(q, k, v, n_heads, causal):
    """`[batch, seq_len, heads·d]` three times to the same once."""
    q, k, v = (x.reshape(*x.shape[:2], n_heads, -1) for x in (q, k, v))
    return dot_product_attention(q, k, v, is_causal=causal).reshape(*q.shape[:2], -1)


def logits(workload, p, tokens):
    x = p["embedding.table"][tokens] + p["positions.learned"]
    for layer in range(workload.n_layers):
        block = f"blocks.{layer}"
        h = norm(p, f"{block}.norm_attention", x)
        q, k, v = (h @ p[f"{block}.attention.{w}"] for w in ("w_q", "w_k", "w_v"))
        context = attend(q, k, v, workload.n_heads, workload.causal)
        w_o = p.get(f"{block}.attention.w_o")
        x = x + (context if w_o is None else context @ w_o)
        if f"{block}.mlp.w_in" in p:
            h = norm(p, f"{block}.norm_mlp", x) @ p[f"{block}.mlp.w_in"] + p[f"{block}.mlp.b_in"]
            x = x + gelu(h, approximate=False) @ p[f"{block}.mlp.w_out"] + p[f"{block}.mlp.b_out"]
    return norm(p, "norm", x) @ p["unembedding"]


def cross_entropy(workload, p, tokens, targets):
    all_logs = log_softmax(logits(workload, p, tokens))
    return -jnp.take_along_axis(all_logs, targets[..., None], axis=-1).mean()


def adamw(p, grads, moments, step):
    """One update; returns the parameters and the moments after it."""
    unbiased_1, unbiased_2 = 1 - BETAS[0] ** step, 1 - BETAS[1] ** step
    updated, after = {}, {}
    for name, w in p.items():
        g, (m, v) = grads[name], moments[name]
        m, v = BETAS[0] * m + (1 - BETAS[0]) * g, BETAS[1] * v + (1 - BETAS[1]) * g * g
        decay = WEIGHT_DECAY if decays(name, w.ndim) else 0.0
        change = m / unbiased_1 / (jnp.sqrt(v / unbiased_2) + EPSILON)
        updated[name] = w * (1 - LEARNING_RATE * decay) - LEARNING_RATE * change
        after[name] = (m, v)
    return updated, after


def training(workload: Training, export: Export):
    p = {name: jnp.array(w) for name, w in export.parameters().items()}
    moments = {name: (jnp.zeros_like(w), jnp.zeros_like(w)) for name, w in p.items()}
    state = (p, moments, jnp.float32(0))
    pool = itertools.cycle(export.batches(np.int32))

    def update(state, tokens, targets):
        p, moments, step = state
        loss, grads = jax.value_and_grad(lambda p: cross_entropy(workload, p, tokens, targets))(p)
        p, moments = adamw(p, grads, moments, step + 1)
        return (p, moments, step + 1), loss

    # The old state's memory becomes the new state's.
    compiled = jax.jit(update, donate_argnums=0)

    def step() -> float:
        nonlocal state
        tokens, targets = (jax.device_put(array) for array in next(pool))
        state, loss = compiled(state, tokens, targets)
        return float(jax.block_until_ready((state, loss))[1])

    check_losses(export, step)
    return step


def attention(workload: Attention, export: Export):
    q, k, v, d_context = (jnp.array(export.tensors[name]) for name in ("q", "k", "v", "d_context"))

    @jax.jit
    def both(q, k, v, d_context):
        context, backward = jax.vjp(lambda *qkv: attend(*qkv, workload.n_heads, True), q, k, v)
        return context, *backward(d_context)

    def step():
        return jax.block_until_ready(both(q, k, v, d_context))

    check_sums(export, dict(zip(("context", "d_q", "d_k", "d_v"), map(np.asarray, step()), strict=True)))
    return step


def main() -> None:
    imported_mb = resident_mb()
    args = arguments()
    workload, export = WORKLOADS[args.workload], read_export(args.export)
    prepare = training if isinstance(workload, Training) else attention
    measure(args.workload, args.threads, imported_mb, prepare(workload, export))


if __name__ == "__main__":
    main()
