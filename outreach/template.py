"""The message without an LLM: a template, from the first reason.

Like an LLM it sees reasons only, and leaves {name} and {offer} in the text. Snowflake imports this
very file. Standard library only.
"""

import json

_OPENINGS = {
    "silent": "It has been a while since we last saw you, and we would like to know how you are.",
    "fewer_active_days": "We noticed that you come by less often than you used to.",
    "lower_spend": "We noticed that you find less with us than you used to.",
    "friction": "Something did not go as it should have lately, and we are sorry for that.",
    "few_visits": "We would be glad to see you more often.",
}
_DEFAULT_OPENING = "Thank you for being with us."
_SUBJECTS = {
    "silent": "{name}, we have missed you",
    "friction": "{name}, let us put this right",
}
_DEFAULT_SUBJECT = "{name}, we have something for you"


def write_from_template(reasons: str | None) -> str:
    """Return JSON text with `subject` and `body` for a JSON list of reasons, strongest first."""
    try:
        first = str(json.loads(reasons or "")[0]["code"])
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        first = ""
    body = (
        "Dear {name},\n\n"
        f"{_OPENINGS.get(first, _DEFAULT_OPENING)}\n\n"
        "If you would like to stay, this is for you: {offer}.\n\n"
        "And if there is anything we should do better, simply reply to this message.\n\n"
        "Kind regards\nYour customer team"
    )
    return json.dumps({"subject": _SUBJECTS.get(first, _DEFAULT_SUBJECT), "body": body})
