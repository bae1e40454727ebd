import pytest

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual.packages import need_package


def test_version_of_what_is_there() -> None:
    assert need_package("numpy", "numpy").startswith("numpy 1.")


def test_what_is_missing_is_one_line_with_the_extra() -> None:
    with pytest.raises(UserError, match=r"^no-such-package is not installed: pip install 'lic-bench\[perceptual\]'\.$"):
        need_package("no-such-package", "no_such_package")
