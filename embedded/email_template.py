"""GENERATE_RETENTION_EMAIL's template provider: a message from facts, without any model.

Like an LLM it never sees a name, an address or an offer: it leaves {name} and {offer} in the text,
and SQL puts them in.
"""

import json

_OPENINGS = {
    "silent": "It has been a while since we last saw you, and we would like to know how you are.",
    "fewer_active_days": "We noticed that you come by less often than you used to.",
    "lower_spend": "We noticed that you find less with us than you used to.",
    "friction": "Something did not go as it should have lately, and we are sorry for that.",
}
_DEFAULT_OPENING = "Thank you for being with us."
_SUBJECTS = {
    "silent": "{name}, we have missed you",
    "friction": "{name}, let us put this right",
}
_DEFAULT_SUBJECT = "{name}, something for you"


def write_email(facts: str) -> str:
    """Return JSON text with `subject` and `body` for a JSON list of reasons, strongest first."""
    try:
        reasons = json.loads(facts)
        first = str(reasons[0]["code"]) if reasons else ""
    except (ValueError, TypeError, KeyError, IndexError):
        first = ""
    body = (
        "Dear {name},\n\n"
        f"{_OPENINGS.get(first, _DEFAULT_OPENING)}\n\n"
        "If you would like to stay, this is for you: {offer}.\n\n"
        "And if there is anything we should do better, simply reply to this message.\n\n"
        "Kind regards\nYour customer team"
    )
    return json.dumps({"subject": _SUBJECTS.get(first, _DEFAULT_SUBJECT), "body": body})
