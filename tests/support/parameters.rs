//! Parameters of modules, by path.

use burn::module::Module;
use qkv_model::parameters;

/// The paths, in module order.
pub fn paths<M: Module>(module: &M) -> Vec<String> {
    parameters(module).into_iter().map(|parameter| parameter.path).collect()
}

/// The same paths and bytes in both, and the same of them learned.
#[track_caller]
pub fn assert_same<M: Module, N: Module>(what: &str, one: &M, other: &N) {
    assert_eq!(paths(one), paths(other), "{what}");
    for (one, other) in parameters(one).iter().zip(parameters(other)) {
        assert_eq!((&one.data, one.learned), (&other.data, other.learned), "{what}: {}", one.path);
    }
}
