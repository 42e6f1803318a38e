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
    Autodiff, AutodiffBackend, Backend, DispatchAutodiffContext, DispatchKindConversion, DispatchTensor,
    Flex, TensorMetadata,
};
use burn::tensor::{DType, GradientCheckpointingStrategy, Tensor};

use qkv_kernels::Matrix;

use super::host::{Host, HostBackend, Number, Values, primitive, wrap};

/// A differentiable function of `N` arrays with a backward of its own.
pub(crate) trait Kernel<const N: usize>: Debug + Clone + Send + 'static {
    /// The output, and whatever else the backward will read.
    fn forward<T: Number>(&self, inputs: [Array<'_, T>; N]) -> Forward<T>;

    /// The gradient of every input that needs one.
    fn backward<T: Number>(&self, saved: Saved<'_, T, N>) -> [Gradient<T>; N];

    /// Whether the backward reads the values of an input; the others are not kept.
    fn keeps_input(&self, index: usize) -> bool {
        let _ = index;
        true
    }

    /// Whether the backward reads the output.
    fn keeps_out(&self) -> bool {
        false
    }
}

/// The gradient of one input, in its shape.
pub(crate) enum Gradient<T> {
    New(Vec<T>),
    /// The output's gradient as it is.
    OfOutput,
    /// Not needed.
    None,
}

/// Row-major values and their shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Array<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) shape: &'a [usize],
}

impl<'a, T: Number> Array<'a, T> {
    /// As rows along the last axis.
    pub(crate) fn matrix(self) -> Matrix<'a, T> {
        Matrix::new(self.values, self.shape[self.shape.len() - 1])
    }
}

/// What a forward makes.
pub(crate) struct Forward<T> {
    pub(crate) shape: Vec<usize>,
    pub(crate) out: Vec<T>,
    /// Kept for the backward, such as normalizers.
    pub(crate) extra: Vec<Vec<T>>,
}

/// What a backward reads.
pub(crate) struct Saved<'a, T, const N: usize> {
    /// Without values where they are not kept.
    pub(crate) inputs: [Array<'a, T>; N],
    /// Empty where it is not kept.
    pub(crate) out: &'a [T],
    pub(crate) extra: Vec<&'a [T]>,
    pub(crate) d_out: &'a [T],
    /// Which inputs need a gradient.
    pub(crate) needed: [bool; N],
}

/// Applies a kernel to tensors of `backend`.
pub(crate) fn apply<K: Kernel<N>, const N: usize>(
    backend: HostBackend,
    kernel: K,
    inputs: [DispatchTensor; N],
) -> DispatchTensor {
    let [x, others @ ..] = &inputs[..] else { unreachable!("a kernel has an input") };
    for other in others {
        let (x, other) = (x.dtype().name(), other.dtype().name());
        assert!(x == other, "x is {x}, the layer {other}; cast one of them");
    }
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
            let mut index = 0..;
            let inputs = inputs.map(|values| Kept {
                shape: values.shape().to_vec(),
                values: index.next().is_some_and(|index| kernel.keeps_input(index)).then_some(values),
            });
            let kept_out = kernel.keeps_out().then(|| B::values(out.clone()));
            prep.finish(State { inputs, out: kept_out, extra }, out)
        }
        OpsKind::UnTracked(prep) => prep.finish(out),
    };
    wrap::<Autodiff<B, C>>(out)
}

impl HostBackend {
    /// Whether a gradient of the tensor is wanted.
    pub(crate) fn is_tracked<const D: usize>(self, tensor: &Tensor<D>) -> bool {
        let tensor = tensor.clone().into_dispatch();
        match self {
            Self::Flex => is_tracked_on::<Flex>(tensor),
            #[cfg(feature = "ndarray")]
            Self::NdArray => is_tracked_on::<super::host::NdArray>(tensor),
        }
    }
}

fn is_tracked_on<B: Host>(tensor: DispatchTensor) -> bool
where
    DispatchTensor: DispatchKindConversion<Autodiff<B, NoCheckpointing>>
        + DispatchKindConversion<Autodiff<B, BalancedCheckpointing>>,
{
    /// An operation that is prepared and never done.
    #[derive(Debug)]
    struct Asked;

    impl<B: Backend> Backward<B, 1> for Asked {
        type State = ();

        fn backward(self, _: Ops<(), 1>, _: &mut Gradients, _: &mut Checkpointer) {}
    }

    fn of<B: Host, C: CheckpointStrategy>(tensor: FloatTensor<Autodiff<B, C>>) -> bool {
        let prepared = <Asked as Backward<B, 1>>::prepare::<C>(Asked, [tensor.node()]);
        matches!(prepared.compute_bound().stateful(), OpsKind::Tracked(_))
    }

    match tensor.autodiff {
        DispatchAutodiffContext::Disabled => false,
        DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Disabled) => {
            of::<B, NoCheckpointing>(primitive::<Autodiff<B, NoCheckpointing>>(tensor))
        }
        DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Balanced) => {
            of::<B, BalancedCheckpointing>(primitive::<Autodiff<B, BalancedCheckpointing>>(tensor))
        }
    }
}

fn forward<B: Host, K: Kernel<N>, const N: usize>(
    kernel: &K,
    inputs: &[Values; N],
) -> (FloatTensor<B>, Vec<Values>) {
    fn of_type<T: Number, K: Kernel<N>, const N: usize>(
        kernel: &K,
        inputs: &[Values; N],
    ) -> (Values, Vec<Values>) {
        let arrays = inputs.each_ref().map(|input| Array { values: input.slice(), shape: input.shape() });
        let Forward { shape, out, extra } = kernel.forward::<T>(arrays);
        let extra = extra.into_iter().map(|values| {
            let len = [values.len()];
            Values::new(values, &len)
        });
        (Values::new(out, &shape), extra.collect())
    }
    let (out, extra) = match inputs[0].dtype() {
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
    inputs: [Kept; N],
    out: Option<Values>,
    extra: Vec<Values>,
}

#[derive(Debug, Clone)]
struct Kept {
    shape: Vec<usize>,
    values: Option<Values>,
}

impl<B: Host, K: Kernel<N>, const N: usize> Backward<B, N> for Applied<K> {
    type State = State<N>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_out = B::values(grads.consume::<B>(&ops.node));
        let needed = ops.parents.each_ref().map(Option::is_some);
        let gradients = match d_out.dtype() {
            DType::F64 => gradients::<f64, K, N>(&self.0, &ops.state, &d_out, needed),
            _ => gradients::<f32, K, N>(&self.0, &ops.state, &d_out, needed),
        };
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, B::tensor(gradient));
            }
        }
    }
}

fn gradients<T: Number, K: Kernel<N>, const N: usize>(
    kernel: &K,
    State { inputs, out, extra }: &State<N>,
    d_out: &Values,
    needed: [bool; N],
) -> [Option<Values>; N] {
    let inputs = inputs.each_ref().map(|Kept { shape, values }| Array {
        values: values.as_ref().map(Values::slice).unwrap_or_default(),
        shape,
    });
    let saved = Saved {
        inputs,
        out: out.as_ref().map(Values::slice).unwrap_or_default(),
        extra: extra.iter().map(Values::slice).collect(),
        d_out: d_out.slice(),
        needed,
    };
    let mut shapes = inputs.iter().map(|input| input.shape);
    kernel.backward::<T>(saved).map(|gradient| {
        let shape = shapes.next().expect("a gradient for each input");
        match gradient {
            Gradient::New(values) => Some(Values::new(values, shape)),
            Gradient::OfOutput => Some(d_out.clone()),
            Gradient::None => None,
        }
    })
}
