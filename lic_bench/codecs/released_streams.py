"""The bitstreams that the authors of decode-only codecs released: names and hashes, as they come with the codec."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lic_bench.errors import UserError
from lic_bench.spec import Streams


def released_hashes(streams: Streams) -> dict[str, str]:
    """File name -> sha256 in hexadecimal. Raises UserError where the list did not come with the codec."""
    return _hashes(*streams.sha256.split(":"))


@cache
def _hashes(package: str, name: str) -> dict[str, str]:
    found = find_spec(package)  # an editable one has two folders: the code's, and that of its compiled kernels
    places = [Path(place) / name for place in (found.submodule_search_locations if found else None) or ()]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise UserError(f"{name} of {package} did not come with lic-bench; install it again.")
    lines = (line.split() for line in file.read_text().splitlines())
    return {released: sha256 for sha256, released in lines}
