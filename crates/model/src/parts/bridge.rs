//! How parameters of any rank get past a pointer: as [`Any`], and out again at their own rank.

use std::any::Any;

use burn::module::{Flag, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Bool, Float, Int, Tensor};

/// A [`ModuleVisitor`] behind a pointer. `param` is a `Param` of a tensor of some rank.
pub trait Visitor {
    /// Enters a field of a module.
    fn enter(&mut self, name: &str, container_type: &str);
    /// Leaves it.
    fn exit(&mut self, name: &str, container_type: &str);
    /// Shows one parameter.
    fn param(&mut self, param: &dyn Any);
}

/// A [`ModuleMapper`] behind a pointer. `param` is an `Option<Param>` of a tensor of some rank.
pub trait Mapper {
    /// Enters a field of a module.
    fn enter(&mut self, name: &str, container_type: &str);
    /// Leaves it.
    fn exit(&mut self, name: &str, container_type: &str);
    /// Replaces one parameter.
    fn param(&mut self, param: &mut dyn Any);
}

/// A visitor or mapper of Burn that calls the one behind the pointer.
pub(crate) struct Bridge<'a, T: ?Sized>(pub(crate) &'a mut T);

impl ModuleVisitor for Bridge<'_, dyn Visitor + '_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.0.enter(name, container_type);
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.0.exit(name, container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.param(param);
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.param(param);
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.0.param(param);
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.0.param(flag);
    }
}

impl ModuleMapper for Bridge<'_, dyn Mapper + '_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.0.enter(name, container_type);
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.0.exit(name, container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        through(self.0, param)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        through(self.0, param)
    }

    fn map_bool<const D: usize>(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        through(self.0, param)
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        through(self.0, flag)
    }
}

fn through<P: Any>(mapper: &mut dyn Mapper, param: P) -> P {
    let mut param = Some(param);
    mapper.param(&mut param);
    param.expect("a mapper puts back what it took")
}

/// Calls `$try` with every kind of tensor, the methods for it, and every rank that Burn's backends have (up to eight
/// axes), the frequent ones first.
macro_rules! for_every_tensor {
    ($try:ident) => {
        $try!(Float, visit_float, map_float, 2 1 3 4 5 6 7 8);
        $try!(Int, visit_int, map_int, 1 2 3 4 5 6 7 8);
        $try!(Bool, visit_bool, map_bool, 1 2 3 4 5 6 7 8);
    };
}

impl<V: ModuleVisitor> Visitor for V {
    fn enter(&mut self, name: &str, container_type: &str) {
        self.enter_module(name, container_type);
    }

    fn exit(&mut self, name: &str, container_type: &str) {
        self.exit_module(name, container_type);
    }

    fn param(&mut self, param: &dyn Any) {
        macro_rules! visit {
            ($kind:ty, $visit:ident, $map:ident, $($rank:literal)*) => { $(
                if let Some(param) = param.downcast_ref::<Param<Tensor<$rank, $kind>>>() {
                    return self.$visit(param);
                }
            )* };
        }
        for_every_tensor!(visit);
        self.visit_flag(param.downcast_ref().expect(TENSOR_OR_FLAG));
    }
}

impl<M: ModuleMapper> Mapper for M {
    fn enter(&mut self, name: &str, container_type: &str) {
        self.enter_module(name, container_type);
    }

    fn exit(&mut self, name: &str, container_type: &str) {
        self.exit_module(name, container_type);
    }

    fn param(&mut self, param: &mut dyn Any) {
        macro_rules! map {
            ($kind:ty, $visit:ident, $map:ident, $($rank:literal)*) => { $(
                if let Some(param) = param.downcast_mut::<Option<Param<Tensor<$rank, $kind>>>>() {
                    *param = param.take().map(|param| self.$map(param));
                    return;
                }
            )* };
        }
        for_every_tensor!(map);
        let flag: &mut Option<Param<Flag>> = param.downcast_mut().expect(TENSOR_OR_FLAG);
        *flag = flag.take().map(|flag| self.map_flag(flag));
    }
}

const TENSOR_OR_FLAG: &str = "a parameter is a tensor of at most eight axes, or a flag";
