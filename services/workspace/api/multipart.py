"""A multipart body read as it comes: small fields into memory, the one file to wherever it is to go.

The form parser of the web framework knows all fields only when the file has passed, too late to refuse it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from shared.kernel.errors import Invalid
from shared.service.web.errors import ProtocolError

MAX_FIELD = 4 * 1024 * 1024
_MAX_PARTS = 32
_BLOCK = 64 * 1024


class Sink(Protocol):
    """Where a file goes."""

    def write(self, piece: bytes, /) -> int:
        """Take a piece."""


OpenFile = Callable[[str, str, dict[str, str]], Sink]
"""Called when a file begins: name of the part, of the file, and the fields so far."""


def read_form(open_file: OpenFile) -> dict[str, str]:
    """Read the request's body; the fields. Raises Invalid for what is no multipart form, ProtocolError 413, 415."""
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise ProtocolError(415, "The body must be multipart/form-data with the file as one of its parts")
    decoder = MultipartDecoder(boundary.encode("latin-1"), MAX_FIELD, max_parts=_MAX_PARTS)
    try:
        return _Form(decoder, open_file).read()
    except RequestEntityTooLarge as error:
        if request.content_length and request.content_length > (request.max_content_length or 0):
            raise
        raise ProtocolError(413, f"A field is larger than {MAX_FIELD} bytes, or there are too many") from error
    except ValueError as error:
        raise Invalid.one("body", "INVALID_BODY", "The body is not sound multipart/form-data") from error


class _Form:
    def __init__(self, decoder: MultipartDecoder, open_file: OpenFile) -> None:
        self._decoder = decoder
        self._open = open_file
        self._fields: dict[str, bytearray] = {}
        self._sink: Sink | None = None
        self._field: bytearray | None = None
        self._length = 0

    def read(self) -> dict[str, str]:
        """All of it."""
        while True:
            piece = request.stream.read(_BLOCK)
            self._decoder.receive_data(piece or None)
            while True:
                event = self._decoder.next_event()
                if isinstance(event, Epilogue):
                    return self._texts()
                if isinstance(event, NeedData):
                    break
                self._take(event)
            if not piece:
                raise ValueError("cut off")

    def _take(self, event: object) -> None:
        if isinstance(event, File):
            self._field, self._sink = None, self._open(event.name, event.filename, self._texts())
        elif isinstance(event, Field):
            self._sink, self._field = None, bytearray()
            self._fields[event.name] = self._field
        elif isinstance(event, Data):
            if self._sink is not None:
                self._sink.write(event.data)
            elif self._field is not None:
                self._length += len(event.data)
                if self._length > MAX_FIELD:
                    raise RequestEntityTooLarge
                self._field += event.data

    def _texts(self) -> dict[str, str]:
        return {name: bytes(value).decode() for name, value in self._fields.items()}
