//! How much memory a process may use, by what Linux has in `/proc` and `/sys`. Swap does not count: a training that is
//! swapped out does not end.

use std::fs;
use std::path::{Path, PathBuf};

/// What the process has and can still get, in bytes, by the files below `root`, which is `/`; `None` on other systems.
///
/// ```text
/// min(MemAvailable of the system, limit − use of every control group that it is in) + its own
/// ```
///
/// A group's use is without the files that the system holds in memory for it: it drops them for whatever needs the
/// memory.
pub fn bytes(root: &Path) -> Option<u64> {
    let of_system = fs::read_to_string(root.join("proc/meminfo")).ok();
    let of_system = of_system.and_then(|text| kilobytes(&text, "MemAvailable:"));
    let free = of_system.into_iter().chain(groups(root).iter().filter_map(Group::free)).min()?;
    let own = fs::read_to_string(root.join("proc/self/status")).ok();
    // Without the files in it, which belong to what can be dropped.
    let own = own.and_then(|text| kilobytes(&text, "RssAnon:")).unwrap_or(0);
    Some(free.saturating_add(own))
}

/// A line such as `VmHWM:     1024 kB`, in bytes.
pub fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1024)
}

/// A control group, as a folder of files.
struct Group {
    folder: PathBuf,
    names: &'static Names,
}

/// The files of a group in one version of control groups.
struct Names {
    /// Where the groups lie.
    root: &'static str,
    /// `max`, or a number of bytes; the smallest counts. Above `memory.high` a process is slowed until it hardly runs.
    limits: &'static [&'static str],
    usage: &'static str,
    /// The line of `memory.stat` with the files that nothing has used lately, those of the groups below included.
    droppable: &'static str,
}

const VERSION_1: Names = Names {
    root: "sys/fs/cgroup/memory",
    limits: &["memory.limit_in_bytes"],
    usage: "memory.usage_in_bytes",
    droppable: "total_inactive_file",
};

const VERSION_2: Names = Names {
    root: "sys/fs/cgroup",
    limits: &["memory.max", "memory.high"],
    usage: "memory.current",
    droppable: "inactive_file",
};

/// The control groups of the process, and all that these lie in: each limits those below.
fn groups(root: &Path) -> Vec<Group> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mut groups = Vec::new();
    for line in text.lines() {
        // Version 2 has a line `0::/PATH`, version 1 one such as `5:memory:/PATH`.
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let names = match controllers {
            "" => &VERSION_2,
            _ if controllers.split(',').any(|name| name == "memory") => &VERSION_1,
            _ => continue,
        };
        let top = root.join(names.root);
        let own = top.join(path.trim_start_matches('/'));
        let folders = own.ancestors().take_while(|folder| folder.starts_with(&top));
        groups.extend(folders.map(|folder| Group { folder: folder.to_owned(), names }));
    }
    groups
}

impl Group {
    /// What it leaves, where it has a limit.
    fn free(&self) -> Option<u64> {
        let limit = self.names.limits.iter().filter_map(|name| self.number(name)).min()?;
        let usage = self.number(self.names.usage).unwrap_or(0);
        Some(limit.saturating_sub(usage.saturating_sub(self.droppable())))
    }

    /// What a file holds; `max` is no number.
    fn number(&self, name: &str) -> Option<u64> {
        fs::read_to_string(self.folder.join(name)).ok()?.trim().parse().ok()
    }

    fn droppable(&self) -> u64 {
        let text = fs::read_to_string(self.folder.join("memory.stat")).unwrap_or_default();
        let values = text.lines().filter_map(|line| line.split_once(' '));
        let value =
            values.filter(|(key, _)| *key == self.names.droppable).find_map(|(_, value)| value.parse().ok());
        value.unwrap_or(0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// What is available, in MiB, where these files lie below the root.
    #[track_caller]
    fn check(files: &[(&str, &str)], expected: Option<u64>) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        assert_eq!(bytes(root.path()).map(|bytes| bytes / MIB), expected, "{files:#?}");
    }

    const SYSTEM: (&str, &str) =
        ("proc/meminfo", "MemTotal: 8192000 kB\nMemAvailable: 4096000 kB\nSwapFree: 9 kB\n");

    #[test]
    fn without_groups_it_is_what_the_system_has_and_what_the_process_has() {
        check(&[], None);
        check(&[SYSTEM], Some(4000));
        check(&[SYSTEM, ("proc/self/status", "VmRSS:\t 204800 kB\nRssAnon:\t 102400 kB\n")], Some(4100));
        check(&[("proc/self/status", "RssAnon:\t 102400 kB\n")], None);
    }

    #[test]
    fn what_a_group_uses_is_not_available_but_for_files_that_can_be_dropped() {
        let group = ("proc/self/cgroup", "0::/job\n");
        let limit = ("sys/fs/cgroup/job/memory.max", "1048576000\n");
        check(&[SYSTEM, group, limit], Some(1000));
        let usage = ("sys/fs/cgroup/job/memory.current", "629145600\n");
        check(&[SYSTEM, group, limit, usage], Some(400));
        let stat = ("sys/fs/cgroup/job/memory.stat", "anon 1\ninactive_file 104857600\nactive_file 9\n");
        check(&[SYSTEM, group, limit, usage, stat], Some(500));
        let more = ("sys/fs/cgroup/job/memory.current", "2097152000\n");
        check(&[SYSTEM, group, limit, more], Some(0));
        let own = ("proc/self/status", "RssAnon: 51200 kB\n");
        check(&[SYSTEM, group, limit, usage, stat, own], Some(550));
        check(&[SYSTEM, group, ("sys/fs/cgroup/job/memory.max", "max\n"), usage], Some(4000));
    }

    #[test]
    fn the_group_that_leaves_least_counts_and_so_does_the_limit_at_which_a_group_is_slowed() {
        let group = ("proc/self/cgroup", "0::/a/b\n");
        let inner = [
            ("sys/fs/cgroup/a/b/memory.max", "1048576000"),
            ("sys/fs/cgroup/a/b/memory.current", "104857600"),
        ];
        let outer =
            [("sys/fs/cgroup/a/memory.max", "2097152000"), ("sys/fs/cgroup/a/memory.current", "1992294400")];
        check(&[SYSTEM, group, inner[0], inner[1]], Some(900));
        check(&[SYSTEM, group, inner[0], inner[1], outer[0], outer[1]], Some(100));
        let high = ("sys/fs/cgroup/a/b/memory.high", "524288000");
        check(&[SYSTEM, group, inner[0], inner[1], high], Some(400));
        check(&[SYSTEM, group, inner[0], inner[1], ("sys/fs/cgroup/a/b/memory.high", "max")], Some(900));
        // One that is not seen from here, as in a container.
        check(&[SYSTEM, ("proc/self/cgroup", "0::/../../other\n")], Some(4000));
    }

    #[test]
    fn groups_of_the_first_version_are_read_from_the_root_of_a_container_too() {
        let group = ("proc/self/cgroup", "5:cpu,memory:/docker/1\n1:name=systemd:/docker/1\n0::/docker/1\n");
        let root = [
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1048576000"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "314572800"),
            // The first is that of the group alone.
            ("sys/fs/cgroup/memory/memory.stat", "inactive_file 9\ntotal_inactive_file 104857600\n"),
        ];
        check(&[SYSTEM, group, root[0]], Some(1000));
        check(&[SYSTEM, group, root[0], root[1], root[2]], Some(800));
        let none = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
        check(&[SYSTEM, group, none, root[1]], Some(4000));
        let own = ("sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "524288000");
        check(&[SYSTEM, group, root[0], root[1], own], Some(500));
    }
}
