//! Which instructions a kernel uses: found out at run time, and forced where a test or a measurement asks for it.

use std::cell::Cell;
use std::fmt;
use std::sync::LazyLock;

use pulp::{Scalar128b, Simd, WithSimd};

/// An instruction set that this machine has: there is no value of one that it lacks.
#[derive(Clone, Copy)]
pub struct Level(Kind);

#[derive(Clone, Copy)]
enum Kind {
    Portable,
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
    #[cfg(target_arch = "wasm32")]
    Simd128(pulp::wasm::Simd128),
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
}

static BEST: LazyLock<Level> = LazyLock::new(|| Level::available().pop().expect("one is portable"));

thread_local! {
    static FORCED: Cell<Option<Level>> = const { Cell::new(None) };
}

impl Level {
    /// Every level of this machine, slowest first. The first is `portable`, which every machine has.
    pub fn available() -> Vec<Self> {
        let mut levels = vec![Self(Kind::Portable)];
        #[cfg(target_arch = "aarch64")]
        levels.extend(pulp::aarch64::Neon::try_new().map(|simd| Self(Kind::Neon(simd))));
        #[cfg(target_arch = "wasm32")]
        levels.extend(pulp::wasm::Simd128::try_new().map(|simd| Self(Kind::Simd128(simd))));
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(pulp::x86::V3::try_new().map(|simd| Self(Kind::Avx2(simd))));
            levels.extend(pulp::x86::V4::try_new().map(|simd| Self(Kind::Avx512(simd))));
        }
        levels
    }

    /// What kernels called from this thread use: the fastest level, unless [`run`](Self::run) forces another.
    pub fn current() -> Self {
        FORCED.get().unwrap_or_else(|| *BEST)
    }

    /// `portable`, `neon`, `simd128`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(_) => "neon",
            #[cfg(target_arch = "wasm32")]
            Kind::Simd128(_) => "simd128",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "avx512",
        }
    }

    /// Runs `body` with every kernel that it calls on this thread at this level; for tests and measurements. Products
    /// of a [`Matrix`](crate::Matrix) are left out: `gemm` always takes the best instructions that it has.
    ///
    /// ```
    /// use qkv_kernels::{Level, sum};
    ///
    /// for level in Level::available() {
    ///     assert_eq!(level.run(|| sum(&[1.0_f32, 2.0, 3.0])), 6.0);
    /// }
    /// ```
    pub fn run<R>(self, body: impl FnOnce() -> R) -> R {
        struct Restore(Option<Level>);
        impl Drop for Restore {
            fn drop(&mut self) {
                FORCED.set(self.0);
            }
        }
        let _restore = Restore(FORCED.replace(Some(self)));
        body()
    }

    /// Numbers in a vector.
    pub(crate) fn lanes<T>(self) -> usize {
        let bytes = match self.0 {
            Kind::Portable => 16,
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(_) => 16,
            #[cfg(target_arch = "wasm32")]
            Kind::Simd128(_) => 16,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => 32,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => 64,
        };
        bytes / size_of::<T>()
    }

    /// Compiles `op` for every level and runs it at this one. A closure handed to another thread leaves the level
    /// behind, so every task of a parallel kernel dispatches for itself.
    #[inline]
    pub(crate) fn dispatch<Op: WithSimd>(self, op: Op) -> Op::Output {
        match self.0 {
            Kind::Portable => Scalar128b.vectorize(op),
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(simd) => Simd::vectorize(simd, op),
            #[cfg(target_arch = "wasm32")]
            Kind::Simd128(simd) => Simd::vectorize(simd, op),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(simd) => Simd::vectorize(simd, op),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(simd) => Simd::vectorize(simd, op),
        }
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_level_comes_first_and_the_best_last() {
        let names: Vec<_> = Level::available().into_iter().map(Level::name).collect();
        #[cfg(target_arch = "aarch64")]
        assert_eq!(names, ["portable", "neon"]);
        assert!(names == ["portable", "neon"] || ["portable", "avx2", "avx512"].starts_with(&names));
        assert_eq!(names.last(), Some(&Level::current().name()));
    }
}
