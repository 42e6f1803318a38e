//! The parameters of a model as its files have them: paths, shapes and precision, without the values.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Bool, DType, Int, Tensor};
use qkv_model::ModulePath;

use crate::training::{ParameterInfo, ParameterKind, Roles};

/// One parameter.
pub(crate) struct Place {
    /// Its path is its name in a file.
    pub parameter: ParameterInfo,
    pub dtype: DType,
    /// Whether an optimizer updates it.
    pub learned: bool,
}

/// Those of `model`, in its order.
pub(crate) fn layout<M: Module>(model: &M, roles: &Roles) -> Vec<Place> {
    let mut layout = Layout { path: ModulePath::default(), roles, places: Vec::new() };
    model.visit(&mut layout);
    layout.places
}

struct Layout<'a> {
    path: ModulePath,
    roles: &'a Roles,
    places: Vec<Place>,
}

impl Layout<'_> {
    /// An integer or a truth value is saved with the rest, and never updated.
    fn add_constant(&mut self, shape: Vec<usize>, dtype: DType) {
        let parameter =
            ParameterInfo { path: self.path.names().join("."), shape, kind: ParameterKind::Table };
        self.places.push(Place { parameter, dtype, learned: false });
    }
}

impl ModuleVisitor for Layout<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        let tensor = param.val();
        self.add_constant(tensor.dims().to_vec(), tensor.dtype());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        let tensor = param.val();
        self.add_constant(tensor.dims().to_vec(), tensor.dtype());
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let parameter = ParameterInfo {
            path: self.path.names().join("."),
            shape: tensor.dims().to_vec(),
            kind: self.roles.kind(param.id, D),
        };
        self.places.push(Place { parameter, dtype: tensor.dtype(), learned: param.is_require_grad() });
    }
}
