"""Ctrl-C, SIGTERM and SIGHUP end this process by an exception, so that its programs are ended and its files removed.

Other people's code may swallow an exception: torch's C++ does so while it imports NumPy, every `except:` does. So it is
remembered that a signal came.
"""

import signal
from types import FrameType

_received: list[int] = []


class Terminated(BaseException):
    """SIGTERM or SIGHUP came. It is no SystemExit, which a codec's own code may raise."""


def raise_on_signals() -> None:
    """Have Ctrl-C raise KeyboardInterrupt, SIGTERM and SIGHUP Terminated, unless they are ignored or handled."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    for number, handler in usual.items():
        if signal.getsignal(number) == handler:
            signal.signal(number, _receive)


def raise_again() -> None:
    """Raise for the first signal that came, if one did: called where nothing may go on that was to end."""
    if _received:
        raise KeyboardInterrupt if _received[0] == signal.SIGINT else Terminated


def exit_code() -> int | None:
    """128 + the number of the first signal that came, as a shell says it; None if none did."""
    return 128 + _received[0] if _received else None


def leave_to_system() -> None:
    """From now on they end this process at once: nothing is left to be put in order."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == _receive:
            signal.signal(number, signal.SIG_DFL)


def forget() -> None:
    """As if no signal had come."""
    _received.clear()


def _receive(number: int, _frame: FrameType | None) -> None:
    _received.append(number)
    raise_again()
