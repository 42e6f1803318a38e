//! Whether colours can be told apart, also by readers who lack one kind of cone.

use crate::picture::palette::Rgb;

/// How a reader sees.
#[derive(Debug, Clone, Copy)]
enum Vision {
    Normal,
    Protanopia,
    Deuteranopia,
    Tritanopia,
}

impl Vision {
    const ALL: [Self; 4] = [Self::Normal, Self::Protanopia, Self::Deuteranopia, Self::Tritanopia];

    /// What it makes of linear red, green and blue
    /// ([Machado, Oliveira & Fernandes 2009, table 1, severity 1](https://doi.org/10.1109/TVCG.2009.113)).
    fn matrix(self) -> [[f64; 3]; 3] {
        match self {
            Self::Normal => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Self::Protanopia => [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ],
            Self::Deuteranopia => [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881],
            ],
            Self::Tritanopia => [
                [1.255528, -0.076749, -0.178779],
                [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900],
            ],
        }
    }

    /// The colour in CIELAB under D65, as it is seen.
    fn lab(self, colour: Rgb) -> [f64; 3] {
        let linear = colour.map(|channel| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        let times =
            |matrix: [[f64; 3]; 3], x: [f64; 3]| matrix.map(|row| (0..3).map(|i| row[i] * x[i]).sum::<f64>());
        let seen = times(self.matrix(), linear).map(|x| x.clamp(0.0, 1.0));
        let xyz = [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ];
        let [x, y, z] = times(xyz, seen);
        let f = |t: f64| if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 };
        let [x, y, z] = [f(x / 0.95047), f(y), f(z / 1.08883)];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }
}

/// CIEDE2000 ([Sharma, Wu & Dalal 2005, equations 2 to 22](https://doi.org/10.1002/col.20070)).
fn difference([l_1, a_1, b_1]: [f64; 3], [l_2, a_2, b_2]: [f64; 3]) -> f64 {
    let to_25 = |c: f64| (c.powi(7) / (c.powi(7) + 25.0_f64.powi(7))).sqrt();
    let mean_c = f64::midpoint(a_1.hypot(b_1), a_2.hypot(b_2));
    let g = 0.5 * (1.0 - to_25(mean_c));
    let [a_1, a_2] = [a_1, a_2].map(|a| a * (1.0 + g));
    let [c_1, c_2] = [a_1.hypot(b_1), a_2.hypot(b_2)];
    let hue = |a: f64, b: f64| b.atan2(a).to_degrees().rem_euclid(360.0);
    let [h_1, h_2] = [hue(a_1, b_1), hue(a_2, b_2)];
    let is_grey = c_1 * c_2 == 0.0;
    let turn = match h_2 - h_1 {
        _ if is_grey => 0.0,
        turn if turn > 180.0 => turn - 360.0,
        turn if turn < -180.0 => turn + 360.0,
        turn => turn,
    };
    let mean_h = match f64::midpoint(h_1, h_2) {
        mean if is_grey => 2.0 * mean,
        mean if (h_1 - h_2).abs() <= 180.0 => mean,
        mean if mean < 180.0 => mean + 180.0,
        mean => mean - 180.0,
    };
    let cos = |degrees: f64| degrees.to_radians().cos();
    let (mean_l, mean_c) = (f64::midpoint(l_1, l_2), f64::midpoint(c_1, c_2));
    let t = 1.0 - 0.17 * cos(mean_h - 30.0) + 0.24 * cos(2.0 * mean_h) + 0.32 * cos(3.0 * mean_h + 6.0)
        - 0.20 * cos(4.0 * mean_h - 63.0);
    let off_50 = (mean_l - 50.0).powi(2);
    let l = (l_2 - l_1) / (1.0 + 0.015 * off_50 / (20.0 + off_50).sqrt());
    let c = (c_2 - c_1) / (1.0 + 0.045 * mean_c);
    let h = 2.0 * (c_1 * c_2).sqrt() * (turn / 2.0).to_radians().sin() / (1.0 + 0.015 * mean_c * t);
    let rotation = 30.0 * (-((mean_h - 275.0) / 25.0).powi(2)).exp();
    let r = -2.0 * to_25(mean_c) * (2.0 * rotation).to_radians().sin();
    (l * l + c * c + h * h + r * c * h).sqrt()
}

/// The smallest difference of any two of the colours, in any vision.
pub(crate) fn least_difference(colours: &[Rgb]) -> f64 {
    let pairs = || (0..colours.len()).flat_map(|i| (0..i).map(move |j| [i, j]));
    let of = |vision: Vision| {
        pairs().map(move |pair| pair.map(|i| vision.lab(colours[i]))).map(|[a, b]| difference(a, b))
    };
    Vision::ALL.into_iter().flat_map(of).fold(f64::INFINITY, f64::min)
}

#[test]
fn differences_are_those_of_the_published_table() {
    // Pairs 1, 7, 17 and 25 of table 1.
    let table = [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
    ];
    for (a, b, expected) in table {
        assert!((difference(a, b) - expected).abs() < 5e-5, "{} instead of {expected}", difference(a, b));
    }
}
