import weakref

from lic_bench.errors import unknown, without_traceback


def test_the_nearest_name_is_offered() -> None:
    assert (
        str(unknown("codec", "jpg", ["jpeg", "webp"])) == "Unknown codec 'jpg'. Did you mean 'jpeg'? Known: jpeg, webp."
    )


def test_nothing_near_offers_nothing() -> None:
    assert str(unknown("codec", "zzz", [])) == "Unknown codec 'zzz'. Known: none."


def test_a_kept_exception_keeps_nothing_else() -> None:
    class Large:
        pass

    alive: list[weakref.ref[Large]] = []

    def fails(why: bool) -> None:
        large = Large()
        alive.append(weakref.ref(large))
        if why:
            raise KeyError("first")
        try:
            fails(why=True)
        except KeyError as error:
            raise ValueError("second") from error

    kept: Exception | None = None
    try:
        fails(why=False)
    except ValueError as error:
        assert all(ref() for ref in alive)
        kept = without_traceback(error)
    assert repr(kept) == "ValueError('second')"
    assert [ref() for ref in alive] == [None, None]
