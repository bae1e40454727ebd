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
            assert re.search(rf"^ *(class|def) {name.rpartition('.')[2]}\b", code, re.M), name
        for place in places.split(", "):
            assert (PACKAGE / place).exists(), place
