"""Who is given the planted offer, and what chance of it each family had: with the lot that was drawn, if one was."""

import numpy as np

from validation.synthetic.plants import BY_LOT, WEEKLY
from validation.synthetic.process import OFFER_DAYS
from validation.synthetic.world import NEVER, Days, Numbers, Places


class Giving:
    """The giving of an offer as time passes: ``given`` holds families and days, ``draws`` all who might have had it.

    The last array of a draw is the chance of a place that each family had.
    """

    def __init__(self, families: int) -> None:
        self.asked = np.full(families, -NEVER)  # day of the last draw by lot that each family took part in
        self.given: list[tuple[Places, Days]] = []
        self.draws: list[tuple[Places, Days, Numbers]] = []

    def give(
        self, how: str, family: Places, score: Numbers, offered: Days, day: int, days: int, rng: np.random.Generator
    ) -> None:
        """Give it to some of the families with an open case that had none within a year, and say so in ``offered``.

        ``score`` is the order of the families (highest first), drawn at random already if that is ``how``; ``offered`` is the
        day of the last offer of every family; ``days`` is how many have passed since it was last given.
        """
        free = day - np.maximum(offered, self.asked)[family] >= OFFER_DAYS
        order = family[free][np.argsort(-score[free], kind="stable")]
        first = order[: round(WEEKLY * days / 7 * family.size)]
        chosen, asked, chance = first, first, 1.0
        if how == "random":
            asked, chance = order, first.size / max(order.size, 1)
        elif how == "mixed":
            chosen = rng.permutation(first)[: round(BY_LOT * first.size)]
            chance = chosen.size / max(first.size, 1)
            self.asked[first] = day
        offered[chosen] = day
        self.given.append((chosen, np.full(chosen.size, day)))
        self.draws.append((asked, np.full(asked.size, day), np.full(asked.size, chance)))
