from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.run.decoded_elsewhere.picture_names import (
    ORDERS,
    WORDS,
    Name,
    Pattern,
    find_pattern,
    images_by_name,
)

CODECS = st.lists(st.from_regex(r"[a-z]{3,6}([-_.][0-9]{1,3})?", fullmatch=True), min_size=1, max_size=3, unique=True)
IMAGES = st.lists(st.from_regex(r"[a-z]{3}[_-]?[0-9]{1,3}", fullmatch=True), min_size=1, max_size=4, unique=True)
QUALITIES = st.lists(st.integers(0, 999), min_size=1, max_size=4, unique=True)


@given(CODECS, QUALITIES, IMAGES, st.sampled_from(ORDERS), st.sampled_from(WORDS))
def test_each_order_of_names_is_found_and_read_back(
    codecs: list[str], qualities: list[int], images: list[str], order: str, word: str
) -> None:
    order = order.replace("{quality}", f"{word}{{quality}}")
    names = list(product(codecs if "{codec}" in order else ["mine"], qualities, images))
    paths = {f"{order.format(codec=c, quality=q, image=i)}.png": Name(c, q, i) for c, q, i in names}
    found = find_pattern(list(paths), {*images}, "mine", "decoded")
    assert {path: found.read(path) for path in paths} == paths
    assert {path: Pattern(found.text, "mine").read(path) for path in paths} == paths


@pytest.mark.parametrize(
    ("pattern", "path", "name"),
    [
        ("{codec}/q{quality}/{image}.png", "my_net/q03/a.b.png", Name("my_net", 3, "a.b")),
        ("{codec}/q{quality}/{image}.png", "my_net/q03/a.jpg", None),
        ("{codec}/q{quality}/{image}", "my_net/q03/a.jpg", Name("my_net", 3, "a")),
        ("out/{image}/{codec}@{quality}.png", "out/sub/a/x@7.png", Name("x", 7, "sub/a")),
        ("{image}_{quality}", "a_1.5.png", None),
        ("q{quality}/{image}", "q4/a.png", Name("mine", 4, "a")),
    ],
)
def test_a_pattern_reads_paths(pattern: str, path: str, name: Name | None) -> None:
    assert Pattern(pattern, "mine").read(path) == name


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{codec}/{image}.png", r"must have \{quality\} once"),
        ("{quality}/{image}/{image}.png", r"must have \{image\} once"),
        ("{codec}/{codec}/{quality}/{image}.png", r"must have \{codec\} once"),
        ("{kodec}/{quality}/{image}.png", r"'kodec'. Did you mean 'codec'"),
    ],
)
def test_other_patterns_are_one_line(pattern: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Pattern(pattern, "mine")


def test_names_without_a_whole_quality_or_a_known_image_are_refused() -> None:
    for path in ("jpeg/0.0018/a.png", "jpeg/30/b.png"):
        with pytest.raises(UserError, match=rf"the first: {path}; .* its original \(a\)"):
            find_pattern([path], ["a"], "mine", "decoded")


def test_an_original_is_known_with_its_ending_too_and_by_that_alone_where_two_share_the_rest() -> None:
    assert images_by_name(["a.png", "b.png", "b.bmp"]) == {
        "a": "a.png",
        "a.png": "a.png",
        "b.png": "b.png",
        "b.bmp": "b.bmp",
    }
