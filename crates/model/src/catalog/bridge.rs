//! How parameters of any rank get past a pointer: as [`Any`], and out again at their own rank.

use std::any::Any;

use burn::module::{Flag, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Bool, Int, Tensor};

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

/// Hands what Burn asks for to the other side of the pointer.
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

/// Tries every kind and every rank that Burn's backends have (up to eight axes), the frequent ones first.
macro_rules! at_its_rank {
    ($try:ident) => {
        $try!(float 2, float 1, float 3, float 4, float 5, float 6, float 7, float 8);
        $try!(int 1, int 2, int 3, int 4, int 5, int 6, int 7, int 8);
        $try!(bool 1, bool 2, bool 3, bool 4, bool 5, bool 6, bool 7, bool 8);
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
            ($($kind:ident $rank:literal),*) => { $(visit!(@ $kind $rank);)* };
            (@ float $rank:literal) => { visit!(@ Param<Tensor<$rank>>, visit_float) };
            (@ int $rank:literal) => { visit!(@ Param<Tensor<$rank, Int>>, visit_int) };
            (@ bool $rank:literal) => { visit!(@ Param<Tensor<$rank, Bool>>, visit_bool) };
            (@ $type:ty, $method:ident) => {
                if let Some(param) = param.downcast_ref::<$type>() {
                    return self.$method(param);
                }
            };
        }
        at_its_rank!(visit);
        let flag = param.downcast_ref().expect("a parameter is a tensor of at most eight axes, or a flag");
        self.visit_flag(flag);
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
            ($($kind:ident $rank:literal),*) => { $(map!(@ $kind $rank);)* };
            (@ float $rank:literal) => { map!(@ Param<Tensor<$rank>>, map_float) };
            (@ int $rank:literal) => { map!(@ Param<Tensor<$rank, Int>>, map_int) };
            (@ bool $rank:literal) => { map!(@ Param<Tensor<$rank, Bool>>, map_bool) };
            (@ $type:ty, $method:ident) => {
                if let Some(param) = param.downcast_mut::<Option<$type>>() {
                    *param = param.take().map(|param| self.$method(param));
                    return;
                }
            };
        }
        at_its_rank!(map);
        let flag: &mut Option<Param<Flag>> =
            param.downcast_mut().expect("a parameter is a tensor of at most eight axes, or a flag");
        *flag = flag.take().map(|flag| self.map_flag(flag));
    }
}
