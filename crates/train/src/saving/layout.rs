//! The parameters of a model as its files have them: paths, lengths and precision, without the values.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor};
use qkv_model::ModulePath;

/// One parameter.
pub(super) struct Place {
    /// Its name in a file.
    pub path: String,
    pub shape: Vec<usize>,
    /// Its number of values.
    pub n: usize,
    pub dtype: DType,
    /// Whether an optimizer updates it.
    pub learned: bool,
}

/// Those of `model`, in its order.
pub(super) fn layout<M: Module>(model: &M) -> Vec<Place> {
    let mut layout = Layout::default();
    model.visit(&mut layout);
    layout.places
}

#[derive(Default)]
struct Layout {
    path: ModulePath,
    places: Vec<Place>,
}

impl ModuleVisitor for Layout {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        self.places.push(Place {
            path: self.path.names().join("."),
            shape: tensor.dims().to_vec(),
            n: tensor.shape().num_elements(),
            dtype: tensor.dtype(),
            learned: param.is_require_grad(),
        });
    }
}
