"""The DfE measure: which referrals follow another of the same child within 12 months."""

import pytest

from tests.spec.drawing import dates, rows
from validation.rereferrals import count_re_referrals

YEAR = ("2023-04-01", "2024-03-31")


def counted(table: str, first: str = YEAR[0], last: str = YEAR[1]) -> tuple[int, int]:
    found = count_re_referrals(rows("ssd_cin_episodes", f"person_id referral_date\n{table}"), *dates(first, last))
    return found.referrals, found.re_referrals


@pytest.mark.parametrize(
    ("referrals", "expected"),
    [
        ("anna 2023-05-01", (1, 0)),
        ("anna 2023-05-01\nanna 2023-05-02", (2, 1)),
        ("anna 2023-05-01\nbert 2023-05-02", (2, 0)),  # of another child
        ("anna 2023-05-01\nanna 2023-05-01", (1, 0)),  # recorded twice
        ("anna 2022-05-01\nanna 2023-05-01", (1, 1)),  # 365 days
        ("anna 2022-04-30\nanna 2023-05-01", (1, 0)),  # 366 days
        ("anna 2022-06-01\nanna 2023-03-01\nanna 2024-02-29", (1, 1)),  # 365 days over a leap day
        ("anna 2022-01-01\nanna 2023-01-01\nanna 2023-06-01\nanna 2023-07-01", (2, 2)),
        ("anna 2023-03-31\nanna 2023-04-01\nanna 2024-03-31\nanna 2024-04-01", (2, 2)),  # first and last day of the year
    ],
)
def test_a_re_referral_follows_another_within_365_days(referrals: str, expected: tuple[int, int]) -> None:
    assert counted(referrals) == expected


def test_the_rate_is_the_share_of_re_referrals_and_empty_without_referrals() -> None:
    frame = rows(
        "ssd_cin_episodes", "person_id referral_date\nanna 2023-05-01\nanna 2023-06-01\nbert 2023-05-01\ncara 2023-05-01"
    )
    assert count_re_referrals(frame, *dates(*YEAR)).rate == 0.25
    assert count_re_referrals(frame, *dates("2024-04-01", "2025-03-31")).rate is None
