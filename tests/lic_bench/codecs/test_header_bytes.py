from typing import Any

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
