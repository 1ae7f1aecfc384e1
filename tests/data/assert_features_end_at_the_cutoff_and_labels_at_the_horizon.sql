-- A feature from after the cut-off would show as negative recency; a label window that is not over
-- in the data would call everyone churned.
with

snapshots as (

    select * from {{ ref('training_snapshots') }}

),

bounds as (

    select max(activity_date) - 1 as last_complete_date from {{ ref('customer_activity_daily') }}

)

select snapshots.*
from snapshots
cross join bounds
where
    snapshots.days_since_last_activity < 0
    or snapshots.label_until_date > bounds.last_complete_date
    or snapshots.label_until_date
    <> snapshots.cutoff_date + {{ var('churn_horizon_days') }}
