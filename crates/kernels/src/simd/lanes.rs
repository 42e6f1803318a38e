//! One name for each operation on vectors of either number type: `pulp` has two families of methods (`add_f32s`,
//! `add_f64s`, …), and every kernel is written once.

use std::any::TypeId;
use std::fmt::Debug;

use bytemuck::Pod;
use pastey::paste;
use pulp::{Scalar128b, Simd};

use super::constants::Constants;

/// Vectors of one number type at any instruction set. It seals [`Float`](crate::Float).
pub trait Lanes: Constants + Pod + Send + Sync {
    /// As many numbers as one register holds.
    type Vector<S: Simd>: Pod + Debug + Send + Sync;
    /// One truth value a lane.
    type Mask<S: Simd>: Copy;

    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    fn vectors<S: Simd>(simd: S, slice: &[Self]) -> (&[Self::Vector<S>], &[Self]);
    fn vectors_mut<S: Simd>(simd: S, slice: &mut [Self]) -> (&mut [Self::Vector<S>], &mut [Self]);
    fn load_part<S: Simd>(simd: S, slice: &[Self]) -> Self::Vector<S>;
    fn store_part<S: Simd>(simd: S, slice: &mut [Self], value: Self::Vector<S>);
    fn add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn sub<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn mul<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn div<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn sqrt_lanes<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
    fn abs<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
    /// `a · b + c`, rounded once where the machine can do that cheaply.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// `a` where `a > b`, else `b`, also where one of them is NaN.
    fn max<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn less<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S>;
    fn select<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        yes: Self::Vector<S>,
        no: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// Sum over the lanes, in an order that depends on the instruction set alone.
    fn sum_lanes<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
    /// The largest lane, where none is NaN.
    fn max_lanes<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
    /// Moves the low bits of the pattern into the exponent field: `bits << mantissa bits`.
    fn into_exponent<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
}

/// Whether `S` is the portable one.
#[inline(always)]
fn is_portable<S: Simd>() -> bool {
    TypeId::of::<S>() == TypeId::of::<Scalar128b>()
}

/// Whether a fused multiply-add costs as little as a product. The processor of the portable level may lack it, and the
/// library call that stands in for it costs fifty multiplications. WebAssembly lacks it, too: its relaxed one may round
/// once or twice, so that browsers would differ.
#[inline(always)]
fn is_fused<S: Simd>() -> bool {
    cfg!(not(target_arch = "wasm32")) && !is_portable::<S>()
}

macro_rules! lanes {
    ($bits:literal) => {
        paste! {
        impl Lanes for [<f $bits>] {
            type Vector<S: Simd> = S::[<f $bits s>];
            type Mask<S: Simd> = S::[<m $bits s>];

            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S> {
                simd.[<splat_f $bits s>](value)
            }
            #[inline(always)]
            fn vectors<S: Simd>(_simd: S, slice: &[Self]) -> (&[Self::Vector<S>], &[Self]) {
                S::[<as_simd_f $bits s>](slice)
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(_simd: S, slice: &mut [Self]) -> (&mut [Self::Vector<S>], &mut [Self]) {
                S::[<as_mut_simd_f $bits s>](slice)
            }
            #[inline(always)]
            fn load_part<S: Simd>(simd: S, slice: &[Self]) -> Self::Vector<S> {
                simd.[<partial_load_f $bits s>](slice)
            }
            #[inline(always)]
            fn store_part<S: Simd>(simd: S, slice: &mut [Self], value: Self::Vector<S>) {
                simd.[<partial_store_f $bits s>](slice, value);
            }
            #[inline(always)]
            fn add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S> {
                simd.[<add_f $bits s>](a, b)
            }
            #[inline(always)]
            fn sub<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S> {
                simd.[<sub_f $bits s>](a, b)
            }
            #[inline(always)]
            fn mul<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S> {
                simd.[<mul_f $bits s>](a, b)
            }
            #[inline(always)]
            fn div<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S> {
                simd.[<div_f $bits s>](a, b)
            }
            #[inline(always)]
            fn sqrt_lanes<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S> {
                simd.[<sqrt_f $bits s>](a)
            }
            #[inline(always)]
            fn abs<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S> {
                simd.[<abs_f $bits s>](a)
            }
            #[inline(always)]
            fn mul_add<S: Simd>(
                simd: S,
                a: Self::Vector<S>,
                b: Self::Vector<S>,
                c: Self::Vector<S>,
            ) -> Self::Vector<S> {
                match is_fused::<S>() {
                    true => simd.[<mul_add_f $bits s>](a, b, c),
                    false => Self::add(simd, Self::mul(simd, a, b), c),
                }
            }
            #[inline(always)]
            fn max<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S> {
                // That is what the instruction of x86 does. NEON's gives NaN where one of both is NaN, and `f32::max`
                // the other one.
                match cfg!(target_arch = "x86_64") && !is_portable::<S>() {
                    true => simd.[<max_f $bits s>](a, b),
                    false => Self::select(simd, Self::less(simd, b, a), a, b),
                }
            }
            #[inline(always)]
            fn less<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S> {
                simd.[<less_than_f $bits s>](a, b)
            }
            #[inline(always)]
            fn select<S: Simd>(
                simd: S,
                mask: Self::Mask<S>,
                yes: Self::Vector<S>,
                no: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.[<select_f $bits s>](mask, yes, no)
            }
            #[inline(always)]
            fn sum_lanes<S: Simd>(simd: S, a: Self::Vector<S>) -> Self {
                simd.[<reduce_sum_f $bits s>](a)
            }
            #[inline(always)]
            fn max_lanes<S: Simd>(simd: S, a: Self::Vector<S>) -> Self {
                simd.[<reduce_max_f $bits s>](a)
            }
            #[inline(always)]
            fn into_exponent<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S> {
                // A product with a power of two is a shift; f64 lanes have no other one in `pulp`.
                let shift = simd.[<splat_u $bits s>](1 << ([<f $bits>]::MANTISSA_DIGITS - 1));
                let bits = simd.[<transmute_u $bits s_f $bits s>](a);
                simd.[<transmute_f $bits s_u $bits s>](simd.[<mul_u $bits s>](bits, shift))
            }
        }
        }
    };
}

lanes!(32);
lanes!(64);
