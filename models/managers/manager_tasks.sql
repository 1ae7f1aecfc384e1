select
    name,
    trigger_text,
    is_suspended,
    last_run_at,
    last_state,
    cast(last_seconds as double) as last_seconds,
    runs,
    failures
from {{ ref('task_runs') }}
