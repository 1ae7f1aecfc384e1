with

states as (

    {{ dynamic_table_states() }}

),

judged as (

    select
        name,
        target_lag_seconds,
        lag_seconds,
        coalesce(lag_seconds > target_lag_seconds, false) as is_overdue,
        mean_lag_seconds,
        max_lag_seconds,
        refreshed_at,
        is_suspended,
        consecutive_failures,
        last_error
    from states

)

select * from judged
