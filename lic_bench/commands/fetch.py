"""`lic-bench fetch`: download a data set, the weights of codecs, or the bitstreams of decode-only ones."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from lic_bench.commands import completion
from lic_bench.commands import options as opt
from lic_bench.commands.completion import offering
from lic_bench.errors import UserError
from lic_bench.terminal.output import console, errors

Name = Annotated[str, Argument(help="kodak, clic, tecnick, weights or streams.", **offering(completion.fetched_names))]
DataRoot = Annotated[Path | None, Option(help="Where to; a folder of that name is made in it.", **opt.PATH)]
Url = Annotated[str | None, Option(help="Another address: folder of the files, archive, or folder of CODEC/FILE.")]
Codecs = Annotated[
    str | None,
    Option(
        help="Of weights and streams: of these codecs, separated by commas.", **offering(completion.codecs_with_files)
    ),
]
Checkpoints = Annotated[Path | None, Option(help="Of weights: where to; CODEC/FILE is made in it.", **opt.PATH)]


def fetch(
    name: Name,
    data_root: DataRoot = None,
    url: Url = None,
    codecs: Codecs = None,
    checkpoints: Checkpoints = None,
    plugin: opt.Plugins = None,
) -> None:
    """Download a data set, weights or bitstreams of codecs, resume where a download broke off, check what came."""
    opt.add_plugins(plugin)
    if name == "weights":
        if data_root is not None:
            raise UserError(f"--data-root {data_root}: is for data sets; weights go to --checkpoints.")
        _fetch_weights(codecs, checkpoints, url)
    elif name == "streams" and checkpoints is None:
        _fetch_streams(codecs, data_root, url)
    elif codecs is not None or checkpoints is not None:
        raise UserError(f"--codecs and --checkpoints are for weights, not for {name!r}; write `fetch weights`.")
    else:
        _fetch_dataset(name, data_root, url)


def _fetch_dataset(name: str, data_root: Path | None, url: str | None) -> None:
    from lic_bench.fetch import fetch_datasets
    from lic_bench.terminal.progress import DownloadProgress

    with DownloadProgress(console) as progress:
        fetched = fetch_datasets.fetch_dataset(name, data_root, url, progress.show)
    for warning in fetched.warnings:
        errors.say(warning)
    console.say(f"{fetched.images} images in {fetched.folder}, {fetched.downloaded} files downloaded now")


def _fetch_streams(codecs: str | None, data_root: Path | None, url: str | None) -> None:
    from lic_bench.fetch.fetch_streams import codecs_with_streams, fetch_streams
    from lic_bench.terminal.progress import DownloadProgress

    if codecs is None:
        raise UserError(f"fetch streams: --codecs is missing; there are: {', '.join(codecs_with_streams())}.")
    with DownloadProgress(console) as progress:
        fetched = fetch_streams(codecs, data_root, url, progress.show)
    for of_codec in fetched:
        console.say(f"{of_codec.files} bitstreams in {of_codec.folder}, {of_codec.downloaded} downloaded now")


def _fetch_weights(codecs: str | None, checkpoints: Path | None, url: str | None) -> None:
    from lic_bench.fetch.fetch_weights import codecs_with_weights, fetch_weights
    from lic_bench.fetch.weights_outcome import complaints, shortfall, summary
    from lic_bench.terminal.progress import DownloadProgress

    if codecs is None:
        known = codecs_with_weights()
        raise UserError(f"fetch weights: --codecs is missing; name some, with commas; there are (files): {known}.")
    with DownloadProgress(console) as progress:
        outcomes = fetch_weights(codecs, checkpoints, url, progress.show)
    for outcome in outcomes:
        for complaint in complaints(outcome):
            errors.say(complaint)
        for line in summary(outcome):
            console.say(line)
    if reason := shortfall(outcomes):
        raise UserError(reason)
