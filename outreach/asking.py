"""One run of asking the LLM: each alert that waits, once, within the budget.

No transaction is open while the LLM thinks, and another process may have the database file. Each
answer is in the ledger before the next question; a run that is killed loses the one it was waiting
for.
"""

from collections.abc import Callable

from embedded.engine.procedures import call
from embedded.engine.storage import Database
from outreach.providers import Answer, ask
from outreach.settings import MessageSettings

# An LLM that is down or overloaded must not hold up every draft for its time limit.
_SILENT_CALLS = 3
_NOT_CALLED = f"the LLM did not answer {_SILENT_CALLS} times in a row"


def ask_waiting(
    database: Database,
    settings: MessageSettings,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Ask about every alert whose turn it is, then draft; return how many drafts came of it."""
    silent = 0
    for alert_id, reasons, attempt in call(database, "begin_llm_run", {}):
        if should_stop():
            break
        if silent >= _SILENT_CALLS:
            _note(database, alert_id, attempt, "not_called", Answer(error=_NOT_CALLED))
            continue
        answer = ask(settings, reasons)
        silent = 0 if answer.has_answered else silent + 1
        outcome = "failed" if answer.error else "replied"
        _note(database, alert_id, attempt, outcome, answer)
    return len(call(database, "draft_messages", {}))


def _note(database: Database, alert_id: str, attempt: str, outcome: str, answer: Answer) -> None:
    def text(value: float | None) -> str | None:
        return None if value is None else str(value)

    call(
        database,
        "note_llm_call",
        {
            "alert_id": alert_id,
            "attempt": attempt,
            "outcome": outcome,
            "detail": answer.error,
            "reply": answer.reply if answer.error is None else None,
            "prompt_tokens": text(answer.prompt_tokens),
            "reply_tokens": text(answer.reply_tokens),
            "seconds": text(round(answer.seconds, 3)),
        },
    )
