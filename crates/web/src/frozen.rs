//! Matrices that are frozen in the middle of a run: they stay what they are while all others learn on.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use qkv_model::ModulePath;
use qkv_train::AnyModel;

/// The paths of the parameters that no update changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Frozen(BTreeSet<String>);

impl Frozen {
    /// Freezes a parameter, or lets it learn again.
    pub(crate) fn set(&mut self, path: String, is_frozen: bool) {
        if is_frozen {
            self.0.insert(path);
        } else {
            self.0.remove(&path);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether no update changes this parameter.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.0.contains(path)
    }

    /// Takes the gradients of frozen parameters away: without one, nothing is updated, and nothing decays.
    pub(crate) fn leave_out(&self, model: &AnyModel, gradients: &mut GradientsParams) {
        if !self.is_empty() {
            model.visit(&mut LeaveOut { path: ModulePath::default(), frozen: self, gradients });
        }
    }
}

struct LeaveOut<'a> {
    path: ModulePath,
    frozen: &'a Frozen,
    gradients: &'a mut GradientsParams,
}

impl ModuleVisitor for LeaveOut<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.frozen.has(&self.path.names().join(".")) {
            self.gradients.remove::<D>(param.id);
        }
    }
}
