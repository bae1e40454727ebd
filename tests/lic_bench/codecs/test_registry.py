import re
import textwrap
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from lic_bench.codecs import registry
from lic_bench.codecs.registry import add_plugin, check_installed, find_codec, find_codecs, resolve_codec
from lic_bench.errors import UserError
from lic_bench.spec import CodecSpec


def test_every_settled_name_of_this_version_is_there() -> None:
    assert {"lalic", "elic", "cheng2020-parallel", "jpeg", "jpeg2000", "webp", "avif", "jpeg-xl"} <= set(find_codecs())


def test_no_two_codecs_share_a_name_or_alias() -> None:
    names = [name for spec in find_codecs().values() for name in (spec.name, *spec.aliases)]
    assert len(names) == len(set(names))


def test_a_version_in_a_name_is_that_version_of_the_codec() -> None:
    spec = resolve_codec("vtm-20.1")
    assert (spec.name, spec.label, spec.settings["version"]) == ("vtm-20.1", "VTM-20.1", "20.1")
    assert spec.aliases == ()
    assert find_codec("vtm-20.1") == spec
    assert resolve_codec("vtm-9.1") is resolve_codec("vtm")
    assert "vtm-20.1" not in find_codecs()


@pytest.mark.parametrize("name", ["vtm-", "vtm-9.1-lalic", "vtm-x", "vtm-9.", "vtm9.1", "vtm-.1", "jpeg-2", "elic-3.0"])
def test_what_is_no_version_is_no_codec(name: str) -> None:
    assert find_codec(name) is None
    with pytest.raises(UserError, match=f"Unknown codec '{name}'"):
        resolve_codec(name)


@pytest.mark.usefixtures("fake_codecs")
def test_a_plugin_is_a_codec_like_any_other() -> None:
    assert resolve_codec("pretend") is find_codecs()["fake"]


def test_a_folder_without_a_codec_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no codec\.py there"):
        add_plugin(tmp_path)


def test_a_codec_file_without_spec_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plugin_without_spec").mkdir()
    (tmp_path / "plugin_without_spec/codec.py").write_text("SPEC = 3\n")
    with pytest.raises(UserError, match="SPEC is missing or not"):
        add_plugin(tmp_path / "plugin_without_spec")


@pytest.mark.parametrize(
    ("folder", "code", "message"),
    [
        ("plugin_syntax", "SPEC = (", "codec.py fails: SyntaxError"),
        ("plugin_import", "import no_such_module", "codec.py fails: ModuleNotFoundError: No module named"),
        ("email", "SPEC = 3", "a Python module 'email' is in use already"),
        (
            "plugin_clash",
            """
            from lic_bench.spec import CodecSpec
            SPEC = CodecSpec(name="mine", aliases=("jpeg",), label="x", kind="classical", load="x:y", qualities=(1,))
            """,
            "the name 'jpeg' belongs to a codec already",
        ),
    ],
)
def test_a_plugin_that_cannot_be_used_is_one_line(tmp_path: Path, folder: str, code: str, message: str) -> None:
    import email  # noqa: F401 - so that it is in use

    (tmp_path / folder).mkdir()
    (tmp_path / folder / "codec.py").write_text(textwrap.dedent(code))
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        add_plugin(tmp_path / folder)
    assert "\n" not in str(caught.value)


def test_a_second_plugin_of_the_same_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_plugins", {})
    code = 'SPEC = CodecSpec(name="mine", label="x", kind="classical", load="x:y", qualities=(1,))'
    for folder in ("plugin_one", "plugin_two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "codec.py").write_text(f"from lic_bench.spec import CodecSpec\n{code}\n")
    assert add_plugin(tmp_path / "plugin_one") == add_plugin(tmp_path / "plugin_one")
    with pytest.raises(UserError, match="the name 'mine' belongs to a codec already"):
        add_plugin(tmp_path / "plugin_two")


def test_a_broken_installed_package_takes_no_other_codec_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint(name, target, registry.ENTRY_POINTS) for name, target in (("a", "no_such:X"), ("b", "json:dumps"))
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints(points))
    registry.installed_codecs.cache_clear()
    try:
        with pytest.warns(UserWarning, match=r"'a' of 'no_such:X' cannot be imported|is a function, not a CodecSpec"):
            assert "jpeg" in find_codecs()
    finally:
        registry.installed_codecs.cache_clear()


def test_an_installed_package_registers_through_the_entry_point_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "third_party_codec.py").write_text(
        textwrap.dedent("""
        from lic_bench.spec import CodecSpec
        SPEC = CodecSpec(name="third", label="Third", kind="classical", load="third_party_codec:load", qualities=(1,))
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("third", "third_party_codec:SPEC", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints([point]))
    registry.installed_codecs.cache_clear()
    try:
        assert resolve_codec("third").label == "Third"
    finally:
        registry.installed_codecs.cache_clear()


@pytest.mark.parametrize("module", ["no_such_module", "no_such_package.part", "PIL.no_such_part"])
def test_a_missing_module_is_named_with_the_command_that_brings_it(module: str) -> None:
    spec = CodecSpec(
        name="a", label="A", kind="classical", load="x:y", qualities=(1,), requires=("PIL", module), install="get it"
    )
    with pytest.raises(UserError, match=f"Codec 'a' needs the Python module {module}: get it"):
        check_installed(spec)
