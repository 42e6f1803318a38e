//! How much back-propagation asks of W_Q, W_K and W_V, and how much the optimizer then does.

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use qkv_model::ModulePath;
use qkv_run::tensor_names::WATCHED;

/// The watched matrices before an update, with the norms of their gradients.
#[derive(Debug, Default)]
pub(crate) struct GradientFlow {
    /// By module order.
    pub matrices: Vec<Watched>,
}

/// One matrix `[rows, columns]`; a head is some of its columns, so its norm is a sum over theirs.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Place and name, such as `blocks.0.attention.w_q`.
    pub path: String,
    /// `[columns]`: the norm of each column of d(loss)/dW, before clipping.
    pub gradient: Vec<f32>,
    /// The values before the update, row-major.
    before: Vec<f32>,
}

impl GradientFlow {
    /// What there is to know before the update; a matrix that has no gradient is left out.
    pub(crate) fn before<M: Module>(model: &M, gradients: &GradientsParams) -> Self {
        let mut visitor = Visitor { gradients, path: ModulePath::default(), flow: Self::default() };
        model.visit(&mut visitor);
        visitor.flow
    }
}

impl Watched {
    /// `[columns]`: the norm of each column of `after - before`.
    pub(crate) fn update(&self, after: &[f32]) -> Vec<f32> {
        let change: Vec<f32> = after.iter().zip(&self.before).map(|(after, before)| after - before).collect();
        column_norms(&change, self.gradient.len())
    }
}

/// ‖column‖ of a row-major matrix, summed in `f64`.
fn column_norms(values: &[f32], n_columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; n_columns];
    for row in values.chunks_exact(n_columns) {
        for (sum, &x) in sums.iter_mut().zip(row) {
            *sum += f64::from(x).powi(2);
        }
    }
    sums.into_iter().map(|sum| sum.sqrt() as f32).collect()
}

struct Visitor<'a> {
    gradients: &'a GradientsParams,
    path: ModulePath,
    flow: GradientFlow,
}

impl ModuleVisitor for Visitor<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let names = self.path.names();
        if D != 2 || !names.last().is_some_and(|name| WATCHED.contains(name)) {
            return;
        }
        let Some(gradient) = self.gradients.get::<D>(param.id) else { return };
        let n_columns = gradient.dims()[1];
        let gradient: Vec<f32> = gradient.into_data().iter().collect();
        self.flow.matrices.push(Watched {
            path: names.join("."),
            gradient: column_norms(&gradient, n_columns),
            before: param.val().into_data().iter().collect(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_its_own_norm_and_its_own_change() {
        // Columns (3, 4), (0, 0) and (1, 2).
        assert_eq!(column_norms(&[3.0, 0.0, 1.0, 4.0, 0.0, 2.0], 3), [5.0, 0.0, 5.0_f32.sqrt()]);
        let watched = Watched { path: "w_q".to_owned(), gradient: vec![0.0; 2], before: vec![1.0, 2.0] };
        assert_eq!(watched.update(&[1.0, -1.0]), [0.0, 3.0]);
    }
}
