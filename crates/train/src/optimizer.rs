//! AdamW with two groups of parameters: those that decay and those that do not.

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::{AdamWConfig, ModuleOptimizer};

use crate::config::OptimizerConfig;

/// Burn's AdamW over all parameters of `model`, with weight decay on matrices only.
pub(crate) fn adam_w<M: Module>(config: &OptimizerConfig, model: &M) -> ModuleOptimizer {
    let without_decay = AdamWConfig::new()
        .with_beta_1(config.beta_1 as f32)
        .with_beta_2(config.beta_2 as f32)
        .with_epsilon(config.epsilon as f32)
        .with_weight_decay(0.0);
    let with_decay = without_decay.clone().with_weight_decay(config.weight_decay as f32);
    let mut decaying = Decaying::default();
    model.visit(&mut decaying);
    ModuleOptimizer::from(without_decay.build()).with_group(
        ParamGroup::from_ids(decaying.ids),
        with_decay.build(),
        None,
    )
}

#[derive(Default)]
struct Decaying {
    /// The types that the parameter lies in, outermost first.
    containers: Vec<String>,
    ids: Vec<ParamId>,
}

impl ModuleVisitor for Decaying {
    fn enter_module(&mut self, _name: &str, container_type: &str) {
        self.containers.push(container_type.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.containers.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // Vectors are biases and norms; embeddings and positions are tables of vectors, not maps.
        let is_table = self.containers.iter().any(|c| c == "Struct:Embedding" || c == "Struct:Positions");
        if D >= 2 && !is_table {
            self.ids.push(param.id);
        }
    }
}
