//! Puts a kernel under Burn's autodiff, on whichever host backend its inputs lie.

use std::fmt::Debug;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::{
    BalancedCheckpointing, CheckpointStrategy, NoCheckpointing,
};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, AutodiffBackend, DispatchAutodiffContext, DispatchKindConversion, DispatchTensor, Flex,
};
use burn::tensor::{DType, GradientCheckpointingStrategy};

use super::host::{Host, HostBackend, Number, Values, primitive, wrap};

/// A differentiable function of `N` arrays with a backward of its own.
pub(super) trait Kernel<const N: usize>: Debug + Clone + Send + 'static {
    /// The output, and whatever else the backward will read.
    fn forward<T: Number>(&self, inputs: [Array<'_, T>; N]) -> Forward<T>;

    /// The gradient of every input, in its shape.
    fn backward<T: Number>(&self, saved: Saved<'_, T, N>) -> [Vec<T>; N];
}

/// Row-major values and their shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Array<'a, T> {
    pub values: &'a [T],
    pub shape: &'a [usize],
}

/// What a forward makes.
pub(super) struct Forward<T> {
    pub shape: Vec<usize>,
    pub out: Vec<T>,
    /// Kept for the backward, such as normalizers.
    pub extra: Vec<T>,
}

/// What a backward reads.
pub(super) struct Saved<'a, T, const N: usize> {
    pub inputs: [Array<'a, T>; N],
    pub out: &'a [T],
    pub extra: &'a [T],
    pub d_out: &'a [T],
}

/// Applies a kernel to tensors of `backend`.
pub(super) fn apply<K: Kernel<N>, const N: usize>(
    backend: HostBackend,
    kernel: K,
    inputs: [DispatchTensor; N],
) -> DispatchTensor {
    match backend {
        HostBackend::Flex => apply_on::<Flex, K, N>(kernel, inputs),
        #[cfg(feature = "ndarray")]
        HostBackend::NdArray => apply_on::<super::host::NdArray, K, N>(kernel, inputs),
    }
}

fn apply_on<B: Host, K: Kernel<N>, const N: usize>(kernel: K, inputs: [DispatchTensor; N]) -> DispatchTensor
where
    DispatchTensor: DispatchKindConversion<B>
        + DispatchKindConversion<Autodiff<B, NoCheckpointing>>
        + DispatchKindConversion<Autodiff<B, BalancedCheckpointing>>,
{
    match inputs
        .iter()
        .map(|tensor| tensor.autodiff)
        .fold(DispatchAutodiffContext::Disabled, |all, one| all.merge(one))
    {
        DispatchAutodiffContext::Disabled => {
            let inputs = inputs.map(|tensor| B::values(primitive::<B>(tensor)));
            wrap::<B>(forward::<B, K, N>(&kernel, &inputs).0)
        }
        DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Disabled) => {
            track::<B, NoCheckpointing, K, N>(kernel, inputs)
        }
        DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Balanced) => {
            track::<B, BalancedCheckpointing, K, N>(kernel, inputs)
        }
    }
}

fn track<B: Host, C: CheckpointStrategy, K: Kernel<N>, const N: usize>(
    kernel: K,
    inputs: [DispatchTensor; N],
) -> DispatchTensor
where
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B, C>>,
{
    let inputs = inputs.map(|tensor| match tensor.autodiff {
        // A constant among tensors that are tracked.
        DispatchAutodiffContext::Disabled => Autodiff::<B, C>::from_inner(primitive::<B>(tensor)),
        DispatchAutodiffContext::Enabled(_) => primitive::<Autodiff<B, C>>(tensor),
    });
    let nodes = inputs.each_ref().map(|tensor| tensor.node());
    let inputs = inputs.map(|tensor| B::values(tensor.into_primitive()));
    let (out, extra) = forward::<B, K, N>(&kernel, &inputs);
    let out = match Applied(kernel.clone()).prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let state = State { inputs, out: B::values(out.clone()), extra };
            prep.finish(state, out)
        }
        OpsKind::UnTracked(prep) => prep.finish(out),
    };
    wrap::<Autodiff<B, C>>(out)
}

fn forward<B: Host, K: Kernel<N>, const N: usize>(
    kernel: &K,
    inputs: &[Values; N],
) -> (FloatTensor<B>, Values) {
    fn of_type<T: Number, K: Kernel<N>, const N: usize>(kernel: &K, inputs: &[Values; N]) -> [Values; 2] {
        let Forward { shape, out, extra } = kernel.forward::<T>(inputs.each_ref().map(array));
        let n_extra = [extra.len()];
        [Values::new(out, &shape), Values::new(extra, &n_extra)]
    }
    let [out, extra] = match inputs[0].dtype() {
        DType::F64 => of_type::<f64, K, N>(kernel, inputs),
        _ => of_type::<f32, K, N>(kernel, inputs),
    };
    (B::tensor(out), extra)
}

/// A kernel in Burn's graph.
#[derive(Debug)]
struct Applied<K>(K);

/// What the graph keeps of its forward.
#[derive(Debug, Clone)]
struct State<const N: usize> {
    inputs: [Values; N],
    out: Values,
    extra: Values,
}

impl<B: Host, K: Kernel<N>, const N: usize> Backward<B, N> for Applied<K> {
    type State = State<N>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_out = B::values(grads.consume::<B>(&ops.node));
        let gradients = match d_out.dtype() {
            DType::F64 => self.gradients::<f64, N>(&ops.state, &d_out),
            _ => self.gradients::<f32, N>(&ops.state, &d_out),
        };
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, B::tensor(gradient));
            }
        }
    }
}

impl<K> Applied<K> {
    fn gradients<T: Number, const N: usize>(&self, state: &State<N>, d_out: &Values) -> [Values; N]
    where
        K: Kernel<N>,
    {
        let State { inputs, out, extra } = state;
        let inputs = inputs.each_ref().map(array);
        let saved = Saved { inputs, out: out.slice(), extra: extra.slice(), d_out: d_out.slice() };
        let mut shapes = inputs.iter().map(|input| input.shape);
        self.0
            .backward::<T>(saved)
            .map(|gradient| Values::new(gradient, shapes.next().expect("a gradient for each input")))
    }
}

fn array<T: Number>(values: &Values) -> Array<'_, T> {
    Array { values: values.slice(), shape: values.shape() }
}
