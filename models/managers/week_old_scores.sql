{{ config(materialized='ephemeral') }}

-- The last score of the day that ended a week ago: who is in the queue was scored every day.
with

history as (

    select * from {{ ref('churn_score_history') }}

),

scores as (

    select
        customer_id,
        max_by(score, scored_at) as score
    from history
    where
        scored_at <= {{ utc_now() }} - interval '7 days'
        and scored_at > {{ utc_now() }} - interval '8 days'
    group by customer_id

)

select * from scores
