"""coder.py encode|decode BITS FROM TO. What $SCRIPTED_DO says happens besides: fail, short, wait:N, stick:N."""

import os
import sys
import time
import zlib
from pathlib import Path

what, bits, source, target = sys.argv[1:]
data, drop = Path(source).read_bytes(), 8 - int(bits)
do, log = os.environ.get("SCRIPTED_DO", ""), os.environ.get("SCRIPTED_LOG")
if what == "decode":
    plain = bytes((value << drop) & 255 for value in zlib.decompress(data))
    Path(target).write_bytes(plain[1:] if do == "short" else plain)
    sys.exit()
if log:
    with Path(log).open("a") as file:
        file.write(f"{os.getpid()}\n")
if do == "fail":
    sys.exit("the coder's own words")
if do.startswith("wait:"):  # until so many of these programs have begun
    end = time.monotonic() + 600
    while len(Path(log).read_text().splitlines()) < int(do[5:]) and time.monotonic() < end:
        time.sleep(0.02)
if do.startswith("stick:") and Path(log).read_text().splitlines().index(str(os.getpid())) >= int(do[6:]):
    time.sleep(600)  # all but the first so many
if do != "nothing":
    Path(target).write_bytes(zlib.compress(bytes(value >> drop for value in data)))
