"""Energy of a processor package, by a RAPL folder of files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench.machine import cpu
from lic_bench.machine.cpu import EnergyCounter, energy_folders
from lic_bench.measurement.host_sensors import HostSensors


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """One RAPL package with a part of it; the function sets its counter."""
    for folder, name in (("intel-rapl:0", "package-0"), ("intel-rapl:0:0", "core"), ("intel-rapl:1", "psys")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "name").write_text(name)
    (tmp_path / "intel-rapl:0" / "max_energy_range_uj").write_text("1000000000\n")
    monkeypatch.setattr(cpu, "RAPL", tmp_path)

    def show(microjoules: int) -> None:
        (tmp_path / "intel-rapl:0" / "energy_uj").write_text(f"{microjoules}\n")

    show(999_000_000)
    return show


def test_energy_of_the_package_alone_over_an_overflow(package: Callable[[int], None]) -> None:
    assert [folder.name for folder in energy_folders()] == ["intel-rapl:0"]
    sensors = HostSensors()
    package(4_000_000)
    assert sensors.package_j() == pytest.approx(5.0)
    package(6_500_000)
    assert sensors.read()[0]["cpu_package_j"] == pytest.approx(7.5)


def test_energy_that_may_not_be_read_is_untold(tmp_path: Path) -> None:
    assert EnergyCounter(tmp_path).joules() is None
