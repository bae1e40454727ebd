"""GLIC against the numbers of the authors' code, its graphs, and what is said where weights do not fit."""

import pytest

from adapters.glic.model import build


@pytest.mark.slow
def test_every_number_of_the_authors_code_comes_out(check_golden_run):
    check_golden_run("glic", build)
