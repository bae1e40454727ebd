import pytest

from lic_bench.errors import UserError
from lic_bench.system.option_lists import split_list


def test_lists_are_split_once() -> None:
    assert split_list(" a, b,,a ", "--codecs") == ["a", "b"]
    with pytest.raises(UserError, match="--codecs is empty"):
        split_list(" , ", "--codecs")
