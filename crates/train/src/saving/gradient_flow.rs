//! What back-propagation asks of W_Q, W_K, W_V and W_O, and how much the optimizer then does.

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use qkv_model::ModulePath;
use qkv_run::tensor_names::{WATCHED, WITH_GRADIENT};

/// The matrices before an update, with their gradients.
#[derive(Debug, Default)]
pub(crate) struct GradientFlow {
    /// By module order.
    pub matrices: Vec<Watched>,
}

/// One matrix `[rows, columns]`.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Place and name, such as `blocks.0.attention.w_q`.
    pub path: String,
    /// d(loss)/dW before clipping, row-major, or the norms of its columns.
    pub gradient: Vec<f32>,
    /// Of the gradient: `[rows, columns]`, or `[columns]`.
    pub shape: Vec<usize>,
    /// The values before the update, row-major; `None` where its update is not asked for.
    before: Option<Vec<f32>>,
}

impl GradientFlow {
    /// What there is to know before the update; a matrix that has no gradient is left out. Where all gradients together
    /// have more than `max_values`, they are those of [`WATCHED`] alone, as the norms of their columns: a head is some of
    /// the columns, so its norm is a sum over theirs.
    pub(crate) fn before<M: Module>(model: &M, gradients: &GradientsParams, max_values: usize) -> Self {
        let mut visitor = Visitor { gradients, path: ModulePath::default(), flow: Self::default() };
        model.visit(&mut visitor);
        let mut flow = visitor.flow;
        let n_values: usize = flow.matrices.iter().map(|watched| watched.gradient.len()).sum();
        if n_values > max_values {
            flow.matrices.retain(|watched| watched.before.is_some());
            flow.matrices.iter_mut().for_each(Watched::reduce);
        }
        flow
    }
}

impl Watched {
    /// `[columns]`: the norm of each column of `after - before`.
    pub(crate) fn update(&self, after: &[f32]) -> Option<Vec<f32>> {
        let before = self.before.as_ref()?;
        let change: Vec<f32> = after.iter().zip(before).map(|(after, before)| after - before).collect();
        Some(column_norms(&change, *self.shape.last()?))
    }

    /// Keeps of the gradient the norms of its columns.
    fn reduce(&mut self) {
        let n_columns = self.shape[1];
        self.gradient = column_norms(&self.gradient, n_columns);
        self.shape = vec![n_columns];
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
        let Some(name) = names.last().filter(|name| D == 2 && WITH_GRADIENT.contains(name)) else { return };
        let Some(gradient) = self.gradients.get::<D>(param.id) else { return };
        let before = WATCHED.contains(name).then(|| param.val().into_data().iter().collect());
        self.flow.matrices.push(Watched {
            path: names.join("."),
            shape: gradient.dims().to_vec(),
            gradient: gradient.into_data().iter().collect(),
            before,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_its_own_norm_and_its_own_change() {
        // Columns (3, 4), (0, 0) and (1, 2).
        let gradient = vec![3.0, 0.0, 1.0, 4.0, 0.0, 2.0];
        assert_eq!(column_norms(&gradient, 3), [5.0, 0.0, 5.0_f32.sqrt()]);
        let before = Some(vec![1.0, 2.0, 0.0, 1.0, 2.0, 0.0]);
        let mut watched = Watched { path: "w_q".to_owned(), gradient, shape: vec![2, 3], before };
        let after = [1.0, 2.0, 3.0, 1.0, -2.0, 4.0];
        assert_eq!(watched.update(&after), Some(vec![0.0, 4.0, 5.0]));
        watched.reduce();
        assert_eq!(
            (watched.gradient.as_slice(), &watched.shape[..]),
            (&[5.0, 0.0, 5.0_f32.sqrt()][..], &[3][..])
        );
        assert_eq!(watched.update(&after), Some(vec![0.0, 4.0, 5.0]));
    }
}
