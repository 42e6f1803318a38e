//! Matrices as nested loops, written from the definitions: the oracle of the tests beside it.

/// Rows of a matrix.
pub type Rows = Vec<Vec<f64>>;

/// `(A B)_ij = Σ_k A_ik B_kj`
pub fn product(a: &Rows, b: &Rows) -> Rows {
    let mut c = vec![vec![0.0; b[0].len()]; a.len()];
    for i in 0..a.len() {
        for j in 0..b[0].len() {
            for k in 0..b.len() {
                c[i][j] += a[i][k] * b[k][j];
            }
        }
    }
    c
}

/// `(Aᵀ)_ij = A_ji`
pub fn transposed(a: &Rows) -> Rows {
    let mut t = vec![vec![0.0; a.len()]; a[0].len()];
    for i in 0..a.len() {
        for j in 0..a[0].len() {
            t[j][i] = a[i][j];
        }
    }
    t
}

/// `√Σ A_ij²`
pub fn norm(a: &Rows) -> f64 {
    let mut sum = 0.0;
    for row in a {
        for x in row {
            sum += x * x;
        }
    }
    sum.sqrt()
}

/// `Σ A_ii`
pub fn trace(a: &Rows) -> f64 {
    let mut sum = 0.0;
    for i in 0..a.len() {
        sum += a[i][i];
    }
    sum
}

/// The row from `column` on with the largest entry in it.
fn pivot(a: &Rows, column: usize) -> usize {
    let entry = |row: usize| a[row][column].abs();
    (column..a.len()).max_by(|&one, &other| entry(one).total_cmp(&entry(other))).unwrap_or(column)
}

/// Determinant by elimination with the largest pivot of each column.
pub fn determinant(a: &Rows) -> f64 {
    let mut a = a.clone();
    let mut determinant = 1.0;
    for column in 0..a.len() {
        let pivot = pivot(&a, column);
        if a[pivot][column] == 0.0 {
            return 0.0;
        }
        if pivot != column {
            a.swap(pivot, column);
            determinant = -determinant;
        }
        determinant *= a[column][column];
        for row in column + 1..a.len() {
            let factor = a[row][column] / a[column][column];
            for k in column..a.len() {
                a[row][k] -= factor * a[column][k];
            }
        }
    }
    determinant
}

/// `A⁻ᵀ` by Gauss-Jordan elimination, for matrices that are far from singular.
pub fn inverse_transposed(a: &Rows) -> Rows {
    let n = a.len();
    let mut wide: Rows = a.clone();
    for i in 0..n {
        for j in 0..n {
            wide[i].push(if i == j { 1.0 } else { 0.0 });
        }
    }
    for column in 0..n {
        let pivot = pivot(&wide, column);
        wide.swap(pivot, column);
        let divisor = wide[column][column];
        for x in &mut wide[column] {
            *x /= divisor;
        }
        for row in 0..n {
            if row != column {
                let factor = wide[row][column];
                for k in 0..2 * n {
                    wide[row][k] -= factor * wide[column][k];
                }
            }
        }
    }
    let mut inverse = Vec::new();
    for row in wide {
        inverse.push(row[n..].to_vec());
    }
    transposed(&inverse)
}
