"""The table of CONTRIBUTING.md holds: who imports whom, what stays free of torch, how large files and functions are.

The functions up to the first test find violations below any root; the second half of the tests plants one of each kind.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
CPP_SUFFIXES = {".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp"}
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)
NEVER_TORCH = "never torch"
SIZED_FOLDERS = ("lic_bench", "adapters", "lalic", "vtm", "native", "benchmarks")
FILE_LINES = {"median": 120, "p90": 220, "max": 320}
FUNCTION_LINES = {"p90": 17, "max": 45}
MOST_FILES, MOST_ENTRIES = 10, 23  # directly in lic_bench/
ADAPTER = "adapters/<codec>"


@dataclass(frozen=True)
class Package:
    """A row of the table. paths: of its files and folders, from the root."""

    name: str
    paths: tuple[str, ...]
    may_import: frozenset[str]
    never_torch: bool


@dataclass(frozen=True)
class Edge:
    """One file that imports or includes another, both from the root."""

    source: Path
    target: Path


def read_packages(markdown: str) -> list[Package]:
    """The rows of the table whose last heading is "may import", from top to bottom."""
    rows = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in markdown.splitlines()]
    start = next(number for number, row in enumerate(rows) if row[-1] == "may import")
    packages = []
    for row in rows[start + 2 :]:
        if len(row) != len(rows[start]):
            break
        names, _, limit = row[-1].partition("; ")
        paths = tuple(re.findall(r"`([^`]+)`", row[0]))
        imports = frozenset() if names == "nothing" else frozenset(names.split(", "))
        packages.append(Package(_name(row[0], paths[0]), paths, imports, limit == NEVER_TORCH))
    return packages


def _name(cell: str, path: str) -> str:
    """What stands before a colon, else the path as other rows call it."""
    if ":" in cell:
        return cell.split(":")[0]
    return path.removesuffix(".py").removesuffix("/__init__").removeprefix("lic_bench/")


def package_of(file: Path, packages: list[Package]) -> str | None:
    """The name of the file's package, that of the longest path if several match; each adapter is its own package."""
    parts = file.parts
    matches = {}
    for package in packages:
        for path in package.paths:
            pattern = path.split("/")
            if len(parts) >= len(pattern) and all(p in (q, "<codec>") for p, q in zip(pattern, parts, strict=False)):
                named = package.name.replace("<codec>", parts[1])
                matches[len(pattern), "<codec>" not in path] = named
    return matches[max(matches)] if matches else None


def module_file(root: Path, name: str) -> Path | None:
    """The project's file that holds the module of this dotted name."""
    path = Path(*name.split("."))
    candidates = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in candidates if (root / file).is_file()), None)


def imported_files(root: Path, file: Path) -> Iterator[Path]:
    """Files of the project that a Python file imports, at its top, in functions, or for its types."""
    for node in ast.walk(ast.parse((root / file).read_text())):
        if isinstance(node, ast.Import):
            yield from filter(None, (module_file(root, alias.name) for alias in node.names))
        elif isinstance(node, ast.ImportFrom):
            above = file.parts[: len(file.parts) - node.level] if node.level else ()
            package = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:  # a module of that name, else a name in the package
                if target := module_file(root, f"{package}.{alias.name}") or module_file(root, package):
                    yield target


def included_files(root: Path, file: Path, files: list[Path]) -> Iterator[Path]:
    """Files of the project that a C++ file includes: beside it, else wherever a path ends so."""
    for name in INCLUDE.findall((root / file).read_text()):
        beside = Path(os.path.normpath(file.parent / name))
        yield from [beside] if beside in files else [f for f in files if f.as_posix().endswith(f"/{name}")]


class Project:
    """The files below a root and who imports whom, held against the rows of a table."""

    def __init__(self, root: Path, packages: list[Package]) -> None:
        folders = dict.fromkeys(path.split("/")[0] for package in packages for path in package.paths)
        files = chain.from_iterable((root / folder).rglob("*") for folder in folders)
        self.root, self.packages = root, packages
        self.files = sorted(f.relative_to(root) for f in files if f.suffix in {".py", *CPP_SUFFIXES})
        pairs = ((file, target) for file in self.files for target in self._targets(file))
        self.edges = [Edge(file, target) for file, target in dict.fromkeys(pairs) if target != file]

    def _targets(self, file: Path) -> Iterator[Path]:
        python = file.suffix == ".py"
        return imported_files(self.root, file) if python else included_files(self.root, file, self.files)

    def package_edges(self) -> set[tuple[str, str]]:
        """Pairs of packages of which the first imports the second; each adapter is a package."""
        placed = {file: package_of(file, self.packages) or "" for file in self.files}
        return {(placed[edge.source], placed.get(edge.target, "")) for edge in self.edges}

    def row_of(self, package: str) -> str:
        """The name of the row that holds for a package."""
        return package if package in {row.name for row in self.packages} else ADAPTER


def forbidden_imports(project: Project) -> list[str]:
    """Imports across packages that no row allows, and files that are in no package."""
    allowed = {package.name: package.may_import for package in project.packages}
    placed = {file: package_of(file, project.packages) for file in project.files}
    violations = [f"{file} is in no package" for file, package in placed.items() if not package]
    for edge in project.edges:
        source, target = placed[edge.source], placed.get(edge.target)
        if source and source != target and target not in allowed[project.row_of(source)]:
            violations.append(f"{edge.source} imports {edge.target}")
    return violations


def needless_permissions(project: Project) -> list[str]:
    """What a row allows and no import of its package needs."""
    needed = {(project.row_of(source), target) for source, target in project.package_edges()}
    allowed = [(row.name, target) for row in project.packages for target in sorted(row.may_import)]
    return [f"{row} need not import {target}" for row, target in allowed if (row, target) not in needed]


def upward_permissions(packages: list[Package]) -> list[str]:
    """What a row allows although it does not stand below."""
    names = [package.name for package in packages]
    return [
        f"{package.name} may import {target}, which is not below"
        for number, package in enumerate(packages)
        for target in sorted(package.may_import)
        if target not in names[number + 1 :]
    ]


def circles(pairs: set[tuple[str, str]]) -> list[str]:
    """Names in or above a circle of imports."""
    graph = {source: {t for s, t in pairs if s == source and t != source} for source, _ in pairs}
    while leaves := [name for name, targets in graph.items() if not targets & graph.keys()]:
        for name in leaves:
            del graph[name]
    return sorted(graph)


def file_circles(project: Project) -> list[str]:
    return circles({(str(edge.source), str(edge.target)) for edge in project.edges})


def crowded(project: Project) -> list[str]:
    """What stands directly in lic_bench/ and should not."""
    entries = [entry for entry in (project.root / "lic_bench").iterdir() if entry.name != "__pycache__"]
    files = [f"lic_bench/{entry.name}" for entry in entries if entry.is_file()]
    named = {path for package in project.packages for path in package.paths}
    faults = [f"{file} is not in the table" for file in files if file not in named]
    if len(files) > MOST_FILES:
        faults.append(f"{len(files)} files directly in lic_bench/, at most {MOST_FILES}")
    if len(entries) > MOST_ENTRIES:
        faults.append(f"{len(entries)} entries directly in lic_bench/, at most {MOST_ENTRIES}")
    return faults


def light_modules(project: Project) -> list[str]:
    """Dotted names of all modules in the packages that say "never torch"."""
    light = {package.name for package in project.packages if package.never_torch}
    files = [f for f in project.files if f.suffix == ".py" and package_of(f, project.packages) in light]
    return [".".join(f.with_suffix("").parts).removesuffix(".__init__") for f in files]


def first_with_torch(root: Path, modules: list[str]) -> str:
    """The first of these modules after whose import torch is loaded; empty if none loads it."""
    code = f"import importlib, sys; sys.path.insert(0, '')\nfor name in {modules!r}:\n"
    code += "    importlib.import_module(name)\n    if 'torch' in sys.modules: sys.exit(print(name))"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def oversized(root: Path) -> list[str]:
    """What of the size goals is not met; lines of a function count from `def`, docstring included."""
    files: dict[str, int] = {}
    functions: dict[str, int] = {}
    for path in chain.from_iterable((root / folder).rglob("*.py") for folder in SIZED_FOLDERS):
        text, name = path.read_text(), str(path.relative_to(root))
        files[name] = len(text.splitlines())
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                functions[f"{name}:{node.lineno} {node.name}"] = node.end_lineno - node.lineno + 1
    return [*_over("files", files, FILE_LINES), *_over("functions", functions, FUNCTION_LINES)]


def _over(kind: str, lines: dict[str, int], goals: dict[str, int]) -> Iterator[str]:
    most = goals["max"]
    yield from (f"{name}: {count} lines, at most {most}" for name, count in lines.items() if count > most)
    ranked = sorted(lines.values())
    for quantile, share in (("median", 0.5), ("p90", 0.9)):
        value = ranked[min(int(share * len(ranked)), len(ranked) - 1)] if ranked else 0
        if value > goals.get(quantile, value):
            yield f"{quantile} of {kind}: {value} lines, at most {goals[quantile]}"


def fail_with(violations: list[str]) -> None:
    """Fail with a line for each violation, if there are any."""
    assert not violations, "\n".join(violations)


@pytest.fixture(scope="module")
def project() -> Project:
    return Project(ROOT, read_packages(CONTRIBUTING.read_text()))


def test_imports_are_those_of_the_table(project: Project) -> None:
    fail_with(forbidden_imports(project))


def test_the_table_allows_no_more_than_is_needed(project: Project) -> None:
    fail_with(needless_permissions(project))


def test_a_package_imports_only_what_stands_below_it(project: Project) -> None:
    fail_with(upward_permissions(project.packages))


def test_no_circle_between_packages_or_files(project: Project) -> None:
    fail_with(circles(project.package_edges()))
    fail_with(file_circles(project))


def test_lic_bench_directly_holds_the_face_only(project: Project) -> None:
    fail_with(crowded(project))


def test_what_reads_runs_never_imports_torch(project: Project) -> None:
    modules = light_modules(project)
    assert {"lic_bench.cli", "lic_bench.report.html_page", "lic_bench.store.records"} <= {*modules}
    assert not first_with_torch(ROOT, modules)


def test_listing_the_codecs_never_imports_torch() -> None:
    code = "import sys\nfrom lic_bench.codecs.registry import find_codecs\nassert find_codecs()\n"
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_biwkv_needs_torch_and_no_other_library() -> None:
    for file in (ROOT / "lalic/biwkv").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text())))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
        others = {name.split(".")[0] for name in names} - sys.stdlib_module_names
        assert others <= {"torch", "cuda", "lalic", "native"}, file  # cuda: NVIDIA's bindings, an extra


def test_files_and_functions_are_short() -> None:
    fail_with(oversized(ROOT))


def paths_to_the_clock(markdown: str) -> list[str]:
    """Every file that the numbered steps of that section name."""
    section = markdown.split("## From the command line to the clock")[1].split("\n## ")[0]
    steps = re.findall(r"^\d+\. .*(?:\n   .*)*", section, re.MULTILINE)
    return re.findall(r"`([\w/]+\.py)`", "\n".join(steps))


def test_the_path_to_the_clock_is_six_files_each_imported_by_one_before_it(project: Project) -> None:
    paths = [Path(path) for path in paths_to_the_clock(CONTRIBUTING.read_text())]
    assert len(paths) == 6
    fail_with([str(path) for path in paths if not (ROOT / path).is_file()])
    edges = {(edge.source, edge.target) for edge in project.edges}
    steps = list(enumerate(paths))[1:]
    fail_with([str(path) for n, path in steps if not any((before, path) in edges for before in paths[:n])])


def test_every_file_of_a_step_counts() -> None:
    steps = "1. `a/b.py` and\n   `c.py`.\n2. `d.py`\n\nBeside: `e.py`\n\n"
    text = f"## From the command line to the clock\n\n{steps}## F\n1. `g.py`"
    assert paths_to_the_clock(text) == ["a/b.py", "c.py", "d.py"]


def test_files_and_folders_that_contributing_names_exist() -> None:
    named = re.findall(r"`((?:lic_bench|lalic|adapters|vtm|tests|benchmarks|ci)/[\w/.]*)`", CONTRIBUTING.read_text())
    assert len(named) > 20
    fail_with([path for path in named if not (ROOT / path).exists()])


# Each kind of violation, planted.

PLANTED = """
| package | what it holds | may import |
| --- | --- | --- |
| `lic_bench/cli.py` | the program | store; never torch |
| `lic_bench/run` | measuring | store |
| `lic_bench/store` | files | the face; never torch |
| the face: `lic_bench/spec.py`, `lic_bench/errors.py` | interface | nothing |
| `lic_bench/__init__.py` | version | nothing |
| `adapters/<codec>` | a codec each | adapters/shared, native |
| `adapters/shared` | for several codecs | nothing |
| `lalic` | LALIC | native |
| `native` | kernels | nothing |
"""
RULES = read_packages(PLANTED)


def plant(root: Path, files: dict[str, str], rules: list[Package] = RULES) -> Project:
    """Write these texts below the root, beside an empty lic_bench."""
    for name, text in {"lic_bench/__init__.py": "", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Project(root, rules)


def test_a_planted_table_is_read_as_written() -> None:
    assert [package.name for package in RULES][:4] == ["cli", "run", "store", "the face"]
    assert RULES[0] == Package("cli", ("lic_bench/cli.py",), frozenset({"store"}), never_torch=True)
    assert RULES[3].paths == ("lic_bench/spec.py", "lic_bench/errors.py")
    assert RULES[3].may_import == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "import lic_bench.run.session",
        "from lic_bench.run import session",
        "from lic_bench.run.session import run",
        "from ..run import session",
        "def read():\n    from lic_bench.run import session",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lic_bench.run.session import Run",
    ],
)
def test_a_forbidden_import_is_seen_in_every_form(tmp_path: Path, text: str) -> None:
    project = plant(tmp_path, {"lic_bench/run/session.py": "", "lic_bench/store/records.py": text})
    assert forbidden_imports(project) == ["lic_bench/store/records.py imports lic_bench/run/session.py"]


def test_allowed_imports_are_no_violation(tmp_path: Path) -> None:
    texts = {"lic_bench/cli.py": "from lic_bench.store import records", "lic_bench/store/records.py": "import json"}
    texts |= {"adapters/jpeg/codec.py": "from adapters.jpeg import model", "adapters/jpeg/model.py": "import torch"}
    assert not forbidden_imports(plant(tmp_path, texts))


def test_a_codec_is_not_taken_for_one_whose_name_it_begins(tmp_path: Path) -> None:
    texts = {"adapters/jpeg2000/model.py": "", "adapters/jpeg/model.py": "from adapters.jpeg2000 import model"}
    project = plant(tmp_path, texts)
    assert forbidden_imports(project) == ["adapters/jpeg/model.py imports adapters/jpeg2000/model.py"]


def test_shared_code_imports_no_codec(tmp_path: Path) -> None:
    project = plant(tmp_path, {"adapters/jpeg/model.py": "", "adapters/shared/pillow.py": "import adapters.jpeg.model"})
    assert forbidden_imports(project) == ["adapters/shared/pillow.py imports adapters/jpeg/model.py"]


@pytest.mark.parametrize("name", ["vector.h", "../../../lalic/csrc/vector.h", "csrc/vector.h"])
def test_an_include_across_packages_is_seen(tmp_path: Path, name: str) -> None:
    include = f'#include <cmath>\n#include "{name}"\n'
    project = plant(tmp_path, {"lalic/csrc/vector.h": "", "adapters/mambavc/csrc/scan.cu": include})
    assert forbidden_imports(project) == ["adapters/mambavc/csrc/scan.cu imports lalic/csrc/vector.h"]


def test_an_include_beside_the_file_is_its_own(tmp_path: Path) -> None:
    texts = {"lalic/csrc/vector.h": "", "native/vector.h": "", "lalic/csrc/a.cpp": '#include "vector.h"\n'}
    assert plant(tmp_path, texts).edges == [Edge(Path("lalic/csrc/a.cpp"), Path("lalic/csrc/vector.h"))]


def test_a_file_in_no_package_is_seen(tmp_path: Path) -> None:
    project = plant(tmp_path, {"lic_bench/new/module.py": ""})
    assert forbidden_imports(project) == ["lic_bench/new/module.py is in no package"]


def test_a_needless_permission_is_seen(tmp_path: Path) -> None:
    rules = [package for package in RULES if package.name in ("cli", "store")]
    texts = {"lic_bench/cli.py": "import lic_bench.store.records", "lic_bench/store/records.py": ""}
    assert needless_permissions(plant(tmp_path, texts, rules)) == ["store need not import the face"]


def test_a_permission_upward_is_seen() -> None:
    assert upward_permissions([RULES[2], RULES[0]]) == [
        "store may import the face, which is not below",
        "cli may import store, which is not below",
    ]


def test_a_circle_between_packages_without_one_between_files_is_seen(tmp_path: Path) -> None:
    texts = {"lic_bench/run/session.py": "import lic_bench.store.records", "lic_bench/store/records.py": ""}
    texts |= {"lic_bench/run/jobs.py": "", "lic_bench/store/json.py": "def f():\n    from lic_bench.run import jobs"}
    project = plant(tmp_path, texts)
    assert circles(project.package_edges()) == ["run", "store"]
    assert not file_circles(project)


def test_a_circle_between_files_of_a_package_is_seen(tmp_path: Path) -> None:
    texts = {"lic_bench/run/a.py": "from lic_bench.run import b", "lic_bench/run/b.py": "import lic_bench.run.a"}
    project = plant(tmp_path, texts)
    assert file_circles(project) == ["lic_bench/run/a.py", "lic_bench/run/b.py"]
    assert not circles(project.package_edges())


def test_files_directly_in_lic_bench_are_seen(tmp_path: Path) -> None:
    project = plant(tmp_path, {f"lic_bench/more{number}.py": "" for number in range(MOST_FILES)})
    assert f"{MOST_FILES + 1} files directly in lic_bench/, at most {MOST_FILES}" in crowded(project)
    assert "lic_bench/more0.py is not in the table" in crowded(project)


def test_too_many_folders_in_lic_bench_are_seen(tmp_path: Path) -> None:
    project = plant(tmp_path, {f"lic_bench/room{number}/a.py": "" for number in range(MOST_ENTRIES)})
    assert crowded(project) == [f"{MOST_ENTRIES + 1} entries directly in lic_bench/, at most {MOST_ENTRIES}"]


@pytest.mark.parametrize("text", ["import torch", "from planted import heavy"])
def test_torch_in_the_light_branch_is_seen(tmp_path: Path, text: str) -> None:
    rules = [Package("planted", ("planted/store.py",), frozenset(), never_torch=True)]
    texts = {"torch.py": "", "planted/heavy.py": "import torch", "planted/store.py": text}
    assert light_modules(plant(tmp_path, texts, rules)) == ["planted.store"]
    assert first_with_torch(tmp_path, ["planted.store"]) == "planted.store"
    assert first_with_torch(tmp_path, ["json"]) == ""


@pytest.mark.parametrize(
    ("lengths", "faults"),
    [
        ([120, 120, 220, *[1] * 8], []),
        ([121], ["median of files: 121 lines, at most 120"]),
        ([221, *[1] * 9], ["p90 of files: 221 lines, at most 220"]),
        ([321, *[1] * 10], ["benchmarks/file0.py: 321 lines, at most 320"]),
    ],
)
def test_long_files_are_seen(tmp_path: Path, lengths: list[int], faults: list[str]) -> None:
    plant(tmp_path, {f"benchmarks/file{number}.py": "x = 1\n" * length for number, length in enumerate(lengths)})
    (tmp_path / "lic_bench/__init__.py").unlink()  # would count as a file of no lines
    assert oversized(tmp_path) == faults


@pytest.mark.parametrize(
    ("lengths", "faults"),
    [
        ([45, *[17] * 10], []),
        ([18, *[2] * 9], ["p90 of functions: 18 lines, at most 17"]),
        ([46, *[2] * 10], ["lalic/model.py:1 f: 46 lines, at most 45"]),
    ],
)
def test_long_functions_are_seen(tmp_path: Path, lengths: list[int], faults: list[str]) -> None:
    functions = "".join("def f():\n" + "    x = 1\n" * (length - 1) for length in lengths)
    plant(tmp_path, {"lalic/model.py": functions, "vtm/a.py": "", "vtm/b.py": ""})
    assert oversized(tmp_path) == faults
