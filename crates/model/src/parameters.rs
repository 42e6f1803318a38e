//! A module's parameters as a list, in the order and under the names of the weight files.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

/// One parameter of a module.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Path in the module tree and name in a weight file, such as `blocks.0.attention.w_q`.
    pub path: String,
    /// Its axes' lengths.
    pub shape: Vec<usize>,
    /// Whether an optimizer updates it.
    pub learned: bool,
    /// Its values, row-major.
    pub data: TensorData,
}

/// Every parameter of `module`, in module order.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, SelfAttentionConfig, parameters};
///
/// let attention = SelfAttentionConfig::new(3, 2).init(&Init::new(&Device::flex(), 1))?;
/// let paths: Vec<String> = parameters(&attention).into_iter().map(|p| p.path).collect();
/// assert_eq!(paths, ["w_q", "w_k", "w_v"]);
/// # Ok::<(), qkv_model::ModelError>(())
/// ```
pub fn parameters<M: Module>(module: &M) -> Vec<Parameter> {
    let mut list = List::default();
    module.visit(&mut list);
    list.parameters
}

#[derive(Default)]
struct List {
    path: Vec<Option<String>>,
    parameters: Vec<Parameter>,
}

impl ModuleVisitor for List {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        // The variant of an enum is a choice, not a place; weight files leave it out too.
        self.path.push((!container_type.starts_with("Enum:")).then(|| name.to_owned()));
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path: Vec<&str> = self.path.iter().flatten().map(String::as_str).collect();
        self.parameters.push(Parameter {
            path: path.join("."),
            shape: param.dims().to_vec(),
            learned: param.is_require_grad(),
            data: param.to_data(),
        });
    }
}
