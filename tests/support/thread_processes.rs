//! Processes of a run that are threads of one process, with channels between them.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use qkv_train::{Processes, TrainError};

/// One of them. Where another ends before its time, it gets an error at its next call.
pub struct ThreadProcess {
    rank: usize,
    /// To each, and from each.
    to: Vec<Sender<Vec<u8>>>,
    from: Vec<Receiver<Vec<u8>>>,
}

impl Processes for ThreadProcess {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.to.len()
    }

    fn gather(&self, mine: Vec<u8>) -> Result<Vec<Vec<u8>>, TrainError> {
        self.exchange(vec![mine; self.size()])
    }

    fn exchange(&self, to_each: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, TrainError> {
        assert_eq!(to_each.len(), self.size());
        for (to, bytes) in self.to.iter().zip(to_each) {
            // One that has ended receives nothing; its own channel tells.
            let _ = to.send(bytes);
        }
        let lost = |rank| TrainError::Processes(format!("process {rank} is lost"));
        self.from.iter().enumerate().map(|(rank, from)| from.recv().map_err(|_| lost(rank))).collect()
    }
}

/// What `work` gives on each of so many processes, in the order of their ranks.
pub fn on_processes<T: Send>(size: usize, work: impl Fn(&ThreadProcess) -> T + Sync) -> Vec<T> {
    let (mut to, mut from) = (Vec::new(), Vec::new());
    to.resize_with(size, Vec::new);
    from.resize_with(size, Vec::new);
    for sender in &mut to {
        for receiver in &mut from {
            let (send, receive) = channel();
            sender.push(send);
            receiver.push(receive);
        }
    }
    let processes = to.into_iter().zip(from).enumerate();
    let work = &work;
    thread::scope(|scope| {
        let started: Vec<_> = processes
            .map(|(rank, (to, from))| scope.spawn(move || work(&ThreadProcess { rank, to, from })))
            .collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
