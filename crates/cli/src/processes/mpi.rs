//! The processes of an MPI program.

use std::panic;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, anyhow};
use mpi::Threading;
use mpi::datatype::{Partition, PartitionMut};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives};
use qkv_train::{Processes, Registry, TrainError};

use super::pieces::{counts, hand_out, pieces, starts, sum, within};
use super::{Launch, refuse};
use crate::exit;
use crate::output::stdout::print_error;

/// How long the others leave it to the first process to fail by itself: an error that all of them meet is printed once.
/// Ending all of them within ten seconds is promised.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long the others leave it to the first process to print where a stopped run is saved.
const FAREWELL: Duration = Duration::from_millis(300);

/// The exit code of a panic.
const PANICKED: i32 = 101;

/// Most bytes of a call: MPI counts in 32 bits.
const AT_ONCE: usize = 1 << 30;

/// Trains on all of them. An error of one ends all of them with its exit code, once it is printed.
pub fn on_several(
    launch: Launch,
    registry: &Registry,
    train: impl FnOnce(&dyn Processes) -> Result<ExitCode>,
) -> ExitCode {
    // All calls are made by the thread that trains.
    let Some((universe, _)) = mpi::initialize_with_threading(Threading::Funneled) else {
        return exit::code(Err(anyhow!("MPI cannot be initialized")), registry);
    };
    let processes = MpiProcesses { world: universe.world() };
    if let Some(size) = launch.size.filter(|&size| size != processes.size()) {
        let what = format!(
            "{size} processes were started to train one run, but MPI connects {} of them; start them with the launcher of \
             the MPI library that this program is linked with, or with srun --mpi=pmix",
            processes.size()
        );
        return refuse(launch, registry, what);
    }
    end_all_at_a_panic(launch.rank);
    match train(&processes) {
        Ok(ExitCode::SUCCESS) => ExitCode::SUCCESS,
        // Stopped by a signal, with everything saved. A launcher that ends the program answers no finalization, for which the
        // processes would wait until it kills them.
        Ok(code) => {
            if launch.rank > 0 {
                sleep(FAREWELL);
            }
            std::mem::forget(universe);
            code
        }
        Err(error) => {
            let code = if launch.rank == 0 {
                exit::report(&error, registry)
            } else {
                sleep(PATIENCE);
                exit::report_as(&format!("error of process {}", launch.rank), &error, registry)
            };
            processes.world.abort(code.into())
        }
    }
}

/// Unwinding would finalize MPI, for which a process waits until all others do.
fn end_all_at_a_panic(rank: usize) {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        print(panic);
        print_error(&format!("process {rank} panicked, which ends all processes of the run"));
        SimpleCommunicator::world().abort(PANICKED)
    }));
}

/// All processes of the program.
struct MpiProcesses {
    world: SimpleCommunicator,
}

impl Processes for MpiProcesses {
    fn rank(&self) -> usize {
        self.world.rank() as usize
    }

    fn size(&self) -> usize {
        self.world.size() as usize
    }

    fn gather(&self, mine: Vec<u8>) -> Result<Vec<Vec<u8>>, TrainError> {
        let mut lengths = vec![0_u64; self.size()];
        self.world.all_gather_into(&(mine.len() as u64), &mut lengths[..]);
        let mut of_all: Vec<Vec<u8>> = lengths.iter().map(|&n| Vec::with_capacity(n as usize)).collect();
        for piece in pieces(&lengths, AT_ONCE / self.size()) {
            let counts = counts(&lengths, &piece);
            let mut received = vec![0; sum(&counts).max(1)];
            let mut parts = PartitionMut::new(&mut received[..], &counts[..], starts(&counts));
            self.world.all_gather_varcount_into(addressed(within(&mine, &piece)), &mut parts);
            hand_out(&received, &counts, &mut of_all);
        }
        Ok(of_all)
    }

    fn exchange(&self, to_each: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, TrainError> {
        let lengths: Vec<u64> = to_each.iter().map(|bytes| bytes.len() as u64).collect();
        let mut of_each = vec![0_u64; self.size()];
        self.world.all_to_all_into(&lengths[..], &mut of_each[..]);
        // All of them make the same number of calls.
        let mut longest = vec![0_u64; self.size()];
        let mine = lengths.iter().chain(&of_each).max().copied().unwrap_or(0);
        self.world.all_gather_into(&mine, &mut longest[..]);
        let mut from_each: Vec<Vec<u8>> = of_each.iter().map(|&n| Vec::with_capacity(n as usize)).collect();
        for piece in pieces(&longest, AT_ONCE / self.size()) {
            let (sent, counts) = (counts(&lengths, &piece), counts(&of_each, &piece));
            let bytes = to_each.iter().map(|bytes| within(bytes, &piece)).collect::<Vec<_>>().concat();
            let mut received = vec![0; sum(&counts).max(1)];
            let mut parts = PartitionMut::new(&mut received[..], &counts[..], starts(&counts));
            let sent_parts = Partition::new(addressed(&bytes), &sent[..], starts(&sent));
            self.world.all_to_all_varcount_into(&sent_parts, &mut parts);
            hand_out(&received, &counts, &mut from_each);
        }
        Ok(from_each)
    }
}

/// The address of an empty vector is 1, which MPI takes for an order to work in place. Receiving buffers have a byte more for
/// the same reason.
fn addressed(bytes: &[u8]) -> &[u8] {
    static NOTHING: [u8; 1] = [0];
    if bytes.is_empty() { &NOTHING[..0] } else { bytes }
}
