//! Hostile files, and what each command does with them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use qkv::run_folder::Manifest;

use crate::support::sandbox::{Sandbox, Tree};

const WEIGHTS: &str = "checkpoints/step-00000004/model.safetensors";
const OPTIMIZER: &str = "checkpoints/step-00000004/optimizer.safetensors";
const DESCRIPTION: &str = "checkpoints/step-00000004/config.json";
const MANIFEST: &str = "checkpoints/step-00000004/MANIFEST.json";
const FRAME: &str = "snapshots/step-00000004.safetensors";
const LOG: &str = "metrics.jsonl";
const CONFIG: &str = "config.toml";
const LOCK: &str = "run.lock";

/// Most settings of a `config.json`, and most labels beside them, but for a few.
const MOST: [usize; 2] = [(1 << 11) - 100, (1 << 16) - (1 << 11) - 10];

/// What a command does.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    /// It ends with an error that names the file.
    Refused,
    /// It goes on without the file, and names it.
    Named,
    /// It does not need the file, or passes over what it cannot read in it.
    Unread,
}

/// A file of the run, and what stands in its place.
pub struct Case {
    pub name: String,
    pub file: &'static str,
    place: Place,
    /// Of `inspect`, `eval`, `train --resume`, `report` and `verify`.
    pub expected: [Expected; 5],
}

enum Place {
    /// In a checkpoint with a manifest that fits.
    Bytes(Vec<u8>),
    /// A link to the same file elsewhere.
    Link,
    /// A pipe that nothing is written into.
    Pipe,
    /// A link to a device without end.
    Device,
    /// The file itself, and behind it nothing but holes up to this length.
    Sparse(u64),
}

/// Every case, made from the files of a run.
pub fn all(whole: &Tree) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, file: &'static str, place: Place, columns: &str| {
        let expected = |column| match column {
            'r' => Expected::Refused,
            'n' => Expected::Named,
            _ => Expected::Unread,
        };
        let expected: Vec<Expected> = columns.chars().map(expected).collect();
        let expected = expected.try_into().expect("five commands");
        cases.push(Case { name: format!("{file}: {name}"), file, place, expected });
    };
    // Damaged weights are passed over by a resume, which goes on from the checkpoint before; a report has them from the
    // frames, and leaves out a frame that it cannot read.
    for (file, columns) in [(WEIGHTS, "rrn-r"), (OPTIMIZER, "--n-r"), (FRAME, "r--nr")] {
        let bytes = whole[Path::new(file)].as_ref().unwrap();
        for (name, bytes) in tensors(bytes) {
            add(name, file, Place::Bytes(bytes), columns);
        }
    }
    let integers = String::from_utf8_lossy(whole[Path::new(WEIGHTS)].as_ref().unwrap()).contains("F32");
    assert!(integers, "weights have the precision that the case below replaces");
    // What a manifest vouches for and does not fit the model is of another program: a resume passes over nothing.
    for (file, columns) in [(WEIGHTS, "rrr--"), (OPTIMIZER, "--r--"), (FRAME, "r--nr")] {
        let bytes = whole[Path::new(file)].as_ref().unwrap();
        add("integers", file, Place::Bytes(replaced(bytes, b"F32", b"I32")), columns);
    }
    for (file, columns) in [
        (WEIGHTS, "rrnrr"),
        (OPTIMIZER, "rrnrr"),
        (DESCRIPTION, "rrnrr"),
        (MANIFEST, "rrnrr"),
        (FRAME, "r--nr"),
    ] {
        add("a terabyte of holes", file, Place::Sparse(1 << 40), columns);
    }
    add("a line of holes", LOG, Place::Sparse(1 << 28), "----r");
    let list = |value: &str, n: usize| format!("[{}{value}]", format!("{value},").repeat(n - 1));
    let [settings, labels] = [list("0", MOST[0]), list("\"\"", MOST[1])];
    let longest = format!("{{\"evaluation\":7,\"a\":{settings},\"vocabulary\":{labels}}}");
    add("as many values as there may be", DESCRIPTION, Place::Bytes(longest.into_bytes()), "rrnrr");
    let labels = "[".repeat(200_000);
    let header = format!("{{\"__metadata__\":{{\"probes\":\"{labels}\"}}}}");
    add("labels without end", FRAME, Place::Bytes(file(&header, 0)), "r--nr");
    for (name, text) in texts() {
        add(name, DESCRIPTION, Place::Bytes(text.clone()), "rrnrr");
        add(name, MANIFEST, Place::Bytes(text), "rrnrr");
    }
    let outside = Manifest::new(4, [("../../../outside/config.toml", &b""[..])]);
    add("a file elsewhere", MANIFEST, Place::Bytes(outside.to_json()), "rrnrr");
    for (name, text) in texts() {
        add(name, LOG, Place::Bytes(text), "----r");
    }
    for (name, line) in
        [("arrays", "a = [".to_owned() + &"[".repeat(20_000)), ("tables", "a.".repeat(10_000) + "a = 1")]
    {
        // Every checkpoint has the config, too: a resume restores it.
        add(name, CONFIG, Place::Bytes(line.into_bytes()), "-rn-r");
    }
    for (file, columns) in [
        (WEIGHTS, "rrnrr"),
        (OPTIMIZER, "rrnrr"),
        (DESCRIPTION, "rrnrr"),
        (MANIFEST, "rrnrr"),
        (FRAME, "r--nr"),
        (LOG, "--rrr"),
        (CONFIG, "rrrrr"),
        (LOCK, "--r--"),
    ] {
        add("a link", file, Place::Link, columns);
        add("a pipe", file, Place::Pipe, columns);
        add("a device", file, Place::Device, columns);
    }
    cases
}

impl Case {
    /// Replaces the file in `run`.
    pub fn place(&self, sandbox: &Sandbox) {
        let path = sandbox.path(&format!("run/{}", self.file));
        if !matches!(self.place, Place::Bytes(_) | Place::Sparse(_)) {
            let _ = fs::remove_file(&path);
        }
        match &self.place {
            Place::Bytes(bytes) => {
                fs::write(&path, bytes).unwrap();
                if [WEIGHTS, OPTIMIZER, DESCRIPTION].contains(&self.file) {
                    sign(path.parent().unwrap());
                }
            }
            Place::Sparse(length) => {
                fs::File::options().append(true).open(path).unwrap().set_len(*length).unwrap();
            }
            Place::Link => symlink(sandbox.path(&format!("outside/{}", self.file)), path).unwrap(),
            Place::Device => symlink("/dev/zero", path).unwrap(),
            Place::Pipe => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
        }
    }
}

/// Writes a manifest that fits the files of a checkpoint.
fn sign(folder: &Path) {
    let files = ["config.json", "model.safetensors", "optimizer.safetensors"];
    let files = files.map(|name| (name, fs::read(folder.join(name)).unwrap()));
    let manifest = Manifest::new(4, files.iter().map(|(name, bytes)| (*name, &bytes[..])));
    fs::write(folder.join("MANIFEST.json"), manifest.to_json()).unwrap();
}

/// Texts that are no JSON of ours.
fn texts() -> [(&'static str, Vec<u8>); 5] {
    [
        ("a million numbers", format!("[{}0]", "0,".repeat(1_000_000)).into_bytes()),
        ("arrays without end", b"[".repeat(1_000_000)),
        ("objects without end", b"{\"a\":".repeat(200_000)),
        ("a text", b"Roses are red".to_vec()),
        ("another value", b"[1, {}]\n".to_vec()),
    ]
}

/// What a header has of a tensor.
fn tensor(name: &str, shape: &str, from: usize, to: usize) -> String {
    format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{shape}],\"data_offsets\":[{from},{to}]}}")
}

/// Files that are almost safetensors; `whole` is one.
fn tensors(whole: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let one = tensor;
    let of = |tensors: &[String], n_bytes: usize| file(&format!("{{{}}}", tensors.join(",")), n_bytes);
    let claims = |length: u64| [&length.to_le_bytes()[..], &whole[8..]].concat();
    let million: Vec<String> = (0..1_000_000).map(|i| one(&i.to_string(), "0", 0, 0)).collect();
    vec![
        ("a header of 100 MB", claims(100_000_000)),
        ("a header of 2^64 - 1 bytes", claims(u64::MAX)),
        ("a header of 3 MB", file(&format!("{{\"a\":\"{}\"}}", "x".repeat(3_000_000)), 0)),
        ("a million tensors", of(&million, 0)),
        ("a tensor of 2^60 values", of(&[one("a", "1152921504606846976", 0, 4_611_686_018_427_387_904)], 8)),
        ("2^60 values in no bytes", of(&[one("a", "1152921504606846976", 0, 0)], 0)),
        ("a million axes", file(&format!("{{{}}}", one("a", &("1,".repeat(900_000) + "1"), 0, 4)), 4)),
        ("tensors that overlap", of(&[one("a", "2", 0, 8), one("b", "2", 4, 12)], 12)),
        ("a tensor that is there twice", of(&[one("a", "1", 0, 4), one("a", "1", 0, 4)], 4)),
        ("a hole", of(&[one("a", "1", 0, 4), one("b", "1", 8, 12)], 12)),
        ("arrays without end", file(&"[".repeat(1_000_000), 0)),
        ("objects without end", file(&"{\"a\":".repeat(200_000), 0)),
        ("a text", b"Roses are red, violets are blue".to_vec()),
        ("nothing", Vec::new()),
    ]
}

/// A file with this header and so many bytes behind it.
fn file(header: &str, n_bytes: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; n_bytes]].concat()
}

/// Replaces every `from` by `to`.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + from.len()].copy_from_slice(to);
        }
    }
    bytes
}
