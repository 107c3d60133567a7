"""Internet domains of companies: one spelling for what people paste (addresses of pages, of mailboxes, bare hosts).

Not for reading URLs in general: only the host part matters here.
"""

from __future__ import annotations

import re
import unicodedata

from services.contacts.domain.email import domain_of

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://|^//")
_PORT = re.compile(r":\d*$")
_LABEL = re.compile(r"[^\W_]([\w-]*[^\W_])?")


def normalise_domain(text: str) -> str:
    """The host in lower case without scheme, `www.`, port, path or trailing dot; `https://www.Ada.com/x` -> `ada.com`.

    An e-mail address gives its domain. Encoded international labels (`xn--`) are decoded, so that both spellings
    are one. A text that holds no host name at all is only trimmed and lower-cased: nothing typed is lost.
    """
    plain = unicodedata.normalize("NFC", text).strip().lower()
    host = re.split(r"[/?#\\]", _SCHEME.sub("", plain), maxsplit=1)[0]
    host = domain_of(host) or host
    host = _PORT.sub("", host).replace("\u3002", ".").rstrip(".")
    labels = [_decoded(label) for label in host.split(".")]
    if len(labels) > 2 and labels[0] == "www":
        labels = labels[1:]
    return ".".join(labels) if all(_LABEL.fullmatch(label) for label in labels) else plain


def _decoded(label: str) -> str:
    """A label in the letters it stands for; one that cannot be decoded stays as it is."""
    if not label.startswith("xn--"):
        return label
    try:
        return unicodedata.normalize("NFC", label[4:].encode("ascii").decode("punycode")).lower()
    except UnicodeError:
        return label
