//! What started this process: launchers of MPI programs give every process its place in variables.

use std::{env, fmt};

/// The place of a process among those that were started together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launch {
    pub rank: usize,
    /// How many there are, where the launcher has a variable for it.
    pub size: Option<usize>,
    /// Whether the launcher offers its processes a way to find each other: `srun` without PMI offers none.
    pub connects: bool,
    /// The variable that showed it: that of the size, where there is one.
    variable: &'static str,
}

/// For rank and size: those of Open MPI, of PMI, of PMIx, which has none for the size, and of Slurm, which counts there.
const VARIABLES: [[&str; 2]; 4] = [
    [OPEN_MPI_RANK, "OMPI_COMM_WORLD_SIZE"],
    ["PMI_RANK", "PMI_SIZE"],
    ["PMIX_RANK", STEP_SIZE],
    [SLURM_RANK, STEP_SIZE],
];

/// How many processes of Open MPI are on one machine.
const OPEN_MPI_LOCAL_SIZE: &str = "OMPI_COMM_WORLD_LOCAL_SIZE";

/// On how many machines a step of Slurm is.
const STEP_MACHINES: &str = "SLURM_STEP_NUM_NODES";

const OPEN_MPI_RANK: &str = "OMPI_COMM_WORLD_RANK";

/// Set in a script of `sbatch` as well, which is no step and has no size.
const SLURM_RANK: &str = "SLURM_PROCID";

const STEP_SIZE: &str = "SLURM_STEP_NUM_TASKS";

impl Launch {
    /// What the environment has of it; `None` for a process that was started by itself.
    pub fn found() -> Option<Self> {
        Self::of(|name| env::var(name).ok())
    }

    /// The same where several processes were started, as far as is known.
    pub fn of_several() -> Option<Self> {
        Self::found().filter(|launch| launch.size != Some(1))
    }

    /// Whether standard output is a terminal wherever the output goes in the end: Open MPI gives one to each process.
    pub fn has_a_terminal_of_its_own() -> bool {
        env::var_os(OPEN_MPI_RANK).is_some()
    }

    /// How many of the processes share this machine, as far as is known; at least 1.
    pub fn n_on_this_machine() -> usize {
        Self::n_local(|name| env::var(name).ok())
    }

    fn n_local(variable: impl Fn(&str) -> Option<String>) -> usize {
        let number = |name| parsed(variable(name));
        let of_step = || number(STEP_SIZE).filter(|_| number(STEP_MACHINES) == Some(1));
        number(OPEN_MPI_LOCAL_SIZE).or_else(of_step).unwrap_or(1).max(1)
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let number = |name| parsed(variable(name));
        VARIABLES.into_iter().find_map(|[of_rank, of_size]| {
            let connects = of_rank != SLURM_RANK;
            let (rank, size) = (number(of_rank)?, number(of_size));
            let variable = if size.is_some() { of_size } else { of_rank };
            (connects || size.is_some()).then_some(Self { rank, size, connects, variable })
        })
    }
}

fn parsed(value: Option<String>) -> Option<usize> {
    value?.trim().parse().ok()
}

/// How many processes these are, and by which variable.
impl fmt::Display for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.size {
            Some(size) => write!(f, "{size} processes ({}={size})", self.variable),
            None => write!(f, "several processes ({}={})", self.variable, self.rank),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[track_caller]
    fn check(variables: &[(&str, &str)], expected: Option<(usize, &str, bool)>) {
        let found =
            Launch::of(value(variables)).map(|launch| (launch.rank, launch.to_string(), launch.connects));
        assert_eq!(found, expected.map(|(rank, text, connects)| (rank, text.to_owned(), connects)));
    }

    #[test]
    fn every_launcher_gives_rank_and_size() {
        let slurm = [("SLURM_PROCID", "2"), ("SLURM_STEP_NUM_TASKS", "3")];
        let within_slurm = |variables: &[(&'static str, &'static str)]| [variables, &slurm].concat();
        let open_mpi = [("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "4"), ("PMIX_RANK", "1")];
        check(&within_slurm(&open_mpi), Some((1, "4 processes (OMPI_COMM_WORLD_SIZE=4)", true)));
        check(&[("PMI_RANK", "0"), ("PMI_SIZE", "2")], Some((0, "2 processes (PMI_SIZE=2)", true)));
        check(&within_slurm(&[("PMIX_RANK", "2")]), Some((2, "3 processes (SLURM_STEP_NUM_TASKS=3)", true)));
        check(&slurm, Some((2, "3 processes (SLURM_STEP_NUM_TASKS=3)", false)));
        check(&[("PMIX_RANK", "2")], Some((2, "several processes (PMIX_RANK=2)", true)));
        // A script of `sbatch`.
        check(&[("SLURM_PROCID", "0"), ("SLURM_NTASKS", "2")], None);
        check(&[], None);
    }

    #[test]
    fn processes_on_one_machine_are_counted_where_the_launcher_counts_them() {
        let of_slurm = |machines| [("SLURM_STEP_NUM_TASKS", "6"), ("SLURM_STEP_NUM_NODES", machines)];
        let n_local = |variables: &[(&str, &str)]| Launch::n_local(value(variables));
        assert_eq!(n_local(&[("OMPI_COMM_WORLD_LOCAL_SIZE", "2"), ("OMPI_COMM_WORLD_SIZE", "8")]), 2);
        assert_eq!([n_local(&of_slurm("1")), n_local(&of_slurm("3")), n_local(&[])], [6, 1, 1]);
    }
}
