"""What --cluster names: worker processes of this machine, a scheduler that is there, or a file that tells of one."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from lic_bench.errors import UserError, unknown
from lic_bench.machine.device import choose_device
from lic_bench.store.json_validation import validated
from lic_bench.store.records import STRICT, Count, Positive

EXTRA = 'Runs on a cluster need the extra: pip install "lic-bench[cluster]".'
FORMS = "local:N, tcp://HOST:PORT, or a TOML file"
QUEUES = {  # kind -> its cluster in dask_jobqueue, which submits jobs
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "sge": "SGECluster",
    "htcondor": "HTCondorCluster",
    "oar": "OARCluster",
    "moab": "MoabCluster",
}
ADDRESS = re.compile(r"(tcp|tls)://\S+:\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChoice:
    """A cluster, and what its workers are told; the fields of the TOML file.

    kind: of QUEUES, "local", or "address" for a scheduler that is there.
    address: of that scheduler. workers: how many to ask for. cores: of each worker, and threads of its networks.
    memory, time, queue, account: of each job, as the queue's own commands take them.
    gpus: of each worker. alone: each worker has its machine for itself, so that it may take times.
    images, weights: folders on the nodes that hold what --data-root and --checkpoints hold here.
    scratch: folder on the nodes for what is sent there. setup: shell lines before a worker starts.
    directives: further lines of the job's head, as "--constraint=a100".
    wait_s: seconds to wait for a first worker; None: of a queue as long as it takes, else a minute.
    """

    kind: Literal["address", "local", "slurm", "pbs", "lsf", "sge", "htcondor", "oar", "moab"]
    address: str | None = None
    workers: Positive = 1
    cores: Positive = 1
    memory: str = "8GB"
    time: str | None = None
    queue: str | None = None
    account: str | None = None
    gpus: Count = 0
    alone: bool = False
    images: str | None = None
    weights: str | None = None
    scratch: str | None = None
    setup: list[str] = field(default_factory=list)
    directives: list[str] = field(default_factory=list)
    wait_s: Positive | None = None
    __pydantic_config__ = STRICT

    @property
    def waits_s(self) -> float | None:
        """Seconds to wait for a first worker; None: for ever."""
        return self.wait_s or (None if self.kind in QUEUES else 60.0)


def read_cluster(text: str) -> ClusterChoice:
    """The cluster that --cluster names. Raises UserError."""
    kind, _, rest = text.partition(":")
    if kind == "local":
        if not rest.isdecimal() or len(rest) > 4 or not 1 <= int(rest) <= 1000:
            raise UserError(f"--cluster {text}: {rest!r} workers; write local:N, with N from 1 to 1000.")
        return ClusterChoice(kind="local", workers=int(rest), alone=int(rest) == 1)
    if ADDRESS.fullmatch(text):
        return ClusterChoice(kind="address", address=text)
    if "://" in text or not (path := Path(text)).suffix:
        raise UserError(f"--cluster {text}: allowed is {FORMS}.")
    return _from_file(path)


def _from_file(path: Path) -> ClusterChoice:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        text = json.dumps(table)
    except (OSError, ValueError, TypeError) as error:  # ValueError: of TOML, of UTF-8, of a path
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"--cluster {path}: cannot be read as TOML ({reason}).") from None
    known = ClusterChoice.__dataclass_fields__
    for name in table:
        if name not in known:
            raise unknown(f"field of {path}", name, known)
    choice = validated(ClusterChoice, text, f"--cluster {path}", "see docs/cluster.md")
    if (choice.kind == "address") != bool(choice.address):
        raise UserError(f'--cluster {path}: a scheduler that is there has kind = "address" and address = "tcp://...".')
    if choice.address and not ADDRESS.fullmatch(choice.address):
        raise UserError(f"--cluster {path}: address {choice.address!r}; write tcp://HOST:PORT.")
    if choice.gpus and choice.kind in QUEUES and choice.kind != "slurm":
        raise UserError(f"--cluster {path}: gpus is of Slurm; ask {choice.kind} for GPUs by a line in directives.")
    return choice


def device_there(choice: ClusterChoice, name: str) -> torch.device:
    """The device on the workers, which this machine need not have; auto: a GPU where the file asks for some."""
    if choice.kind == "local":
        return choose_device(name)
    if name == "auto":
        name = "cuda" if choice.gpus else "cpu"
    return torch.device("cuda", 0) if name in ("cuda", "cuda:0") else choose_device(name)
