"""Nested integers, byte strings, lists and dicts as bytes, for the headers of bitstreams."""

from typing import Any, TypeAlias

Tree: TypeAlias = "int | bytes | list[Tree] | dict[str, Tree]"
_INT, _BYTES, _LIST, _DICT = range(4)


def write_tree(out: bytearray, tree: Tree) -> None:
    """Append a tree to `out`: kind and size in one varint, then the content. Raises ValueError for a number under 0."""
    if isinstance(tree, int):
        if tree < 0:
            raise ValueError(f"{tree} cannot be in the header of a bitstream; allowed are whole numbers from 0 on")
        _write_varint(out, tree << 2 | _INT)
    elif isinstance(tree, bytes):
        _write_varint(out, len(tree) << 2 | _BYTES)
        out += tree
    elif isinstance(tree, list):
        _write_varint(out, len(tree) << 2 | _LIST)
        for item in tree:
            write_tree(out, item)
    else:
        _write_varint(out, len(tree) << 2 | _DICT)
        for key, item in tree.items():
            write_tree(out, key.encode())
            write_tree(out, item)


def read_tree(data: bytes, at: int) -> tuple[Any, int]:
    """The tree that begins at this index, and the index behind it. Raises ValueError where the data end before it."""
    number, at = _read_varint(data, at)
    value, kind = number >> 2, number & 3
    if kind == _INT:
        return value, at
    if value > len(data) - at:  # every item has a byte at least
        raise ValueError("the header of the bitstream is damaged: it ends too early")
    if kind == _BYTES:
        return data[at : at + value], at + value
    items = []
    for _ in range(value if kind == _LIST else 2 * value):
        item, at = read_tree(data, at)
        items.append(item)
    if kind == _LIST:
        return items, at
    return {key.decode(): item for key, item in zip(items[::2], items[1::2], strict=True)}, at


def _write_varint(out: bytearray, value: int) -> None:
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise ValueError("the header of the bitstream is damaged: it ends too early")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
