"""`asked.py STATEMENTS` runs them, then answers each line of its standard input, a Python expression, in JSON:

["ok", value] or ["raised", traceback]; `let(name=value)` keeps something for the lines to come.
"""

import json
import sys
import traceback
from typing import Any

names: dict[str, Any] = {}


def let(**values: Any) -> None:
    """Keep these."""
    names.update(values)


def answer(expression: str) -> list[Any]:
    """Its value, or what it raised."""
    try:
        return ["ok", eval(expression, names)]
    except Exception:
        return ["raised", traceback.format_exc()]


if __name__ == "__main__":
    names["let"] = let
    exec(sys.argv[1], names)
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)
