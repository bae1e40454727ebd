from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.codecs.header_bytes import read_tree, write_tree

trees = st.recursive(
    st.integers(0, 2**40) | st.binary(max_size=300),
    lambda children: st.lists(children, max_size=5) | st.dictionaries(st.text(max_size=5), children, max_size=4),
)


@given(trees)
def test_any_tree_survives_the_header(tree: Any) -> None:
    data = bytearray()
    write_tree(data, tree)
    assert read_tree(bytes(data), 0) == (tree, len(data))


@given(trees, st.data())
def test_a_header_that_was_cut_off_is_said(tree: Any, data: st.DataObject) -> None:
    header = bytearray()
    write_tree(header, tree)
    kept = data.draw(st.integers(0, len(header) - 1))
    with pytest.raises(ValueError, match="ends too early"):
        read_tree(bytes(header[:kept]), 0)


def test_what_the_header_cannot_hold_is_said() -> None:
    with pytest.raises(ValueError, match="-3 cannot be in the header"):
        write_tree(bytearray(), [8, -3])
    with pytest.raises(ValueError, match="ends too early"):
        read_tree(bytes([254, 255, 255, 255, 255, 127]), 0)  # a list of 2**40 items
