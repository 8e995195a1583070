"""What a council's own files say of a child and ours never do, made up: numbers, whole birth dates and names.

Everything comes from the digits of the pseudonym, so an invented child has the same number, birthday and name in
every form and every year. Nothing can be a real person's: pupil numbers fail their own check letter on purpose, NHS
numbers come from the range 999 that is never given out, and the names are syllables that no language has.
"""

import polars as pl

AUTHORITY = "812"
PUPIL_CHECK_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
FIRST_SYLLABLES = ("Zib", "Quom", "Vux", "Plim", "Wub", "Drox", "Fnor", "Gazz", "Kwib", "Yorp")
MIDDLE_SYLLABLES = ("a", "e", "i", "o", "u", "ë")
LAST_SYLLABLES = ("zork", "tlex", "wumph", "blib", "qont", "vrell", "moxy", "jubb", "dwin", "plog")


def digits(key: pl.Expr) -> pl.Expr:
    """A whole number below 2^32 from eight hexadecimal digits of a pseudonym."""
    return key.str.slice(20, 8).str.to_integer(base=16, dtype=pl.Int64)


def child_number(key: pl.Expr) -> pl.Expr:
    """The council's own number for a child: INV and twelve capital letters or digits."""
    return pl.format("INV{}", key.str.slice(0, 12).str.to_uppercase())


def day_in_month(month: pl.Expr, key: pl.Expr) -> pl.Expr:
    """A day of the month whose first day is ``month``: the 1st to the 28th."""
    return month + pl.duration(days=digits(key) % 28)


def _check_sum(number: pl.Expr, weights: range) -> pl.Expr:
    return pl.sum_horizontal(number.str.slice(place, 1).cast(pl.Int64) * weight for place, weight in enumerate(weights))


def pupil_number(key: pl.Expr) -> pl.Expr:
    """Thirteen characters shaped as a unique pupil number, whose check letter is the one after the right one."""
    number = pl.format(f"{AUTHORITY}{{}}", (digits(key) % 10**9).cast(pl.String).str.zfill(9))
    wrong = (_check_sum(number, range(2, 14)) + 1) % 23
    return pl.concat_str(wrong.replace_strict(dict(enumerate(PUPIL_CHECK_LETTERS)), return_dtype=pl.String), number)


def health_number(key: pl.Expr) -> pl.Expr:
    """Ten digits that begin with 999 and pass as an NHS number; empty where there is no right check digit."""
    number = pl.format("999{}", (digits(key) % 10**6).cast(pl.String).str.zfill(6))
    check = (11 - _check_sum(number, range(10, 1, -1)) % 11) % 11
    return pl.when(check < 10).then(pl.concat_str(number, check.cast(pl.String)))


def _syllable(choices: tuple[str, ...], number: pl.Expr) -> pl.Expr:
    return (number % len(choices)).replace_strict(dict(enumerate(choices)), return_dtype=pl.String)


def name(key: pl.Expr, start: int) -> pl.Expr:
    """One of 600 invented names; another ``start`` (0 to 28, a place in the pseudonym) gives another name."""
    number = key.str.slice(start, 4).str.to_integer(base=16, dtype=pl.Int64)
    return pl.concat_str(
        _syllable(FIRST_SYLLABLES, number),
        _syllable(MIDDLE_SYLLABLES, number // len(FIRST_SYLLABLES)),
        _syllable(LAST_SYLLABLES, number // len(FIRST_SYLLABLES) // len(MIDDLE_SYLLABLES)),
    )


def worker_name(key: pl.Expr) -> pl.Expr:
    """Two invented names with the non-breaking space between them that case systems put there."""
    return pl.format("{}\u00a0{}", name(key, 8), name(key, 12))
