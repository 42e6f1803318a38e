//! What visitors and mappers of a module meet, in order.

use burn::module::{Flag, Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Bool, Int, Tensor};

/// Every call of a visitor, in order.
#[derive(Default)]
pub struct Log(pub Vec<String>);

impl Log {
    /// The calls for `module`.
    pub fn of<M: Module>(module: &M) -> Vec<String> {
        let mut log = Self::default();
        module.visit(&mut log);
        log.0
    }
}

impl ModuleVisitor for Log {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.0.push(format!("enter {name}: {container_type}"));
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.0.push(format!("exit {name}: {container_type}"));
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let (id, learned, device) = (param.id, param.is_require_grad(), param.val().device());
        self.0.push(format!("float {D} {id} {learned} {} {}", device.is_autodiff(), param.val().to_data()));
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.push(format!("int {D} {} {}", param.id, param.val().to_data()));
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.0.push(format!("bool {D} {} {}", param.id, param.val().to_data()));
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.0.push(format!("flag {} {}", flag.id, flag.is_enabled()));
    }
}

/// Changes every parameter, and writes down in which order.
#[derive(Default)]
pub struct Change(pub Vec<String>);

impl ModuleMapper for Change {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.0.push(format!("enter {name}: {container_type}"));
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.0.push(format!("exit {name}: {container_type}"));
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.0.push(format!("float {D}"));
        param.map(|values| {
            let is_learned = values.is_require_grad();
            let doubled = Tensor::from_inner(values.inner().mul_scalar(2.0));
            if is_learned { doubled.require_grad() } else { doubled }
        })
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        self.0.push(format!("int {D}"));
        param.map(|values| values.add_scalar(1))
    }

    fn map_bool<const D: usize>(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        self.0.push(format!("bool {D}"));
        param.map(|values| values.bool_not())
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.0.push("flag".to_owned());
        let enabled = flag.is_enabled();
        flag.with_value(!enabled)
    }
}
