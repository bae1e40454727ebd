"""Equal rates and matched pairs as tables: how many images each cell is of, and why one is empty."""

from collections.abc import Callable

import pandas as pd
import pytest

from lic_bench.report.write_report import WrittenReport, write_report
from lic_bench.store.run_folder import Run


@pytest.fixture(scope="module")
def written(make_run: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> WrittenReport:
    home = tmp_path_factory.mktemp("report")
    make_run(home / "run", {"jpeg": 1.0, "webp": 0.5})
    return write_report([home / "run"], home / "out", published="none", anchor="jpeg")


def test_each_value_has_its_number_of_images(written: WrittenReport) -> None:
    jpeg, webp = written.tables["equal_rates"].rows
    assert (webp.cells["psnr_db_at_0.15_bpp"].text, webp.cells["images_at_0.15_bpp"].text) == ("31.96", "24")
    assert jpeg.cells["psnr_db_at_0.075_bpp"].text == jpeg.cells["images_at_0.075_bpp"].text == "-"
    assert jpeg.cells["psnr_db_at_0.075_bpp"].notes == ("0 of 24 images reach it.",)
    assert jpeg.cells["bpp_at_36_db"].notes == ("7 of 24 images reach it.",)


def test_a_pair_says_how_far_sizes_are_apart(written: WrittenReport) -> None:
    (pair,) = written.tables["matched_pairs"].rows
    texts = {key: cell.text for key, cell in pair.cells.items()}
    assert (texts["n_matched"], texts["size_difference_pct"], texts["psnr_difference_db"]) == ("72", "0.0", "+2.50")
    assert (texts["n_equal"], texts["size_ratio"]) == ("96", "0.500")


def test_both_are_on_the_page_and_in_csv(written: WrittenReport) -> None:
    html = written.index.read_text(encoding="utf-8")
    assert 'id="equal_rates"' in html
    assert 'id="matched_pairs"' in html
    rates = pd.read_csv(written.index.parent / "equal_rates.csv")
    assert rates["images_at_0.3_bpp"].tolist() == [24, 24]
    assert pd.read_csv(written.index.parent / "matched_pairs.csv")["other"].tolist() == ["WebP"]
