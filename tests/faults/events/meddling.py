"""Messages that get lost, come twice and out of order, whatever else happens: a broker that does it on purpose."""

from __future__ import annotations

import random

from shared.bus.broker import Broker

LOST, DOUBLED, HELD = 0.1, 0.15, 0.15


class Meddling(Broker):
    """Publishes most messages; the others never, twice, or behind later ones."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._held: list[tuple[str, str]] = []
        self._random = random.Random()

    def publish(self, queue: str, body: str) -> None:
        """Send one message, perhaps."""
        drawn = self._random.random()
        if drawn < LOST:
            return
        if drawn < LOST + DOUBLED:
            super().publish(queue, body)
        elif drawn < LOST + DOUBLED + HELD:
            self._held.append((queue, body))
            return
        super().publish(queue, body)
        if self._held and drawn > 0.6:
            late, self._held = self._held, []
            self._random.shuffle(late)
            for one in late:
                super().publish(*one)


def meddling_broker(seed: int) -> type[Broker]:
    """The class, drawing from a seed."""

    class Seeded(Meddling):
        def __init__(self, url: str) -> None:
            super().__init__(url)
            self._random = random.Random(seed)

    return Seeded
