//! The two number types of the kernels, and what each of them needs to know about vectors.
//!
//! [`Float`] is what callers see. [`Lanes`] seals it, and gives `pulp`'s two families of methods (`add_f32s`,
//! `add_f64s`, …) one name each, so that every kernel is written once.

use std::any::TypeId;
use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use bytemuck::Pod;
use pulp::{Scalar128b, Simd};

/// `f32` or `f64`: what a kernel computes in. Nothing else can implement it.
pub trait Float:
    Lanes
    + PartialOrd
    + Display
    + Debug
    + Default
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// What a hidden score is.
    const NEG_INFINITY: Self;

    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;

    /// The same value, exactly.
    fn to_f64(self) -> f64;

    /// Natural logarithm.
    fn ln(self) -> Self;

    /// Square root.
    fn sqrt(self) -> Self;
}

/// Vectors of one number type at any instruction set, and the constants of the exponential and of the normal distribution
/// in its precision.
pub trait Lanes: Pod + Send + Sync + 'static {
    /// As many numbers as one register holds.
    type Vector<S: Simd>: Pod + Debug + Send + Sync;
    /// One truth value a lane.
    type Mask<S: Simd>: Copy;

    /// Below it `exp` is zero: the smallest argument with a normal result.
    const EXP_MIN: Self;
    /// Above it `exp` is infinite.
    const EXP_MAX: Self;
    const LOG2_E: Self;
    /// `1.5 · 2^mantissa bits + exponent bias`: added to a number it leaves the rounded number, biased, in the low bits.
    const MAGIC: Self;
    /// ln 2 in two parts, the first with so few bits that its product with an exponent is exact.
    const LN_2_HIGH: Self;
    const LN_2_LOW: Self;
    /// The number of each lane, for the widest vector.
    const LANES: &'static [Self];
    /// exp on ±ln 2 / 2, highest power first. Chebyshev fit; relative error 2.1e-9 (f32), 4.8e-20 (f64).
    const EXP: &'static [Self];
    /// exp(z²) erfc(z) in t = (z - 3) / (z + 3), highest power first. Relative error 3.8e-9 (f32), 1.4e-17 (f64).
    const ERFCX: &'static [Self];

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
    /// The larger; where `a` is NaN, `b`.
    fn max<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn less<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S>;
    fn equal<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S>;
    fn select<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        yes: Self::Vector<S>,
        no: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// Sum over the lanes, in an order that depends on the instruction set alone.
    fn sum_lanes<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
    /// The largest lane.
    fn max_lanes<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
    /// Moves the low bits of the pattern into the exponent field: `bits << mantissa bits`.
    fn into_exponent<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
}

/// Whether `S` is the portable one, whose processor may lack a fused multiply-add: the library call that stands in for
/// it costs fifty multiplications.
#[inline(always)]
fn is_portable<S: Simd>() -> bool {
    TypeId::of::<S>() == TypeId::of::<Scalar128b>()
}

macro_rules! lanes {
    (
        $float:ident, $bits:ident, $vector:ident, $mask:ident, $uint:ident, $constants:tt, $add:ident, $sub:ident,
        $mul:ident, $div:ident, $sqrt:ident, $abs:ident, $mul_add:ident, $max:ident, $less:ident, $equal:ident,
        $select:ident, $sum:ident, $largest:ident, $splat:ident, $as_simd:ident, $as_mut_simd:ident, $load_part:ident,
        $store_part:ident, $to_bits:ident, $from_bits:ident, $mul_bits:ident, $splat_bits:ident
    ) => {
        impl Float for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NEG_INFINITY: Self = $float::NEG_INFINITY;

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $float
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                self.into()
            }

            #[inline(always)]
            fn ln(self) -> Self {
                self.ln()
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                self.sqrt()
            }
        }

        impl Lanes for $float {
            type Vector<S: Simd> = S::$vector;
            type Mask<S: Simd> = S::$mask;

            lanes!(@constants $constants);

            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> S::$vector {
                simd.$splat(value)
            }
            #[inline(always)]
            fn vectors<S: Simd>(_simd: S, slice: &[Self]) -> (&[S::$vector], &[Self]) {
                S::$as_simd(slice)
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(_simd: S, slice: &mut [Self]) -> (&mut [S::$vector], &mut [Self]) {
                S::$as_mut_simd(slice)
            }
            #[inline(always)]
            fn load_part<S: Simd>(simd: S, slice: &[Self]) -> S::$vector {
                simd.$load_part(slice)
            }
            #[inline(always)]
            fn store_part<S: Simd>(simd: S, slice: &mut [Self], value: S::$vector) {
                simd.$store_part(slice, value);
            }
            #[inline(always)]
            fn add<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn sub<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn mul<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn div<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$div(a, b)
            }
            #[inline(always)]
            fn sqrt_lanes<S: Simd>(simd: S, a: S::$vector) -> S::$vector {
                simd.$sqrt(a)
            }
            #[inline(always)]
            fn abs<S: Simd>(simd: S, a: S::$vector) -> S::$vector {
                simd.$abs(a)
            }
            #[inline(always)]
            fn mul_add<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
                if is_portable::<S>() { simd.$add(simd.$mul(a, b), c) } else { simd.$mul_add(a, b, c) }
            }
            #[inline(always)]
            fn max<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$max(a, b)
            }
            #[inline(always)]
            fn less<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$mask {
                simd.$less(a, b)
            }
            #[inline(always)]
            fn equal<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$mask {
                simd.$equal(a, b)
            }
            #[inline(always)]
            fn select<S: Simd>(simd: S, mask: S::$mask, yes: S::$vector, no: S::$vector) -> S::$vector {
                simd.$select(mask, yes, no)
            }
            #[inline(always)]
            fn sum_lanes<S: Simd>(simd: S, a: S::$vector) -> Self {
                simd.$sum(a)
            }
            #[inline(always)]
            fn max_lanes<S: Simd>(simd: S, a: S::$vector) -> Self {
                simd.$largest(a)
            }
            #[inline(always)]
            fn into_exponent<S: Simd>(simd: S, a: S::$vector) -> S::$vector {
                // A product with a power of two is a shift; f64 lanes have no other one in `pulp`.
                let shift = simd.$splat_bits(1 << ($float::MANTISSA_DIGITS - 1));
                simd.$from_bits(simd.$mul_bits(simd.$to_bits(a), shift))
            }
        }
    };
    (@constants { $($item:item)* }) => { $($item)* };
}

lanes!(
    f32,
    u32,
    f32s,
    m32s,
    u32s,
    {
        const LANES: &'static [Self] =
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0];
        const EXP_MIN: Self = -87.336_54;
        const EXP_MAX: Self = 88.02;
        const LOG2_E: Self = std::f32::consts::LOG2_E;
        const MAGIC: Self = 12_583_039.0; // 1.5 · 2^23 + 127
        const LN_2_HIGH: Self = 0.693_359_4;
        const LN_2_LOW: Self = -0.000_212_194_44;
        const EXP: &'static [Self] =
            &[0.001_394_216, 0.008_375_968, 0.041_666_34, 0.166_664_05, 0.5, 1.0, 1.0];
        const ERFCX: &'static [Self] = &[
            5.300_470_7e-5,
            2.258_412_7e-5,
            -5.965_463_4e-4,
            7.192_7e-4,
            0.004_270_745_4,
            -0.024_394_92,
            0.071_665_466,
            -0.150_115_73,
            0.245_603_83,
            -0.326_233_57,
            0.179_001_15,
        ];
    },
    add_f32s,
    sub_f32s,
    mul_f32s,
    div_f32s,
    sqrt_f32s,
    abs_f32s,
    mul_add_f32s,
    max_f32s,
    less_than_f32s,
    equal_f32s,
    select_f32s,
    reduce_sum_f32s,
    reduce_max_f32s,
    splat_f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    partial_load_f32s,
    partial_store_f32s,
    transmute_u32s_f32s,
    transmute_f32s_u32s,
    mul_u32s,
    splat_u32s
);

lanes!(
    f64,
    u64,
    f64s,
    m64s,
    u64s,
    {
        const LANES: &'static [Self] = &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
        const EXP_MIN: Self = -708.396_418_532_264_1;
        const EXP_MAX: Self = 709.4;
        const LOG2_E: Self = std::f64::consts::LOG2_E;
        const MAGIC: Self = 6_755_399_441_056_767.0; // 1.5 · 2^52 + 1023
        const LN_2_HIGH: Self = 0.693_147_180_369_123_8;
        const LN_2_LOW: Self = 1.908_214_929_270_587_8e-10;
        const EXP: &'static [Self] = &[
            2.092_248_182_694_952_6e-9,
            2.511_613_250_012_479_7e-8,
            2.755_724_916_885_301_7e-7,
            2.755_722_112_784_281_2e-6,
            2.480_158_735_309_75e-5,
            1.984_126_991_339_968e-4,
            0.001_388_888_888_887_048,
            0.008_333_333_333_307_553,
            0.041_666_666_666_666_69,
            0.166_666_666_666_667_07,
            0.5,
            1.0,
            1.0,
        ];
        const ERFCX: &'static [Self] = &[
            3.468_218_512_524_351e-11,
            3.638_323_165_350_628_6e-10,
            7.534_643_576_539_9e-10,
            -1.797_520_133_225_872e-9,
            -7.825_728_194_172_591e-9,
            1.906_831_543_772_592_5e-9,
            4.583_816_859_315_145e-8,
            2.786_648_434_393_379e-8,
            -2.339_754_341_701_269_5e-7,
            -2.936_515_311_749_88e-7,
            1.252_207_931_125_170_6e-6,
            2.119_915_288_232_99e-6,
            -7.978_050_820_029_256e-6,
            -1.286_047_394_071_484_1e-5,
            6.405_654_102_610_743e-5,
            4.525_529_446_027_809_4e-5,
            -5.970_619_469_788_206e-4,
            7.077_464_393_632_859e-4,
            0.004_269_136_332_742_562_4,
            -0.024_392_499_318_698_427,
            0.071_665_837_197_981_34,
            -0.150_115_936_500_776_48,
            0.245_603_801_712_330_84,
            -0.326_233_560_043_037_2,
            0.179_001_151_181_389_96,
        ];
    },
    add_f64s,
    sub_f64s,
    mul_f64s,
    div_f64s,
    sqrt_f64s,
    abs_f64s,
    mul_add_f64s,
    max_f64s,
    less_than_f64s,
    equal_f64s,
    select_f64s,
    reduce_sum_f64s,
    reduce_max_f64s,
    splat_f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    partial_load_f64s,
    partial_store_f64s,
    transmute_u64s_f64s,
    transmute_f64s_u64s,
    mul_u64s,
    splat_u64s
);
