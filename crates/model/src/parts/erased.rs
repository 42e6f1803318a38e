//! Modules behind a pointer, so that a catalog can build types of other crates.
//!
//! Burn's [`Module`] has generic methods and therefore no trait objects; `bridge.rs` gets its parameters across. Names,
//! order and values are those of the module inside.

use std::any::Any;
use std::fmt::{self, Debug, Display, Formatter};

use burn::module::{
    Content, DisplaySettings, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
};
use burn::tensor::Device;

use super::bridge::{Bridge, Mapper, Visitor};

/// A boxed module that is itself a Burn module: it trains, saves, loads and moves like the one inside.
///
/// `T` is a trait object such as [`dyn Score`](crate::Score), whose trait has the supertrait [`ErasedModule`].
pub struct Erased<T: ?Sized> {
    module: Box<T>,
    /// Makes a `Box<T>` of the module inside after a conversion. The conversions take and return a module by value, so
    /// that its tensors keep their only owner and can be updated in place.
    rebox: fn(Box<dyn Any>) -> Box<T>,
}

/// A trait object that can hold a module of type `M`.
/// [`erase!`](crate::erase) implements it.
pub trait Holds<M> {
    /// The module behind the pointer.
    fn hold(module: Box<M>) -> Box<Self>;
}

impl<T: ?Sized> Erased<T> {
    /// Boxes `module`.
    pub fn new<M: 'static>(module: M) -> Self
    where
        T: Holds<M>,
    {
        let rebox = |module: Box<dyn Any>| T::hold(module.downcast::<M>().expect("a module keeps its type"));
        Self { module: T::hold(Box::new(module)), rebox }
    }

    /// The trait object.
    pub fn get(&self) -> &T {
        &self.module
    }
}

impl<T: ErasedModule + ?Sized> Erased<T> {
    /// The module inside, if it is an `M`.
    pub fn downcast_ref<M: 'static>(&self) -> Option<&M> {
        self.module.erased_any().downcast_ref()
    }

    /// The module inside for changing, if it is an `M`.
    pub fn downcast_mut<M: 'static>(&mut self) -> Option<&mut M> {
        self.module.erased_any_mut().downcast_mut()
    }

    fn convert(self, conversion: Conversion<'_>) -> Self {
        Self { module: (self.rebox)(self.module.erased_convert(conversion)), rebox: self.rebox }
    }
}

/// What a pointer can offer of [`Module`], and of how it is printed. Every Burn module has it.
///
/// The names differ from those of [`Module`], so that a type may have both in scope.
pub trait ErasedModule: Debug + Send + 'static {
    /// A clone.
    fn erased_clone(&self) -> Box<dyn Any>;
    /// What `conversion` makes of the module.
    fn erased_convert(self: Box<Self>, conversion: Conversion<'_>) -> Box<dyn Any>;
    /// Shows every parameter.
    fn erased_visit(&self, visitor: &mut dyn Visitor);
    /// Adds the devices of its parameters.
    fn erased_devices(&self, devices: Vec<Device>) -> Vec<Device>;
    /// Its fields, for printing.
    fn erased_content(&self, content: Content) -> Option<Content>;
    /// Its own way of printing.
    fn erased_format(&self, settings: DisplaySettings) -> String;
    /// For downcasting.
    fn erased_any(&self) -> &dyn Any;
    /// The same for changing.
    fn erased_any_mut(&mut self) -> &mut dyn Any;
}

/// One of the conversions that Burn does to whole modules.
pub enum Conversion<'a> {
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
    /// `Module::map`: every parameter replaced.
    Map(&'a mut dyn Mapper),
}

impl<M: Module + ModuleDisplay + 'static> ErasedModule for M {
    fn erased_clone(&self) -> Box<dyn Any> {
        Box::new(self.clone())
    }

    fn erased_convert(self: Box<Self>, conversion: Conversion<'_>) -> Box<dyn Any> {
        Box::new(match conversion {
            Conversion::Fork(device) => (*self).fork(device),
            Conversion::ToDevice(device) => (*self).to_device(device),
            Conversion::Train => (*self).train(),
            Conversion::Valid => (*self).valid(),
            Conversion::Materialize => (*self).materialize(),
            Conversion::Map(mapper) => (*self).map(&mut Bridge(mapper)),
        })
    }

    fn erased_visit(&self, visitor: &mut dyn Visitor) {
        self.visit(&mut Bridge(visitor));
    }

    fn erased_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        self.collect_devices(devices)
    }

    fn erased_content(&self, content: Content) -> Option<Content> {
        ModuleDisplayDefault::content(self, content)
    }

    fn erased_format(&self, settings: DisplaySettings) -> String {
        ModuleDisplay::format(self, settings)
    }

    fn erased_any(&self) -> &dyn Any {
        self
    }

    fn erased_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl<T: ErasedModule + ?Sized> Clone for Erased<T> {
    fn clone(&self) -> Self {
        Self { module: (self.rebox)(self.module.erased_clone()), rebox: self.rebox }
    }
}

impl<T: ErasedModule + ?Sized> Debug for Erased<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.module.fmt(f)
    }
}

impl<T: ErasedModule + ?Sized> Module for Erased<T> {
    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        self.module.erased_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.convert(Conversion::Fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.convert(Conversion::ToDevice(device))
    }

    fn train(self) -> Self {
        self.convert(Conversion::Train)
    }

    fn valid(&self) -> Self {
        self.clone().convert(Conversion::Valid)
    }

    fn materialize(self) -> Self {
        self.convert(Conversion::Materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.module.erased_visit(visitor);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        self.convert(Conversion::Map(mapper))
    }
}

impl<T: ErasedModule + ?Sized> ModuleDisplayDefault for Erased<T> {
    fn content(&self, content: Content) -> Option<Content> {
        self.module.erased_content(content)
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
        self.module.erased_format(settings)
    }
}

/// Makes `Erased<dyn Trait>` hold every module of that trait, and implements the trait for it. The methods are repeated
/// by their signatures alone.
///
/// ```
/// use burn::module::Module;
/// use qkv_model::{Erased, ErasedModule, erase};
///
/// trait Router: ErasedModule {
///     fn expert(&self, token: usize) -> usize;
/// }
///
/// erase!(Router { fn expert(&self, token: usize) -> usize; });
///
/// #[derive(Module, Debug)]
/// struct Modulo {
///     n_experts: usize,
/// }
///
/// impl Router for Modulo {
///     fn expert(&self, token: usize) -> usize {
///         token % self.n_experts
///     }
/// }
///
/// let router: Erased<dyn Router> = Erased::new(Modulo { n_experts: 4 });
/// assert_eq!(router.clone().expert(6), 2);
/// ```
#[macro_export]
macro_rules! erase {
    ($trait:ident { $(fn $method:ident(&self $(, $name:ident: $type:ty)*) $(-> $returns:ty)?;)* }) => {
        impl<M: $trait> $crate::Holds<M> for dyn $trait {
            fn hold(module: Box<M>) -> Box<Self> {
                module
            }
        }

        impl $trait for $crate::Erased<dyn $trait> {
            $(fn $method(&self $(, $name: $type)*) $(-> $returns)? {
                self.get().$method($($name),*)
            })*
        }
    };
}
