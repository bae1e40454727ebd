from lic_bench.errors import unknown


def test_the_nearest_name_is_offered() -> None:
    assert (
        str(unknown("codec", "jpg", ["jpeg", "webp"])) == "Unknown codec 'jpg'. Did you mean 'jpeg'? Known: jpeg, webp."
    )


def test_nothing_near_offers_nothing() -> None:
    assert str(unknown("codec", "zzz", [])) == "Unknown codec 'zzz'. Known: none."
