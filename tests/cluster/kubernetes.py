"""Runs the pods of an Indexed Job as processes: `kubernetes.py MANIFEST STUDY.toml RUNS KILLED RUN`.

Each completion gets the command of the manifest's container in a shell of its own, with the variables that the manifest
sets and the index that Kubernetes sets. The mounted paths become folders of this machine. The pod of index KILLED gets
SIGKILL once RUN, which is one of its own, has a checkpoint, and a second one of that index takes its place, as after the loss
of a node."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml


def main(manifest: Path, study: Path, runs: Path, killed: int, run: str) -> None:
    documents = {document["kind"]: document for document in yaml.safe_load_all(manifest.read_text())}
    spec = documents["Job"]["spec"]
    assert spec["completionMode"] == "Indexed"
    for codes in (rule["onExitCodes"] for rule in spec["podFailurePolicy"]["rules"] if "onExitCodes" in rule):
        assert codes["operator"] == "In" and 1 not in codes["values"], "1 may be the disk of a node: the next pod goes on"
    [container] = spec["template"]["spec"]["containers"]
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    assert variables["JOB_COMPLETIONS"] == str(spec["completions"]), "the share of a pod depends on it"
    claims = [volume["persistentVolumeClaim"]["claimName"] for volume in spec["template"]["spec"]["volumes"] if "configMap" not in volume]
    assert claims == [documents["PersistentVolumeClaim"]["metadata"]["name"]]
    assert documents["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteMany"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"] for volume in spec["template"]["spec"]["volumes"]}
    assert mounts.keys() == volumes, f"{mounts} of {volumes}"
    here = {mounts["study"]: study.parent, mounts["runs"]: runs}

    def local(word: str) -> str:
        for mounted, folder in here.items():
            if word.startswith(f"{mounted}/"):
                return str(folder / word.removeprefix(f"{mounted}/"))
        return word

    command = shlex.join(map(local, container["command"]))

    def start(index: int) -> subprocess.Popen[bytes]:
        environment = os.environ | variables | {"JOB_COMPLETION_INDEX": str(index)}
        # A session of its own, so that the processes of a pod can be killed together.
        return subprocess.Popen(["sh", "-c", f"exec {command}"], env=environment, start_new_session=True)

    pods = {index: start(index) for index in range(spec["completions"])}
    deadline = time.monotonic() + 30
    while not any(runs.glob(f"*/{run}/checkpoints/step-*")):
        assert time.monotonic() < deadline, f"{run} has no checkpoint"
        time.sleep(0.01)
    os.killpg(pods[killed].pid, signal.SIGKILL)
    assert pods[killed].wait() == -9, "it ended before it was killed"
    pods[killed] = start(killed)
    codes = {index: pod.wait() for index, pod in pods.items()}
    assert set(codes.values()) == {0}, codes
    print(f"{len(pods)} pods: {command}")


manifest, study, runs = map(Path, sys.argv[1:4])
main(manifest, study, runs, int(sys.argv[4]), sys.argv[5])
