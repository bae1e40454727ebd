"""What the variants of codecs gained in a run, for the terminal."""

from pathlib import Path

from rich.console import Group


def variant_summary(folder: Path, width: int) -> Group | None:
    """The report's table of variants, of one run, for a terminal of `width` columns; None if it has none."""
    from lic_bench.report.frames.variant_gains import variants_after_bases, variants_frame
    from lic_bench.report.tables.terminal import to_rich
    from lic_bench.report.tables.variants_table import variants_table
    from lic_bench.store.run_folder import Run

    frame = variants_frame(variants_after_bases(Run(folder)))
    return to_rich(variants_table(frame), width) if len(frame) else None
