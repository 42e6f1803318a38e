//! Modules behind a pointer, so that a registry can hand out types that it does not know.
//!
//! Burn's [`Module`] has generic methods and therefore no trait objects; `bridge.rs` gets its parameters across. Names,
//! order and values are those of the module inside.

use std::any::Any;
use std::fmt::{self, Debug, Display, Formatter};

use burn::module::{
    Content, DisplaySettings, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
};
use burn::tensor::Device;
use dyn_clone::DynClone;

use super::bridge::{Bridge, Mapper, Visitor};

/// A boxed module that is itself a Burn module: it trains, saves, loads and moves like the one inside.
///
/// `T` is a trait object such as [`dyn ErasedScore`](crate::ErasedScore) whose supertrait is [`ErasedModule`].
pub struct Erased<T: ErasedModule + ?Sized>(pub(crate) Box<T>);

impl<T: ErasedModule + ?Sized> Erased<T> {
    /// Wraps a boxed trait object.
    pub fn new(inner: Box<T>) -> Self {
        Self(inner)
    }

    /// The trait object.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The module inside, if it is an `M`.
    pub fn downcast_ref<M: Module + ModuleDisplay + 'static>(&self) -> Option<&M> {
        self.0.as_any().downcast_ref::<Inside<M>>().map(Inside::get)
    }
}

/// The methods of [`Module`] that a pointer can offer. Implemented by [`Inside`] alone.
pub trait ErasedModule: DynClone + Debug + Send {
    /// Adds the devices of its parameters.
    fn devices_and(&self, devices: Vec<Device>) -> Vec<Device>;
    /// Replaces the module by what `change` makes of it.
    fn change(&mut self, change: Change<'_>);
    /// Shows every parameter.
    fn visit(&self, visitor: &mut dyn Visitor);
    /// Replaces every parameter.
    fn map(&mut self, mapper: &mut dyn Mapper);
    /// Its fields, for printing.
    fn content(&self, content: Content) -> Option<Content>;
    /// Its own way of printing.
    fn format(&self, settings: DisplaySettings) -> String;
    /// For downcasting.
    fn as_any(&self) -> &dyn Any;
}

/// One of the conversions that Burn does to whole modules.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// `Module::fork`.
    Fork(&'a Device),
    /// `Module::to_device`.
    ToDevice(&'a Device),
    /// `Module::train`.
    Train,
    /// `Module::valid`.
    Valid,
    /// `Module::materialize`.
    Materialize,
}

/// A module on its own place in memory: empty only while it is being replaced.
#[derive(Debug, Clone)]
pub struct Inside<M>(Option<M>);

impl<M> Inside<M> {
    /// Puts `module` inside.
    pub fn new(module: M) -> Self {
        Self(Some(module))
    }

    /// The module.
    pub fn get(&self) -> &M {
        self.0.as_ref().expect("empty only while it is being replaced")
    }

    fn replace(&mut self, change: impl FnOnce(M) -> M) {
        let module = self.0.take().expect("empty only while it is being replaced");
        self.0 = Some(change(module));
    }
}

impl<M: Module + ModuleDisplay + 'static> ErasedModule for Inside<M> {
    fn devices_and(&self, devices: Vec<Device>) -> Vec<Device> {
        self.get().collect_devices(devices)
    }

    fn change(&mut self, change: Change<'_>) {
        self.replace(|module| match change {
            Change::Fork(device) => module.fork(device),
            Change::ToDevice(device) => module.to_device(device),
            Change::Train => module.train(),
            Change::Valid => module.valid(),
            Change::Materialize => module.materialize(),
        });
    }

    fn visit(&self, visitor: &mut dyn Visitor) {
        self.get().visit(&mut Bridge(visitor));
    }

    fn map(&mut self, mapper: &mut dyn Mapper) {
        self.replace(|module| module.map(&mut Bridge(mapper)));
    }

    fn content(&self, content: Content) -> Option<Content> {
        ModuleDisplayDefault::content(self.get(), content)
    }

    fn format(&self, settings: DisplaySettings) -> String {
        ModuleDisplay::format(self.get(), settings)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl<T: ErasedModule + ?Sized> Clone for Erased<T> {
    fn clone(&self) -> Self {
        Self(dyn_clone::clone_box(&*self.0))
    }
}

impl<T: ErasedModule + ?Sized> Debug for Erased<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: ErasedModule + ?Sized> Erased<T> {
    fn changed(mut self, change: Change<'_>) -> Self {
        self.0.change(change);
        self
    }
}

impl<T: ErasedModule + ?Sized> Module for Erased<T> {
    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        self.0.devices_and(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.changed(Change::Fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.changed(Change::ToDevice(device))
    }

    fn train(self) -> Self {
        self.changed(Change::Train)
    }

    fn valid(&self) -> Self {
        self.clone().changed(Change::Valid)
    }

    fn materialize(self) -> Self {
        self.changed(Change::Materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.0.visit(visitor);
    }

    fn map<M: ModuleMapper>(mut self, mapper: &mut M) -> Self {
        self.0.map(mapper);
        self
    }
}

impl<T: ErasedModule + ?Sized> ModuleDisplayDefault for Erased<T> {
    fn content(&self, content: Content) -> Option<Content> {
        self.0.content(content)
    }

    fn num_params(&self) -> usize {
        Module::num_params(self)
    }
}

/// As Burn writes it for every module that it derives.
impl<T: ErasedModule + ?Sized> Display for Erased<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&ModuleDisplay::format(self, DisplaySettings::default()))
    }
}

impl<T: ErasedModule + ?Sized> ModuleDisplay for Erased<T> {
    fn format(&self, settings: DisplaySettings) -> String {
        self.0.format(settings)
    }
}
