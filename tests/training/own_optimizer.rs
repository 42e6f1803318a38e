//! A user's optimizer: what it sees, and what becomes of its mistakes.

use std::sync::{Arc, Mutex};

use burn::tensor::Tensor;
use qkv_train::{
    AnyModel, ConfigSource, Experiment, Gradient, Optimizer, ParameterInfo, ParameterKind, Parts, Quantity,
    Registry, StateTensor, StateTensors, TrainError, Trained, Trainer, Update, Updated,
};

use crate::support::backends::device;
use crate::support::panics::message;

fn experiment(settings: &[&str]) -> Experiment {
    let small = [
        "task.seq_len=5",
        "train.steps=3",
        "train.eval_examples=8",
        "model.positions=learned",
        "model.bias=true",
        "model.projections=frozen",
        "model.w_o=true",
        "schedule.kind=linear",
        "schedule.warmup_steps=0",
    ];
    Registry::new().read(ConfigSource::Task("reverse"), &[&small, settings].concat()).unwrap()
}

fn run(experiment: Experiment, optimizer: Arc<dyn Optimizer>) -> Result<Trained<AnyModel>, TrainError> {
    let device = device().autodiff();
    let model = experiment.model(&device)?;
    let parts = Parts { optimizer, ..experiment.parts };
    Trainer::with_parts(model, &*experiment.task, parts, &device)?.run()
}

/// One call of [`Optimizer::update`].
#[derive(Debug, Clone)]
struct Call {
    parameter: ParameterInfo,
    step: u64,
    rate: f64,
    /// Of the clipped gradient.
    square: f64,
    factor: f64,
}

/// Descends, and writes down what it sees.
#[derive(Debug, Default)]
struct Witness(Mutex<Vec<Call>>);

impl Optimizer for Witness {
    fn state(&self, _: &ParameterInfo) -> Vec<StateTensor> {
        Vec::new()
    }

    fn update(
        &self,
        update: &Update<'_>,
        weights: Tensor<1>,
        gradient: Gradient,
        _: &mut StateTensors,
    ) -> Updated {
        let (_, factor) = gradient.clone().with_factor();
        let gradient = gradient.clipped();
        assert_eq!([weights.dims(), gradient.dims()], [[update.parameter.n()]; 2]);
        assert!(!weights.device().is_autodiff() && !gradient.device().is_autodiff());
        let square = gradient.clone().powi_scalar(2).sum().into_scalar::<f64>();
        let Update { parameter, step, learning_rate: rate } = *update;
        let call = Call { parameter: parameter.clone(), step, rate, square, factor };
        self.0.lock().unwrap().push(call);
        Updated::from(weights - gradient.mul_scalar(rate))
    }
}

#[test]
fn it_sees_every_learned_parameter_once_a_step_with_its_kind_its_rate_and_its_clipped_gradient() {
    let witness = Arc::new(Witness::default());
    run(experiment(&["optimizer.clip=0.01", "optimizer.lr=0.5"]), Arc::<Witness>::clone(&witness)).unwrap();
    let calls = witness.0.lock().unwrap().clone();
    for step in 1..=3 {
        let of_step: Vec<&Call> = calls.iter().filter(|call| call.step == step).collect();
        let seen: Vec<(&str, ParameterKind)> =
            of_step.iter().map(|call| (call.parameter.path.as_str(), call.parameter.kind)).collect();
        // The projections are frozen.
        let expected = [
            ("embedding.table", ParameterKind::Table),
            ("positions.learned", ParameterKind::Table),
            ("blocks.0.attention.w_o", ParameterKind::Map),
            ("norm.gamma", ParameterKind::Vector),
            ("norm.beta", ParameterKind::Vector),
            ("unembedding", ParameterKind::Output),
        ];
        for pair in expected {
            assert_eq!(seen.iter().filter(|seen| **seen == pair).count(), 1, "{pair:?} in {seen:?}");
        }
        assert!(!seen.iter().any(|(path, _)| path.contains("attention.w_q")), "{seen:?}");
        let unembedding = of_step.iter().find(|call| call.parameter.path == "unembedding").unwrap();
        assert_eq!(unembedding.parameter.shape, [32, 10]);
        // On a straight line to zero.
        let rate = 0.5 * (1.0 - (step - 1) as f64 / 3.0);
        assert!(of_step.iter().all(|call| (call.rate - rate).abs() < 1e-12), "{rate}: {of_step:?}");
        let norm = of_step.iter().map(|call| call.square).sum::<f64>().sqrt();
        assert!((norm - 0.01).abs() < 1e-6, "{norm}");
        assert!(of_step.iter().all(|call| call.factor < 1.0 && call.factor == of_step[0].factor));
    }
}

/// What an update does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mistake {
    TakesAnother,
    PutsNothingBack,
    PutsAnother,
    Shortens,
    ShortensWeights,
    StateOfNan,
    WeightsOfInfinity,
}

#[derive(Debug)]
struct Mistaken(Mistake);

impl Optimizer for Mistaken {
    fn state(&self, parameter: &ParameterInfo) -> Vec<StateTensor> {
        vec![StateTensor { name: "own", n: parameter.n() }]
    }

    fn update(&self, _: &Update<'_>, weights: Tensor<1>, _: Gradient, state: &mut StateTensors) -> Updated {
        let first_half = |tensor: Tensor<1>| {
            let [n] = tensor.dims();
            tensor.narrow(0, 0, n / 2)
        };
        match self.0 {
            Mistake::TakesAnother => drop(state.take("other")),
            Mistake::PutsNothingBack => drop(state.take("own")),
            Mistake::PutsAnother => state.put("other", weights.clone()),
            Mistake::Shortens => {
                let own = state.take("own");
                state.put("own", first_half(own));
            }
            Mistake::ShortensWeights => return Updated::from(first_half(weights)),
            Mistake::StateOfNan => {
                let own = state.take("own");
                state.put("own", own.add_scalar(f64::NAN));
            }
            Mistake::WeightsOfInfinity => return Updated::from(weights.add_scalar(f64::INFINITY)),
        }
        Updated::from(weights)
    }
}

#[test]
fn a_state_that_would_not_be_read_back_is_a_panic_with_the_tensor() {
    for (mistake, words) in [
        (
            Mistake::TakesAnother,
            "the optimizer's state has no `other`, but [\"own\"]; `take` gives every name",
        ),
        (
            Mistake::PutsNothingBack,
            "Mistaken(PutsNothingBack) left `embedding.table.own` out of its state; put back",
        ),
        (
            Mistake::PutsAnother,
            "Mistaken(PutsAnother) put `embedding.table.other` into its state; list `other`",
        ),
        (Mistake::Shortens, "values of F32 back as `embedding.table.own`, expected"),
        (Mistake::ShortensWeights, "weights of F32 of `embedding.table`, expected"),
    ] {
        let message = message(|| run(experiment(&[]), Arc::new(Mistaken(mistake))));
        assert!(message.contains(words), "{mistake:?}: {message}");
    }
}

#[test]
fn what_an_update_makes_is_tested_for_nan_and_infinity() {
    for (mistake, quantity, words) in [
        (
            Mistake::StateOfNan,
            Quantity::OptimizerState("own"),
            "optimizer state embedding.table.own holds NaN",
        ),
        (Mistake::WeightsOfInfinity, Quantity::Parameter, "the parameter embedding.table holds inf"),
    ] {
        let error = run(experiment(&[]), Arc::new(Mistaken(mistake))).err().unwrap();
        let TrainError::Diverged { step, what, .. } = &error else { panic!("{error}") };
        assert_eq!((*step, *what), (0, quantity));
        assert!(error.to_string().contains(words), "{error}");
    }
}
