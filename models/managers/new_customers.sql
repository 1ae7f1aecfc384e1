{{ config(materialized='ephemeral') }}

with

metrics as (

    select * from {{ ref('churn_metrics_live') }}

),

data_end as (

    {{ last_closed_day('metrics', utc_now()) }}

),

profiles as (

    select * from {{ ref('customer_profiles') }}

),

shares as (

    select * from {{ ref('new_customer_shares') }}

),

new_customers as (

    select
        metrics.customer_id,
        everybody.n,
        everybody.share,
        coalesce(of_segment.n, 0) as segment_n,
        coalesce(of_segment.share, everybody.share) as segment_share
    from metrics
    cross join data_end
    left join profiles on metrics.customer_id = profiles.customer_id
    left join shares as everybody on everybody.segment is null
    left join shares as of_segment on coalesce(profiles.segment, 'unknown') = of_segment.segment
    where {{ is_too_new('data_end.last_closed_date', 'metrics.') }}

)

select * from new_customers
