"""Cool-chic 3.1, of which the bitstreams that its authors released are decoded."""

from lic_bench.spec import CodecSpec, Streams

REPOSITORY = "https://github.com/Orange-OpenSource/Cool-Chic"
FILES = "https://raw.githubusercontent.com/Orange-OpenSource/Cool-Chic"
COMMIT = "715e554f1d670613c4b5ab1368ac7248ceacbab1"
LAMBDAS = {1: 0.02, 2: 0.004, 3: 0.001, 4: 0.0004, 5: 0.0001}

SPEC = CodecSpec(
    name="cool-chic",
    label="Cool-chic 3.1",
    kind="decode-only",
    load="adapters.cool_chic.model:load",
    qualities=(1, 2, 3, 4, 5),
    aliases=("cool-chic-3.1",),
    paper="Blard et al., Overfitted image coding at reduced complexity, 2024, arXiv:2403.11651",
    source=f"{REPOSITORY}@{COMMIT[:7]}",
    licence="BSD-3-Clause",
    devices=("cpu",),
    entropy_coder="range-coder",
    streams=Streams(
        files={q: f"{{picture}}-lmbda-{str(lmbda).replace('.', '')}.bin" for q, lmbda in LAMBDAS.items()},
        lmbdas=LAMBDAS,
        dataset="kodak",
        url=f"{FILES}/{COMMIT}/results/image/kodak/bitstreams",
        sha256="adapters.cool_chic:kodak.sha256",
    ),
    published="cool-chic-3.1",
    fills="no row of the LALIC paper's tables; a row of its own, all but encoding",
    notes=(
        "Decoding alone, of the authors' 120 bitstreams of Kodak: encoding trains a network for each picture, which is "
        "not here, so it has no time, memory or operations. Quality 1 to 5: lambda 0.02, 0.004, 0.001, 0.0004, 0.0001. "
        "The rate is that of the whole file. Operations: the mean over the pictures at a quality; of all 120 "
        "bitstreams 299 to 2,291 MACs per pixel, 1,841 on average, as their authors print."
    ),
)
