//! Both normalisations by hand, and what each takes no notice of.

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor};
use qkv_model::{Init, Norm, NormConfig, NormKind, TransformerConfig};

use crate::support::backends::{places, tolerance};
use crate::support::numbers::{assert_close, distance, random, tensor, values};
use crate::support::parameters::paths;

fn norm((device, dtype): (&Device, DType), norm_kind: NormKind, d_model: usize) -> Norm {
    let config = TransformerConfig { norm_kind: norm_kind.into(), ..TransformerConfig::new(2, 3, d_model) };
    let norm = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap().norm.unwrap();
    norm.downcast_ref::<Norm>().unwrap().clone()
}

#[track_caller]
fn check(norm: &Norm, (device, dtype): (&Device, DType), x: &[f64], want: &[f64]) {
    let got: Tensor<1> = norm.forward(tensor::<2>((device, dtype), x, [1, x.len()])).squeeze_dim(0);
    assert_close("normed", &values(&got), want, tolerance(dtype, 1e-6, 1e-13));
}

#[test]
fn rms_norm_of_three_and_four_by_hand() {
    // The mean square of (3, 4) is 12.5.
    let rms = (12.5_f64 + 1e-5).sqrt();
    for place in places() {
        let Norm::Rms(mut norm) = norm(place, NormKind::Rms, 2) else { panic!("no RMS norm") };
        check(&Norm::Rms(norm.clone()), place, &[3.0, 4.0], &[3.0 / rms, 4.0 / rms]);
        norm.gamma = Param::from_tensor(tensor(place, &[10.0, 100.0], [2]));
        check(&Norm::Rms(norm), place, &[3.0, 4.0], &[30.0 / rms, 400.0 / rms]);
    }
}

#[test]
fn layer_norm_of_three_and_five_by_hand() {
    // Mean 4 and variance 1.
    let deviation = (1.0_f64 + 1e-5).sqrt();
    for place in places() {
        let Norm::Layer(mut norm) = norm(place, NormKind::Layer, 2) else { panic!("no layer norm") };
        check(&Norm::Layer(norm.clone()), place, &[3.0, 5.0], &[-1.0 / deviation, 1.0 / deviation]);
        norm.gamma = Param::from_tensor(tensor(place, &[10.0, 100.0], [2]));
        norm.beta = Some(Param::from_tensor(tensor(place, &[1.0, 2.0], [2])));
        check(&Norm::Layer(norm), place, &[3.0, 5.0], &[1.0 - 10.0 / deviation, 2.0 + 100.0 / deviation]);
    }
}

#[test]
fn rms_norm_takes_notice_of_the_mean_and_layer_norm_does_not() {
    let x = random("x", 7);
    let shifted: Vec<f64> = x.iter().map(|x| x + 3.0).collect();
    for place in places() {
        for kind in [NormKind::Layer, NormKind::Rms] {
            let norm = norm(place, kind, 7);
            let of = |x: &[f64]| values(&norm.forward(tensor::<2>(place, x, [1, 7])));
            let apart = distance(&of(&x), &of(&shifted));
            assert_eq!(apart > 1e-4, kind == NormKind::Rms, "{kind:?}: {apart}");
        }
    }
}

#[test]
fn rms_norm_has_a_gamma_and_no_beta_wherever_a_block_norms() {
    for (device, dtype) in places() {
        for norm in [NormConfig::Pre, NormConfig::Post] {
            let of = |norm_kind: NormKind| {
                let config = TransformerConfig {
                    norm,
                    norm_kind: norm_kind.into(),
                    d_mlp: 5,
                    ..TransformerConfig::new(2, 3, 7)
                };
                let model = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
                paths(&model).into_iter().filter(|path| path.contains("norm")).collect::<Vec<String>>()
            };
            let (rms, layer) = (of(NormKind::Rms), of(NormKind::Layer));
            assert!(rms.iter().all(|path| path.ends_with(".gamma")), "{rms:?}");
            let gammas: Vec<String> = layer.iter().filter(|path| path.ends_with(".gamma")).cloned().collect();
            assert_eq!((rms.len(), layer.len()), (gammas.len(), 2 * gammas.len()));
            assert_eq!(rms, gammas);
        }
    }
}
