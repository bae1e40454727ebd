"""Names of files of names that may hold anything."""

import pytest

from lic_bench.report.exchange.file_names import file_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lalic@bf16", "lalic@bf16"),
        ("my_models:mine", "my_models-mine"),
        ("kodak [4 images, 0a1b]", "kodak-4-images-0a1b"),
        ("/a/../b", "a-..-b"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("\udcff", "unnamed"),
        ("x" * 300, "x" * 100),
    ],
)
def test_any_name_becomes_one_that_systems_take(name: str, expected: str) -> None:
    assert file_name(name) == expected


def test_a_name_is_given_once() -> None:
    assert file_name("a:b", taken=["a-b.json", "a-b_.json"], suffix=".json") == "a-b__.json"
