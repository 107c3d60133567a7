"""A nudge when there is new work: sent once its ledger rows are committed, so that nobody waits for the next sweep.

Whoever adds chunks (a request, a consumer, a worker) publishes the service's name in Redis, which costs web processes
no broker library; the bus process hears it and sends the argument-less task. Nudges may be lost or come twice: the
sweeper looks into the ledger anyway. Not for anything that has to arrive.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import redis

from shared.kernel.telemetry import logger

CHANNEL = "crm:work"
# How soon a change of mind about stopping is noticed, and the pause after the connection was lost. Seconds.
_LISTEN = 1.0
_log = logger("work")


def nudge(client: redis.Redis, service: str) -> Callable[[], None]:
    """What to do after work was committed. Never raises: the sweep comes anyway."""

    def tell() -> None:
        try:
            client.publish(CHANNEL, service)
        except redis.RedisError as error:
            _log.info("not nudged", service=service, error=type(error).__name__)

    return tell


def hear(client: redis.Redis, send: Callable[[str], None], stop: threading.Event) -> None:
    """Hand every service that has new work to `send` until `stop` is set, over lost connections."""
    while not stop.is_set():
        try:
            with client.pubsub(ignore_subscribe_messages=True) as channel:
                channel.subscribe(CHANNEL)
                while not stop.is_set():
                    message = channel.get_message(timeout=_LISTEN)
                    if message is not None:
                        send(bytes(message["data"]).decode())
        except redis.RedisError as error:
            _log.info("nudges not heard", error=type(error).__name__)
            stop.wait(_LISTEN)
