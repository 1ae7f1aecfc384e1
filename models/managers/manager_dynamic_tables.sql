select
    name,
    cast(target_lag_seconds as double) as target_lag_seconds,
    cast(lag_seconds as double) as lag_seconds,
    cast(mean_lag_seconds as double) as mean_lag_seconds,
    cast(max_lag_seconds as double) as max_lag_seconds,
    is_overdue,
    is_suspended,
    refreshed_at,
    last_error is not null as has_error
from {{ ref('dynamic_table_lag') }}
