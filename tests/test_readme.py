"""What README and docs show works as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import typer
from compressai.models import MeanScaleHyperprior

from lic_bench.cli import app
from lic_bench.store.run_folder import Run

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README, PLUG_INS, COMMANDS = (
    (ROOT / name).read_text() for name in ("README.md", "docs/plug-ins.md", "docs/commands.md")
)
RECIPE = README.partition("\n## From my checkpoint")[2].partition("\n## ")[0]
RUNS = re.findall(r"^lic-bench (run .*)$", PLUG_INS, re.M)
CODECS = [{"my_models:small", "compressai.zoo:mbt2018_mean", "jpeg"}, {"my-hyperprior"}, {"gif"}]
SMALL = ["--crop", "64", "--repeats", "1", "--limit", "1", "--measure", "quality"]


def write_examples(text: str, folder: Path) -> None:
    """The files that a page shows; each begins with its path."""
    for path, code in re.findall(r"```python\n# (\S+\.py)\n(.*?)```", text, re.S):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(code)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of the page on own codecs."""
    write_examples(PLUG_INS, tmp_path)
    return tmp_path


def lic_bench(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "lic_bench.cli", *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "160"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_readme_is_short() -> None:
    assert len(README.split()) <= 1300


@pytest.mark.slow
def test_from_a_checkpoint_to_a_row_beside_lalic(tmp_path: Path, shared: Path) -> None:
    write_examples(RECIPE.replace("N=128, M=192", "N=8, M=12"), tmp_path)
    (tmp_path / "data").symlink_to(shared / "data")
    (tmp_path / "weights").mkdir()
    recipe = RECIPE.replace("\\\n", "")
    for quality, file in re.findall(r"--checkpoint \S+:(\d)=(\S+)", recipe):
        torch.manual_seed(int(quality))
        torch.save({"state_dict": MeanScaleHyperprior(8, 12).state_dict(), "epoch": 9}, tmp_path / file)
    run, report = re.findall(r"^lic-bench ((?:run|report) .*)$", recipe, re.M)
    lic_bench(tmp_path, *run.split(), *SMALL, "--device", "cpu")
    frame = Run(tmp_path / "results/mine").records
    assert sorted(frame.quality) == [1, 2]
    assert set(frame.status) == {"ok"}
    assert frame.weights.str.fullmatch("[0-9a-f]{64}").all()
    shown = lic_bench(tmp_path, *report.split()).splitlines()
    methods = [line.split("  ")[0].strip() for line in shown]
    assert methods.index("mine (my_models)") == methods.index("LALIC") + 1
    assert "mine (my_models)" in (tmp_path / "report/index.html").read_text()


def test_how_long_a_run_takes(tmp_path: Path) -> None:
    write_examples(COMMANDS, tmp_path)
    done = subprocess.run([sys.executable, tmp_path / "hours.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"```\n{done.stdout}```" in COMMANDS


def test_the_gate_that_is_shown(tmp_path: Path) -> None:
    (gate,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/comparing-runs.md").read_text(), re.S)
    (tmp_path / "gate.toml").write_text(gate)
    run = str(ROOT / "results/measured/kodak-times")
    assert "encode_s" in gate
    assert "No regression" in lic_bench(tmp_path, "compare", run, run, "--gate", "gate.toml")


def test_the_codec_of_your_own(images: Path, folder: Path) -> None:
    words = ["--codecs", "gif", "--plugin", "my_codec", "--datasets", str(images), "--out", "run", "--device", "cpu"]
    lic_bench(folder, "run", *words, "--measure", "quality")
    frame = Run(folder / "run").records
    means = frame.groupby("quality")[["payload_bytes", "mse_8bit"]].mean()
    assert means.payload_bytes.is_monotonic_increasing
    assert means.mse_8bit.is_monotonic_decreasing


@pytest.mark.parametrize(("command", "codecs"), list(zip(RUNS, CODECS, strict=True)), ids=["name", "folder", "gif"])
def test_the_commands_for_own_codecs(folder: Path, command: str, codecs: set[str]) -> None:
    lic_bench(folder, *command.split(), *SMALL, "--device", "cpu")
    frame = Run(folder / command.split()[-1]).records
    assert set(frame.codec) == codecs
    assert set(frame.status) == {"ok"}
    networks = frame[~frame.codec.isin(["jpeg", "gif"])]
    assert set(networks.weights) <= {"random"}


def test_weights_by_the_names_that_are_said(folder: Path) -> None:
    for name in ("small.pth", "my-hyperprior-q2.pth"):
        torch.save(MeanScaleHyperprior(64, 96).state_dict(), folder / name)
    words = ["--codecs", "my_models:small,my-hyperprior", "--plugin", "my_hyperprior", "--checkpoints", "."]
    words += ["--datasets", "sample", *SMALL, "--device", "cpu", "--out", "run"]
    lic_bench(folder, "run", *words)
    frame = Run(folder / "run").records.set_index("codec")
    assert dict(frame.quality) == {"my_models:small": 1, "my-hyperprior": 2}
    assert frame.weights.str.fullmatch("[0-9a-f]{64}").all()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_in_commands_exist(page: Path) -> None:
    verbs = typer.main.get_command(app()).commands
    for line in re.findall(r"^lic-bench (.*(?:\\\n.*)*)$", page.read_text(), re.M):
        verb, *words = line.partition("#")[0].replace("\\\n", " ").split()
        known = {name for option in verbs[verb].params for name in option.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pictures_files_and_sections_exist(page: Path) -> None:
    text = page.read_text()
    for link in re.findall(r"\]\((?!http)([^)]+)\)", text):
        path, _, section = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        titles = re.findall(r"^#+ (.+)$", target.read_text(), re.M) if section else []
        assert not section or section in {title.lower().replace(" ", "-") for title in titles}, link
    for path in re.findall(r"[` ]((?:tests|benchmarks|results|lic_bench|adapters|docs)/[\w/.-]+\.\w+)`", text):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"`(results/measured[\w/-]*)`", text):
        assert (ROOT / path).exists(), path


def test_every_page_is_linked() -> None:
    for page in PAGES[1:]:
        assert f"](docs/{page.name}" in README, page
