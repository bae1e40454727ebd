"""What `make gpu-check` runs: everything that needs a GPU, part by part, into FOLDER/<gpu>/.

    python benchmarks/gpu_check.py --into results/gpu [--parts biwkv-times,run] [--budget 540]

Each part is a process of its own with a time limit; whatever fails, the others run, the most valuable first. What no
longer fits into the budget is skipped. FOLDER/<gpu>/summary.json says how each went, with the end of what a failed one
printed. Exit code 1 if a part failed or was stopped, 2 and one line where there is no GPU. --device cpu tries out the
parts that can do without one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS, TESTS = ROOT / "benchmarks", ROOT / "tests"
BENCH = ("compressai", "fvcore", "platformdirs", "pydantic", "pytorch_msssim", "thop")
RESERVED_S = 15.0  # of the budget, for ending a part that takes too long and for the summary
GRACE_S = 10.0  # between asking a process to end and killing it
FACTS_S = 60.0
TAIL = 60  # lines
RUN = ["--datasets", "sample", "--measure", "quality,latency,phases,memory,complexity"]
VARIED = ["--datasets", "sample", "--measure", "quality,latency"]
VARIANTS = {  # by device
    "cuda": ["cuda-graphs", "tf32", "bf16", "fp16", "channels-last", "bf16@cuda-graphs", "compressai-coder"],
    "cpu": ["bf16", "compressai-coder"],
}
NAMES = [
    "biwkv-tests",
    "biwkv-times",
    "few-blocks",
    "tests",
    "run",
    "lalic-speed",
    "variants",
    "coder",
    "scale",
    "phases-cost",
    "biwkv-tiles",
    "compiled",
]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part: its commands run one after the other, all of them. needs: packages without which it is skipped.

    least_s: with less time left it is not begun. limit_s: then it is stopped.
    """

    name: str
    commands: Sequence[Sequence[str | Path]]
    least_s: float
    limit_s: float
    needs: Sequence[str] = ()
    gpu_only: bool = False


@dataclass(kw_only=True)
class Result:
    """outcome: passed, failed, stopped (at its limit) or skipped; why, of the last two. tail: what it printed last."""

    name: str
    outcome: str
    why: str | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    tail: str | None = None


def main(arguments: list[str] | None = None) -> int:
    began = monotonic()
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the part at work is ended too
    code, machine = facts(options.device)
    if code:
        return code
    folder = options.into.resolve() / machine["folder"]
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [part for part in parts(options, folder) if part.name in options.parts]
    print(
        f"{machine['device']}, torch {machine['torch']}, BiWKV by {machine['biwkv']}; into {options.into}", flush=True
    )
    before = machine.pop("now")
    summary = machine | {"commit": options.commit or commit(), "budget_s": options.budget, "before": before}
    results: list[Result] = []
    for result in carried_out(wanted, began + options.budget, on_gpu=options.device == "cuda"):
        results.append(result)
        _write(folder / "summary.json", summary, results)
    _, machine = facts(options.device)
    _write(folder / "summary.json", summary | {"after": machine.get("now")}, results)
    return 0 if good(results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--parts", type=_names, default=NAMES, help=f"[default: {','.join(NAMES)}]")
    parser.add_argument("--budget", type=float, default=540, metavar="SECONDS", help="for the whole [default: 540]")
    parser.add_argument("--commit", help="of this code, for the summary [default: git's]")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--codecs", default="lalic,elic,jpeg", help="of the part run [default: lalic,elic,jpeg]")
    parser.add_argument("--varied", default="lalic", help="codec of the parts variants, compiled [default: lalic]")
    parser.add_argument("--scaled", default="lalic,elic", help="codecs of the part scale [default: lalic,elic]")
    parser.add_argument("--sizes", default="256:1024", help="of the part scale [default: 256:1024]")
    return parser


def _names(text: str) -> list[str]:
    if unknown := sorted(set(text.split(",")) - set(NAMES)):
        raise argparse.ArgumentTypeError(f"no part {unknown[0]!r}; there are {', '.join(NAMES)}")
    return text.split(",")


def parts(options: argparse.Namespace, folder: Path) -> list[Part]:
    """All parts, the most valuable first."""
    device = ["--device", options.device]
    speed = partial(_script, folder=folder, device=device, needs=BENCH)
    kernels = partial(_script, folder=folder, gpu_only=True)
    variants = VARIANTS[options.device]
    varied, compiled = (
        ",".join([options.varied, *(f"{options.varied}@{name}" for name in names)]) for names in (variants, ["compile"])
    )
    return [
        _tests("biwkv-tests", 30, 150, inside=True),
        Part(
            name="biwkv-times",
            commands=[_python("-m", "lalic.biwkv", *device, "--into", options.into.resolve())],
            least_s=20,
            limit_s=150,
        ),
        kernels("few-blocks", 15, 60),
        _tests("tests", 20, 90, inside=False),
        _bench("run", 60, 240, folder, device, ["--codecs", options.codecs, *RUN]),
        speed("lalic-speed", 30, 90, "--variants", ",".join(variants)),
        _bench("variants", 40, 150, folder, device, ["--codecs", varied, *VARIED], command="run"),
        _script("coder", 20, 60, folder=folder, needs=BENCH),
        _bench("scale", 40, 120, folder, device, ["--codecs", options.scaled, "--sizes", options.sizes]),
        speed("phases-cost", 30, 90, "--codecs", "lalic,elic"),
        kernels("biwkv-tiles", 40, 120),
        _bench("compiled", 60, 150, folder, device, ["--codecs", compiled, *VARIED], command="run"),
    ]


def _tests(name: str, least_s: float, limit_s: float, *, inside: bool) -> Part:
    """The tests marked gpu, inside or outside of BiWKV's folder. Other files may import what is not there."""
    marked = [file for file in sorted(TESTS.rglob("test_*.py")) if "pytest.mark.gpu" in file.read_text()]
    files = [file for file in marked if (TESTS / "lalic" in file.parents) == inside]
    command = _python("-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "-W", "default", *files)
    return Part(name=name, commands=[command], least_s=least_s, limit_s=limit_s, gpu_only=True)


def _script(
    name: str, least_s: float, limit_s: float, *options: str, folder: Path, device: Sequence[str] = (), **more: Any
) -> Part:
    """The benchmark of that name, whose figures become JSON in the folder."""
    file = name.replace("-", "_")
    command = _python(SCRIPTS / f"{file}.py", *options, *device, "--json", folder / f"{file}.json")
    return Part(name=name, commands=[command], least_s=least_s, limit_s=limit_s, **more)


def _bench(
    name: str,
    least_s: float,
    limit_s: float,
    folder: Path,
    device: list[str],
    options: list[str],
    command: str | None = None,
) -> Part:
    """A command of lic-bench, by default that of the name, into a folder of the name; the check of what it stored."""
    of_bench = ["-m", "lic_bench.cli", command or name]
    called = _python(*of_bench, "--quick", "--fresh", *device, *options, "--out", folder / name)
    check = _python(SCRIPTS / "check_run.py", folder / name, *device)
    return Part(name=name, commands=[called, check], least_s=least_s, limit_s=limit_s, needs=BENCH)


def _python(*arguments: str | Path) -> list[str | Path]:
    return [sys.executable, *arguments]


def carried_out(wanted: Sequence[Part], until: float, *, on_gpu: bool = True) -> Iterator[Result]:
    """Each part's result as soon as there is one. until: on the clock of `monotonic`."""
    for part in wanted:
        remaining_s = until - RESERVED_S - monotonic()
        why = hindered(part, remaining_s, on_gpu=on_gpu)
        if why is None:
            print(f"\n== {part.name}, at most {min(remaining_s, part.limit_s):.0f} s", flush=True)
        result = (
            Result(name=part.name, outcome="skipped", why=why) if why else _result(part, min(remaining_s, part.limit_s))
        )
        said = (f"exit code {result.exit_code}" if result.outcome == "failed" else None, result.why)
        print(f"== {part.name}: {', '.join(filter(None, (result.outcome, *said)))}, {result.seconds:.1f} s", flush=True)
        yield result


def hindered(part: Part, remaining_s: float, *, on_gpu: bool) -> str | None:
    """Why a part cannot be begun with so many seconds left."""
    if part.gpu_only and not on_gpu:
        return "needs a GPU"
    if missing := [name for name in part.needs if find_spec(name) is None]:
        return f"not installed: {', '.join(missing)}"
    if remaining_s < part.least_s:
        return f"needs {part.least_s:.0f} s, of the budget {max(remaining_s, 0):.0f} s are left"
    return None


def _result(part: Part, limit_s: float) -> Result:
    began = monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        codes = list(_exit_codes(part, began + limit_s, log))
        log.seek(0)
        printed = log.read()
    print(printed, end="", flush=True)
    stopped, failed = None in codes, [code for code in codes if code]
    outcome = "stopped" if stopped else "failed" if failed else "passed"
    return Result(
        name=part.name,
        outcome=outcome,
        why=f"took longer than {limit_s:.0f} s" if stopped else None,
        exit_code=failed[0] if failed else None if stopped else 0,
        seconds=round(monotonic() - began, 1),
        tail=None if outcome == "passed" else "\n".join(printed.replace(f"{ROOT}/", "").splitlines()[-TAIL:]),
    )


def _exit_codes(part: Part, until: float, log: IO[str]) -> Iterator[int | None]:
    """The exit code of each command, until one is stopped at its limit: None."""
    for command in part.commands:
        yield (code := _exit_code(command, until - monotonic(), log))
        if code is None:
            return


def _exit_code(command: Sequence[str | Path], limit_s: float, log: IO[str]) -> int | None:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONSAFEPATH": "1"},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.wait(max(limit_s, 0))
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """lic-bench ends its codecs when it is asked to end, and they end themselves when it is killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)


def facts(device: str) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of gpu_facts.py. In a process of its own: one that has the GPU open counts as a stranger."""
    command = _python(SCRIPTS / "gpu_facts.py", device)
    try:
        answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=FACTS_S)
    except subprocess.TimeoutExpired:
        print(f"The device does not answer within {FACTS_S:.0f} s.", file=sys.stderr)
        return 1, {}
    return answer.returncode, json.loads(answer.stdout) if answer.returncode == 0 else {}


def commit() -> str | None:
    """The commit of the code, where this is a work tree of git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() or None
    return None


def good(results: Sequence[Result]) -> bool:
    return all(result.outcome in ("passed", "skipped") for result in results)


def _write(file: Path, summary: dict[str, Any], results: Sequence[Result]) -> None:
    whole = summary | {"good": good(results), "parts": [asdict(result) for result in results]}
    file.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
