"""The perceptual metrics by name. No torch here: listings and reports read it."""

from collections.abc import Sequence
from dataclasses import dataclass

from lic_bench.errors import unknown
from lic_bench.system.option_lists import split_list

HERE = "lic_bench.measurement.perceptual"
LUMA = "luma by BT.709, full range, not rounded"
VIDEO = "YCbCr by BT.709, video range, 4:4:4, 10 bits"
RGB = "RGB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric of an original and a decoded picture.

    name: in options and records. label: in tables and on axes. unit: "" for a bare number.
    higher_is_better: the direction. lowest, highest: of its values; None: without bound.
    colours: what it sees of the pictures. source: who defined it. module: where it is measured.
    smallest_side: in pixels; of smaller pictures there is no value.
    undefined: when there is no value of pictures that are large enough; "" for never.
    """

    name: str
    label: str
    module: str
    colours: str
    source: str
    higher_is_better: bool = True
    unit: str = ""
    lowest: float | None = 0.0
    highest: float | None = 1.0
    smallest_side: int = 1
    undefined: str = ""


FLAT = "not defined, as the original is flat"
INFINITE = "infinite, as no difference is seen"
_METRICS = (
    Metric(
        name="vmaf",
        label="VMAF",
        module=f"{HERE}.libvmaf",
        colours=VIDEO,
        source="Li et al., Netflix 2016; model vmaf_v0.6.1",
        highest=100.0,
        smallest_side=32,
    ),
    Metric(
        name="vmaf-neg",
        label="VMAF-NEG",
        module=f"{HERE}.libvmaf",
        colours=VIDEO,
        source="Li et al., Netflix 2020; model vmaf_v0.6.1neg, which gives nothing for enhancement",
        highest=100.0,
        smallest_side=32,
    ),
    Metric(
        name="ms-ssim-y",
        label="MS-SSIM (luma)",
        module=f"{HERE}.similarity",
        colours=LUMA,
        source="Wang et al., Asilomar 2003",
        smallest_side=161,
    ),
    Metric(
        name="vif",
        label="VIFp",
        module=f"{HERE}.vif",
        colours=LUMA,
        source="Sheikh and Bovik, IEEE TIP 2006; in the pixel domain",
        highest=None,
        smallest_side=41,
        undefined=FLAT,
    ),
    Metric(
        name="fsim",
        label="FSIMc",
        module=f"{HERE}.similarity",
        colours="YIQ",
        source="Zhang et al., IEEE TIP 2011; with colour",
        smallest_side=16,
    ),
    Metric(
        name="nlpd",
        label="NLPD",
        module=f"{HERE}.nlpd",
        colours=LUMA,
        source="Laparra et al., HVEI 2016",
        higher_is_better=False,
        highest=None,
    ),
    Metric(
        name="iw-ssim",
        label="IW-SSIM",
        module=f"{HERE}.iw_ssim",
        colours=LUMA,
        source="Wang and Li, IEEE TIP 2011",
        smallest_side=161,
        undefined=FLAT,
    ),
    Metric(
        name="psnr-hvs",
        label="PSNR-HVS",
        module=f"{HERE}.psnr_hvs",
        colours=LUMA,
        source="Egiazarian et al., VPQM 2006",
        unit="dB",
        highest=None,
        undefined=INFINITE,
    ),
    Metric(
        name="psnr-hvs-m",
        label="PSNR-HVS-M (libvmaf)",
        module=f"{HERE}.libvmaf",
        colours=VIDEO,
        source="Ponomarenko et al., VPQM 2007; Daala's, blocks overlap, 0.8 Y + 0.1 Cb + 0.1 Cr; libvmaf's psnr_hvs",
        unit="dB",
        highest=None,
        smallest_side=32,
        undefined=INFINITE,
    ),
    Metric(
        name="ciede2000",
        label="CIEDE2000",
        module=f"{HERE}.libvmaf",
        colours=VIDEO,
        source="Sharma et al. 2005; 45 - 20 log10 of the mean difference with kL = 0.65, kC = 1, kH = 4, libvmaf's",
        unit="dB",
        lowest=None,
        highest=None,
        smallest_side=32,
        undefined=INFINITE,
    ),
    Metric(
        name="ssim",
        label="SSIM",
        module=f"{HERE}.libvmaf",
        colours=VIDEO,
        source="Wang et al., IEEE TIP 2004; of luma, scaled to about 256 pixels; libvmaf's float_ssim",
        smallest_side=32,
    ),
    Metric(
        name="ssimulacra2",
        label="SSIMULACRA 2.1",
        module=f"{HERE}.ssimulacra2",
        colours="XYB",
        source="Sneyers, Cloudinary 2023",
        lowest=None,
        highest=100.0,
        smallest_side=225,
    ),
    Metric(
        name="lpips",
        label="LPIPS",
        module=f"{HERE}.deep_features",
        colours=RGB,
        source="Zhang et al., CVPR 2018, arXiv:1801.03924; version 0.1",
        higher_is_better=False,
        highest=None,
        smallest_side=64,
    ),
    Metric(
        name="dists",
        label="DISTS",
        module=f"{HERE}.deep_features",
        colours=RGB,
        source="Ding et al., TPAMI 2022, arXiv:2004.07728; at the picture's own size",
        higher_is_better=False,
        smallest_side=32,
    ),
)
METRICS = {metric.name: metric for metric in _METRICS}
JPEG_AI = ("ms-ssim-y", "vmaf", "vif", "fsim", "nlpd", "iw-ssim", "psnr-hvs")  # of its common test conditions
GROUPS = {"jpeg-ai": JPEG_AI}  # what options take in place of several names
WITH_WEIGHTS = ("lpips", "dists")  # by networks, of which the user gives the weights
WITHOUT_WEIGHTS = tuple(name for name in METRICS if name not in WITH_WEIGHTS)


def find_metrics(names: Sequence[str]) -> list[Metric]:
    """The metrics of these names, each once. Raises UserError for a name that is none."""
    for name in names:
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
    return [METRICS[name] for name in dict.fromkeys(names)]


def parse_metrics(text: str, option: str) -> tuple[str, ...]:
    """The metrics of a comma-separated option, each once; a group of GROUPS stands for its own. Raises UserError."""
    names = split_list(text, option)
    if wrong := next((name for name in names if name not in (*METRICS, *GROUPS)), ""):
        raise unknown(f"metric of {option}:", wrong, [*METRICS, *GROUPS])
    return tuple(dict.fromkeys(metric for name in names for metric in GROUPS.get(name, (name,))))
