"""The page on which customers answer: plain HTML, nothing from any network, no scripts. Pure."""

from __future__ import annotations

from html import escape

from services.service_desk.satisfaction.surveys import LEAST, MOST, MOST_COMMENT, Survey

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
_WORDS = {1: "very bad", 2: "bad", 3: "fair", 4: "good", 5: "very good"}
_STYLE = (
    "body{font:1.1em/1.5 sans-serif;max-width:32em;margin:3em auto;padding:0 1em;color:#222}"
    "label{display:block;padding:.3em 0}textarea{width:100%;height:6em;font:inherit;box-sizing:border-box}"
    "button{font:inherit;padding:.5em 1.5em;margin-top:1em}"
)


def question(wrong: str = "") -> str:
    """The form."""
    scores = "".join(
        f'<label><input type="radio" name="score" value="{score}" required> {score} - {_WORDS[score]}</label>'
        for score in range(MOST, LEAST - 1, -1)
    )
    told = f"<p><strong>{escape(wrong)}</strong></p>" if wrong else ""
    return _page(
        "How did we do?",
        f'{told}<form method="post">{scores}<label>Anything to add?<textarea name="comment" '
        f'maxlength="{MOST_COMMENT}"></textarea></label><button>Send</button></form>',
    )


def thanks(survey: Survey, *, first: bool) -> str:
    """What was answered."""
    said = "Thank you for your answer." if first else "You have answered this before. This is what you said:"
    score = survey.score or 0
    comment = f"<blockquote>{escape(survey.comment)}</blockquote>" if survey.comment else ""
    return _page("Thank you", f"<p>{said}</p><p>{score} - {_WORDS.get(score, '')}</p>{comment}")


def refused(title: str, text: str) -> str:
    """There is nothing to answer."""
    return _page(title, f"<p>{escape(text)}</p>")


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
