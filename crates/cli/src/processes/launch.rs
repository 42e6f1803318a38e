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
}

/// For rank and size: those of Open MPI, of PMI, of PMIx, which has none for the size, and of Slurm, which counts there.
const VARIABLES: [[&str; 2]; 4] = [
    ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"],
    ["PMI_RANK", "PMI_SIZE"],
    ["PMIX_RANK", STEP_SIZE],
    [SLURM_RANK, STEP_SIZE],
];

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

    fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let number = |name| variable(name).and_then(|value| value.trim().parse::<usize>().ok());
        VARIABLES.into_iter().find_map(|[rank, size]| {
            let connects = rank != SLURM_RANK;
            let (rank, size) = (number(rank)?, number(size));
            (connects || size.is_some()).then_some(Self { rank, size, connects })
        })
    }
}

/// How many processes these are.
impl fmt::Display for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.size {
            Some(size) => write!(f, "{size} processes"),
            None => f.write_str("several processes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &[(&str, &str)], expected: Option<(usize, Option<usize>, bool)>) {
        let value =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let expected = expected.map(|(rank, size, connects)| Launch { rank, size, connects });
        assert_eq!(Launch::of(value), expected);
    }

    #[test]
    fn every_launcher_gives_rank_and_size() {
        let slurm = [("SLURM_PROCID", "2"), ("SLURM_STEP_NUM_TASKS", "3")];
        let within_slurm = |variables: &[(&'static str, &'static str)]| [variables, &slurm].concat();
        let open_mpi = [("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "4"), ("PMIX_RANK", "1")];
        check(&within_slurm(&open_mpi), Some((1, Some(4), true)));
        check(&[("PMI_RANK", "0"), ("PMI_SIZE", "2")], Some((0, Some(2), true)));
        check(&within_slurm(&[("PMIX_RANK", "2")]), Some((2, Some(3), true)));
        check(&slurm, Some((2, Some(3), false)));
        check(&[("PMIX_RANK", "2")], Some((2, None, true)));
        // A script of `sbatch`.
        check(&[("SLURM_PROCID", "0"), ("SLURM_NTASKS", "2")], None);
        check(&[], None);
    }
}
