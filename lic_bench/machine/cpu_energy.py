"""The energy that processor packages use, by the kernel's RAPL counters."""

from pathlib import Path

from lic_bench.machine import sysfs

RAPL = Path("/sys/class/powercap")


class EnergyCounter:
    """The joules of one processor package since the object was made, although the kernel's counter overflows."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "energy_uj"
        self._range_uj = sysfs.read_int(folder / "max_energy_range_uj") or 0
        self._last_uj = sysfs.read_int(self._file)
        self._used_uj = 0

    def joules(self) -> float | None:
        """None if only the administrator may read the counter, as on most systems."""
        now_uj = sysfs.read_int(self._file)
        if now_uj is None or self._last_uj is None:
            return None
        self._used_uj += now_uj - self._last_uj + (self._range_uj if now_uj < self._last_uj else 0)
        self._last_uj = now_uj
        return self._used_uj / 1e6


def energy_folders() -> list[Path]:
    """The folders of RAPL's packages, without the parts of a package and the domains beside them."""
    folders = sorted(RAPL.glob("intel-rapl:*"))
    return [folder for folder in folders if (sysfs.read_text(folder / "name") or "").startswith("package")]
