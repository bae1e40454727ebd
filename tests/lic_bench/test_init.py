"""The package's docstring shows a data path; all of its names exist."""

import re
from pathlib import Path

import lic_bench

PACKAGE = Path(lic_bench.__file__).parent


def test_the_data_path_names_what_there_is() -> None:
    path = re.findall(r"^ {4,}(\S.*?) {4,}(\S.*)$", lic_bench.__doc__ or "", re.M)
    assert len(path) == 3
    code = "\n".join(file.read_text() for file in PACKAGE.rglob("*.py"))
    for steps, places in path:
        for name in set(re.findall(r"\w*[A-Z_.]\w+", steps)) - {"x_hat"}:  # an image, no name of ours
            owner, _, last = name.rpartition(".")
            inside = re.search(rf"^class {owner}\b.*?(?=^\S|\Z)", code, re.M | re.S) if owner[:1].isupper() else None
            assert inside or not owner[:1].isupper(), name
            assert re.search(rf"^ *(class|def) {last}\b", inside[0] if inside else code, re.M), name
        for place in places.split(", "):
            assert (PACKAGE / place).exists(), place
