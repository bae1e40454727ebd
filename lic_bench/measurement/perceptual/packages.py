"""Optional packages: their versions, or one line that says how to get them."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from lic_bench.errors import UserError


def need_package(distribution: str, module: str, extra: str = "perceptual") -> str:
    """The package's name and version. Raises UserError, which names the extra that brings it, if it is missing."""
    try:
        if find_spec(module):
            return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        pass
    raise UserError(f"{distribution} is not installed: pip install 'lic-bench[{extra}]'.")
