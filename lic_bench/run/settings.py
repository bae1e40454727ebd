"""From a checked session to how its images are measured, and what its codecs' workers are made from."""

from collections.abc import Mapping
from math import inf
from typing import Any

from lic_bench.machine import core_affinity
from lic_bench.measurement.machine_monitor import MachineMonitor
from lic_bench.measurement.reference_workload import make_reference_workload
from lic_bench.measurement.rounds import FRESH_S, Canary
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run import turn_client
from lic_bench.run.image_turns import Settings
from lic_bench.run.options import Options
from lic_bench.run.preparation import Session
from lic_bench.run.worker_interface import CodecSetup, timeout_of
from lic_bench.spec import CodecSpec
from lic_bench.store.run_json import RunConfig

QUICK: Mapping[str, Any] = {"warm_up_s": 1.0, "budget_s": 1.0, "again": 1}  # of Effort


def settings_of(session: Session, options: Options, parts: frozenset[str], *, timed: bool) -> Settings:
    """How the session's images are measured: these parts. timed: whether times or memory are among them."""
    config, device = session.config, session.device
    in_turn = turn_client.is_asked()
    return Settings(
        parts=parts,
        effort=effort_of(config),
        devices={spec.name: device_of(spec, session) for spec in session.specs},
        canary=Canary(make_reference_workload(device), FRESH_S if in_turn else 0.0) if timed else None,
        watch=MachineMonitor(device) if timed else None,
        cores=core_affinity.cores_for_threads(config.threads) if timed else None,
        starts=config.starts or 1,
        apart=config.isolate,
        stops_at_limit=session.one_by_one,
        timeout_s=options.timeout,
    )


def device_of(spec: CodecSpec, session: Session) -> str:
    """Where a codec works: on the CPU if it cannot use the session's device."""
    return str(session.device) if session.device.type in spec.devices else "cpu"


def effort_of(config: RunConfig) -> Effort:
    """How long each operation is measured."""
    given: dict[str, Any] = {"repeats": config.repeats, **(QUICK if config.quick else {})}
    given["most"] = max(Effort().most, config.repeats)
    if config.budget is not None:
        given["budget_s"] = config.budget
    if turn_client.is_asked():  # rounds come in pairs, of which none is thrown away, and as many for both runs
        given |= {"again": 0, "turns": config.repeats, "repeats": 2, "narrow": inf}
    return Effort(**given)


def setup_of(spec: CodecSpec, session: Session, settings: Settings) -> CodecSetup:
    """What the worker of a codec is made from."""
    return CodecSetup(
        spec=spec,
        device=settings.devices[spec.name],
        files=session.files.get(spec.name, {}),
        streams=session.streams.get(spec.name, {}),
        parts=settings.parts,
        effort=settings.effort,
        threads=session.config.threads,
        cores=settings.cores,
        timeout_s=timeout_of(spec, settings.timeout_s),
        layout_seed=turn_client.layout_seed(),
    )
