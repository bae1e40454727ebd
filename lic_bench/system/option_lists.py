"""Options that are lists: names separated by commas."""

from lic_bench.errors import UserError


def split_list(text: str, option: str) -> list[str]:
    """The items of a comma-separated option, in order, without repeats. Raises UserError if there are none."""
    items = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not items:
        raise UserError(f"{option} is empty; give names separated by commas.")
    return items
