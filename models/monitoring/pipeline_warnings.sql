with

tables as (

    select * from {{ ref('dynamic_table_lag') }}

),

tasks as (

    select
        name,
        last_state,
        coalesce(is_suspended, last_state = 'FAILED_AND_AUTO_SUSPENDED') as is_suspended
    from {{ ref('task_runs') }}

),

health as (

    select * from {{ ref('pipeline_health') }}

),

-- Sentences hold names of objects and numbers only: they leave the account in messages.
warnings as (

    select
        'suspended_table' as kind,
        name,
        'dynamic table ' || name || ' is suspended, and is not refreshed any more' as warning
    from tables
    where is_suspended

    union all

    select
        'failed_refresh' as kind,
        name,
        'the last refresh of dynamic table ' || name || ' failed' as warning
    from tables
    where last_error is not null and not is_suspended

    union all

    select
        'suspended_task' as kind,
        name,
        'task ' || name || ' is suspended, and does not run any more' as warning
    from tasks
    where is_suspended

    union all

    select
        'failed_task' as kind,
        name,
        'the last run of task ' || name || ' failed' as warning
    from tasks
    where last_state = 'FAILED' and not is_suspended

    union all

    -- Before the first event there is nothing that could be late.
    select
        'stale_data' as kind,
        'churn_metrics_live' as name,
        'no new events have reached the dynamic tables for more than '
        || '{{ quiet_after_minutes() }} minutes' as warning
    from health
    where
        is_stale
        and newest_activity_at < {{ utc_now() }} - interval '{{ quiet_after_minutes() }} minutes'

    union all

    select
        'spent_credits' as kind,
        name,
        'warehouse ' || name || ' has used three quarters of its credits for this month' as warning
    from {{ spent_warehouses() }} as spent

)

select * from warnings
