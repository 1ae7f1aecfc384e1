"""One run of asking the LLM, within the budget: a letter for each alert that waits, then a second
reading of each letter that has words of its own.

No transaction is open while the LLM thinks, and another process may have the database file. Each
question is in the ledger before it is asked, and each answer before the next question; a run that
is killed loses the answer that it was waiting for, which counts as a failed try.
"""

from collections.abc import Callable

from embedded.engine.procedures import call
from embedded.engine.storage import Database
from outreach.providers import Answer, ask, review
from outreach.settings import MessageSettings

# An LLM that is down or overloaded must not hold up every draft for its time limit.
_SILENT_CALLS = 3
_NOT_CALLED = f"the LLM did not answer {_SILENT_CALLS} times in a row"
# A failed letter is tried again in the next run; a new letter is reviewed in this one.
_ROUNDS = (("write", "review"), ("review",))


def ask_waiting(
    database: Database,
    settings: MessageSettings,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Ask whatever is to be asked in this run, then draft; return how many drafts came of it."""
    silent = 0
    for purposes in _ROUNDS:
        for alert_id, purpose, about, attempt in call(database, "begin_llm_run", {}):
            if purpose not in purposes:
                continue
            if should_stop():
                break
            turn = alert_id, purpose, attempt
            if silent >= _SILENT_CALLS:
                _note(database, turn, "not_called", Answer(error=_NOT_CALLED))
                continue
            _note(database, turn, "asked", Answer())
            answer = (review if purpose == "review" else ask)(settings, about)
            silent = 0 if answer.has_answered else silent + 1
            _note(database, turn, "failed" if answer.error else "replied", answer)
    return len(call(database, "draft_messages", {}))


def _note(database: Database, turn: tuple[str, str, str], outcome: str, answer: Answer) -> None:
    def text(value: float | None) -> str | None:
        return None if value is None else str(value)

    alert_id, purpose, attempt = turn
    call(
        database,
        "note_llm_call",
        {
            "alert_id": alert_id,
            "purpose": purpose,
            "attempt": attempt,
            "outcome": outcome,
            "detail": answer.error,
            "reply": answer.reply if answer.error is None else None,
            "prompt_tokens": text(answer.prompt_tokens),
            "reply_tokens": text(answer.reply_tokens),
            "seconds": text(round(answer.seconds, 3)),
        },
    )
