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
    parameters_where(module, |_| true)
}

/// The parameters of `module` whose path is one of those asked for; the others are not copied.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, SelfAttentionConfig, parameters_where};
///
/// let attention = SelfAttentionConfig::new(3, 2).init(&Init::new(&Device::flex(), 1))?;
/// let found = parameters_where(&attention, |path| path == "w_k");
/// assert_eq!(found.iter().map(|p| (&*p.path, &p.shape[..])).collect::<Vec<_>>(), [("w_k", &[3, 2][..])]);
/// # Ok::<(), qkv_model::ModelError>(())
/// ```
pub fn parameters_where<M: Module>(module: &M, is_asked_for: impl Fn(&str) -> bool) -> Vec<Parameter> {
    let mut list = List { path: ModulePath::default(), is_asked_for, parameters: Vec::new() };
    module.visit(&mut list);
    list.parameters
}

/// Where a visitor or a mapper stands in the module tree; every name in a weight file comes from here.
#[derive(Debug, Default)]
pub struct ModulePath(Vec<Option<String>>);

impl ModulePath {
    /// For `enter_module`. The variant of an enum is a choice, not a place; weight files leave it out too.
    pub fn enter(&mut self, name: &str, container_type: &str) {
        self.0.push((!container_type.starts_with("Enum:")).then(|| name.to_owned()));
    }

    /// For `exit_module`.
    pub fn exit(&mut self) {
        self.0.pop();
    }

    /// The names on the way from the root.
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().flatten().map(String::as_str).collect()
    }
}

struct List<F> {
    path: ModulePath,
    is_asked_for: F,
    parameters: Vec<Parameter>,
}

impl<F: Fn(&str) -> bool> ModuleVisitor for List<F> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.names().join(".");
        if !(self.is_asked_for)(&path) {
            return;
        }
        self.parameters.push(Parameter {
            path,
            shape: param.dims().to_vec(),
            learned: param.is_require_grad(),
            data: param.to_data(),
        });
    }
}
