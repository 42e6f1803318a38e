//! A boxed module is the module inside: the same visits, the same bytes, the same switches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::module::{Flag, Module, ModuleDisplay, ModuleMapper, Param, ParamId};
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use qkv_model::{
    AnyScore, Catalog, Choice, HeadShape, Init, ModelError, NoSettings, Score, SelfAttentionConfig, Training,
    parameters,
};
use qkv_train::{load_weights, save_weights};
use tempfile::tempdir;

use crate::support::backends::device;
use crate::support::layers::input;
use crate::support::numbers::values;
use crate::support::visits::{Change, Log};

/// A user's score with parameters of every kind: three ranks, whole numbers, truth values, a switch, nested modules.
#[derive(Module, Debug)]
struct Odd {
    vector: Param<Tensor<1>>,
    matrix: Param<Tensor<2>>,
    nested: Option<Inner>,
    absent: Option<Inner>,
    many: Vec<Inner>,
    counts: Param<Tensor<1, Int>>,
    signs: Param<Tensor<2, Bool>>,
    switch: Param<Flag>,
    factor: f64,
    #[module(skip)]
    label: String,
}

#[derive(Module, Debug)]
struct Inner {
    cube: Param<Tensor<3>>,
    frozen: Param<Tensor<4>>,
}

impl Inner {
    fn new(init: &Init) -> Self {
        Self {
            cube: init.normal("cube", [2, 3, 5], 1.0, Training::Learned),
            frozen: init.normal("frozen", [2, 1, 3, 1], 1.0, Training::Frozen),
        }
    }
}

impl Odd {
    fn new(init: &Init) -> Self {
        let device = init.device();
        let counts = Tensor::from_data(TensorData::from([2_i64, 3, 5]), device);
        let signs = Tensor::from_data(TensorData::from([[true, false], [false, false]]), device);
        let many = init.enter("many");
        Self {
            vector: init.normal("vector", [7], 1.0, Training::Learned),
            matrix: init.normal("matrix", [3, 5], 1.0, Training::Learned),
            nested: Some(Inner::new(&init.enter("nested"))),
            absent: None,
            many: ["0", "1"].map(|at| Inner::new(&many.enter(at))).into(),
            counts: Param::initialized(ParamId::new(), counts),
            signs: Param::initialized(ParamId::new(), signs),
            switch: Param::<Flag>::from_bool(true),
            factor: 0.5,
            label: "odd".to_owned(),
        }
    }

    fn build(_: &NoSettings, init: &Init, _: HeadShape) -> Result<Self, ModelError> {
        Ok(Self::new(init))
    }
}

impl Score for Odd {
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        let gain = self.vector.val().narrow(0, 0, 1) + self.matrix.val().slice([0..1, 0..1]).squeeze_dim(0);
        q.matmul(k.transpose()) * gain.unsqueeze()
    }

    fn scale(&self, d_k: usize) -> f64 {
        self.factor / d_k as f64
    }
}

fn odd(device: &Device, seed: u64) -> Odd {
    Odd::new(&Init::new(device, seed).enter("score"))
}

/// One of Burn's conversions of whole modules.
type Switch<M> = fn(M, &Device) -> M;

fn inside(boxed: &AnyScore) -> &Odd {
    boxed.downcast_ref().unwrap()
}

#[test]
fn a_visitor_visits_the_same_in_the_same_order() {
    for device in [device(), device().autodiff()] {
        let plain = odd(&device, 1);
        let boxed = AnyScore::new(plain.clone());
        let log = Log::of(&plain);
        for (kind, n) in [("float 1", 1), ("float 2", 1), ("float 3", 3), ("float 4", 3)] {
            assert_eq!(log.iter().filter(|line| line.starts_with(kind)).count(), n, "{kind}");
        }
        for kind in ["int 1", "bool 2", "flag"] {
            assert_eq!(log.iter().filter(|line| line.starts_with(kind)).count(), 1, "{kind}");
        }
        assert_eq!(Log::of(&boxed), log);
        // A box in a box changes nothing either.
        assert_eq!(Log::of(&AnyScore::new(boxed)), log);
    }
}

#[test]
fn a_mapper_changes_the_same_in_the_same_order() {
    for device in [device(), device().autodiff()] {
        let plain = odd(&device, 1);
        let boxed = AnyScore::new(plain.clone());
        let (mut of_plain, mut of_boxed) = (Change::default(), Change::default());
        let before = Log::of(&plain);
        let (plain, boxed) = (plain.map(&mut of_plain), boxed.map(&mut of_boxed));
        assert_eq!(of_boxed.0, of_plain.0);
        assert_eq!(Log::of(&boxed), Log::of(&plain));
        for (before, after) in before.iter().zip(Log::of(&boxed)) {
            let is_parameter = !before.starts_with("enter") && !before.starts_with("exit");
            assert_eq!(*before != after, is_parameter, "{before} and {after}");
        }
    }
}

#[test]
fn train_valid_freeze_move_and_fork_do_the_same() {
    let device = device().autodiff();
    let plain = odd(&device, 1);
    let boxed = AnyScore::new(plain.clone());
    let checks: [(&str, Switch<Odd>, Switch<AnyScore>); 8] = [
        ("valid", |m, _| m.valid(), |m, _| m.valid()),
        ("valid, then train", |m, _| m.valid().train(), |m, _| m.valid().train()),
        ("no_grad", |m, _| m.no_grad(), |m, _| m.no_grad()),
        ("freeze", |m, _| m.freeze(), |m, _| m.freeze()),
        ("unfreeze", |m, _| m.unfreeze(), |m, _| m.unfreeze()),
        ("to_device", |m, device| m.to_device(device), |m, device| m.to_device(device)),
        ("fork", |m, device| m.fork(device), |m, device| m.fork(device)),
        ("materialize", |m, _| m.materialize(), |m, _| m.materialize()),
    ];
    for (what, of_plain, of_boxed) in checks {
        let (plain, boxed) = (of_plain(plain.clone(), &device), of_boxed(boxed.clone(), &device));
        assert_eq!(Log::of(&boxed), Log::of(&plain), "{what}");
        assert_eq!(boxed.devices(), plain.devices(), "{what}");
        assert_eq!((inside(&boxed).factor, inside(&boxed).label.as_str()), (0.5, "odd"), "{what}");
    }
    // Frozen stays frozen on the way to validation and back.
    let back = boxed.valid().train();
    let Inner { cube, frozen } = inside(&back).nested.as_ref().unwrap();
    assert!(cube.is_require_grad() && !frozen.is_require_grad());
}

/// Fails at the third parameter.
struct Fails(usize);

impl ModuleMapper for Fails {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.0 += 1;
        assert!(self.0 < 3, "the third parameter");
        param
    }
}

/// A score that counts its clones.
#[derive(Module, Debug)]
struct Counted {
    weights: Param<Tensor<2>>,
    #[module(skip)]
    clones: Clones,
}

#[derive(Debug, Default)]
struct Clones(Arc<AtomicUsize>);

impl Clone for Clones {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl Score for Counted {
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        q.matmul(k.transpose())
    }
}

#[test]
fn a_box_is_mapped_and_moved_without_a_clone() {
    let device = device();
    let init = Init::new(&device, 1);
    let weights = init.uniform("weights", [2, 3], 1.0, Training::Learned);
    let n_clones = |convert: &dyn Fn(&Counted)| {
        let counted = Counted { weights: weights.clone(), clones: Clones::default() };
        convert(&counted);
        counted.clones.0.load(Ordering::Relaxed)
    };
    let of_plain = n_clones(&|counted| drop(counted.clone().map(&mut Change::default()).train()));
    let of_boxed = n_clones(&|counted| {
        drop(AnyScore::new(counted.clone()).map(&mut Change::default()).train());
    });
    assert_eq!(of_boxed, of_plain);
    let cloned = n_clones(&|counted| {
        drop(AnyScore::new(counted.clone()).clone().map(&mut Change::default()).train());
    });
    assert_eq!(cloned, of_plain + 1);
}

#[test]
fn a_panic_of_a_mapper_unwinds_through_the_box() {
    let boxed = AnyScore::new(odd(&Device::flex(), 1));
    let map = std::panic::AssertUnwindSafe(|| boxed.map(&mut Fails(0)));
    let panic = std::panic::catch_unwind(map).err().unwrap();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the third parameter"));
}

#[test]
fn a_clone_has_its_own_weights() {
    let device = device();
    let first = AnyScore::new(odd(&device, 1));
    let second = first.clone().map(&mut Change::default());
    assert_ne!(Log::of(&first), Log::of(&second));
    assert_eq!(Log::of(&first), Log::of(&first.clone()));
}

#[test]
fn it_counts_and_prints_the_same() {
    let device = device();
    let plain = odd(&device, 1);
    let boxed = AnyScore::new(plain.clone());
    // 7 + 15 and three times 30 + 6; whole numbers and truth values do not count.
    assert_eq!((plain.num_params(), boxed.num_params()), (130, 130));
    assert_eq!(boxed.to_string(), plain.to_string());
    assert_eq!(ModuleDisplay::format(&boxed, Default::default()), plain.to_string());
    let mut config = SelfAttentionConfig::new(3, 2);
    config.score = Choice::new("odd");
    let catalog = Catalog::default().score("odd", Odd::build);
    let layer = config.init_with(&Init::new(&device, 1), &catalog).unwrap();
    let printed = layer.to_string();
    assert!(printed.contains("score: Odd {") && printed.contains("factor: 0.5"), "{printed}");
    assert!(printed.contains(&format!("params: {}", 130 + 3 * 6)), "{printed}");
    assert!(format!("{boxed:?}").contains("label: \"odd\""), "{boxed:?}");
}

#[test]
fn it_computes_the_same_and_its_own_type_is_found_inside() {
    let device = device();
    let plain = odd(&device, 1);
    let boxed = AnyScore::new(plain.clone());
    let x = || input((&device, burn::tensor::DType::F32)).unsqueeze::<4>();
    assert_eq!(values(&boxed.scores(x(), x())), values(&plain.scores(x(), x())));
    assert_eq!((boxed.scale(10), plain.scale(10)), (0.05, 0.05));
    assert!(boxed.downcast_ref::<Odd>().is_some());
    assert!(boxed.downcast_ref::<qkv_model::Dot>().is_none());
}

#[test]
fn weights_saved_through_the_box_load_outside_it_and_the_other_way_round() {
    let device = device();
    let folder = tempdir().unwrap();
    let files = ["plain", "boxed"].map(|name| folder.path().join(name));
    let source = odd(&device, 1);
    save_weights(&source, &files[0]).unwrap();
    save_weights(&AnyScore::new(source.clone()), &files[1]).unwrap();
    assert_eq!(std::fs::read(&files[0]).unwrap(), std::fs::read(&files[1]).unwrap());
    let bytes = |score: &Odd| {
        let floats = parameters(score).into_iter().map(|parameter| (parameter.path, parameter.data));
        let (counts, signs) = (score.counts.val().to_data(), score.signs.val().to_data());
        (floats.collect::<Vec<_>>(), counts, signs)
    };
    for file in &files {
        let plain = load_weights(odd(&device, 2), file).unwrap();
        let boxed = load_weights(AnyScore::new(odd(&device, 2)), file).unwrap();
        assert_eq!(bytes(&plain), bytes(&source));
        assert_eq!(bytes(inside(&boxed)), bytes(&source));
        assert!(!inside(&boxed).many[1].frozen.is_require_grad());
    }
}
