//! The numbers of the exponential and of the normal distribution, in the precision of each number type.

/// Constants of one number type.
pub trait Constants: Sized + 'static {
    /// Below it `exp` is zero: the smallest argument with a normal result.
    const EXP_MIN: Self;
    /// Above it `exp` is infinite.
    const EXP_MAX: Self;
    const LOG2_E: Self;
    /// `1.5 · 2^mantissa bits + exponent bias`: added to a number it leaves the rounded number, biased, in the low
    /// bits.
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
}

impl Constants for f32 {
    const LANES: &'static [Self] =
        &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0];
    const EXP_MIN: Self = -87.336_54;
    const EXP_MAX: Self = 88.02;
    const LOG2_E: Self = std::f32::consts::LOG2_E;
    const MAGIC: Self = 12_583_039.0; // 1.5 · 2^23 + 127
    const LN_2_HIGH: Self = 0.693_359_4;
    const LN_2_LOW: Self = -0.000_212_194_44;
    const EXP: &'static [Self] = &[0.001_394_216, 0.008_375_968, 0.041_666_34, 0.166_664_05, 0.5, 1.0, 1.0];
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
}

impl Constants for f64 {
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
}
