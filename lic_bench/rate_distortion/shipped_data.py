"""Where the data that comes with the project lies: published points and reference runs."""

from pathlib import Path


def shipped_files(pattern: str) -> list[Path]:
    """The files that match, sorted: below results/ in the repository, below lic_bench/data/ in an installed package."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent / "results", package / "data"):
        if files := sorted(folder.glob(pattern)):
            return files
    return []
