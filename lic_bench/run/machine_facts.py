"""What a run says of the machine beside what it is: its codecs' kernels and programs, cores kept, other work."""

from collections.abc import Mapping
from typing import Any

from lic_bench.codecs.checkpoints import sha256_of
from lic_bench.codecs.loading import kernels_of
from lic_bench.machine import core_affinity
from lic_bench.run.preparation import Session
from lic_bench.store.records import COSTS

BUSY = 0.75  # load average per core from which times are in doubt


def own_fingerprint(session: Session, *, kernels: bool = True) -> dict[str, Any]:
    """What a run adds to the machine's: kernels and programs by codec, and on how many cores it is kept when timed.

    kernels: whether the session's device is here, so that they can be asked for.
    """
    specs = session.specs if kernels else []
    by_codec = {spec.name: name for spec in specs if (name := kernels_of(spec, session.device))}
    programs = {name: [coder.version, *map(sha256_of, coder.files)] for name, coder in session.programs.items()}
    kept = core_affinity.cores_for_threads(session.config.threads) if COSTS & set(session.config.measure) else None
    return {"kernels": by_codec, "programs": programs, "cores_kept": len(kept) if kept else None}


def busy_notes(session: Session, environment: Mapping[str, Any]) -> list[str]:
    """A line if other work shares the processor: threads that wait for each other then take many times as long."""
    load, usable = environment["load_average"], environment["cores_usable"]
    if not {"latency", "throughput"} & set(session.config.measure) or not load or not usable or load[0] < BUSY * usable:
        return []
    return [f"this machine is busy (load {load[0]:.1f} on {usable} cores): measure times again when it is not"]
