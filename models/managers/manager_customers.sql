with

metrics as (

    select * from {{ ref('churn_metrics_live') }}

),

profiles as (

    select * from {{ ref('customer_profiles') }}

),

scores as (

    select * from {{ ref('churn_scores') }}

),

-- Which regions the asking role sees; `*` stands for all of them and for customers without one.
visible_regions as (

    select distinct region from {{ ref('visible_regions') }}

),

visible as (

    select metrics.*
    from metrics
    left join profiles on metrics.customer_id = profiles.customer_id
    inner join visible_regions on visible_regions.region = '*'
    union distinct
    select metrics.*
    from metrics
    inner join profiles on metrics.customer_id = profiles.customer_id
    inner join visible_regions on profiles.region = visible_regions.region

),

described as (

    select
        visible.customer_id,
        {{ masked('profiles.name') }} as name,
        {{ masked('profiles.email') }} as email,
        profiles.region,
        coalesce(profiles.segment, 'unknown') as segment,
        coalesce(profiles.has_marketing_consent, false) as has_marketing_consent,
        visible.first_seen_at,
        visible.last_activity_at,
        visible.cancelled_at,
        visible.active_days_28d,
        visible.active_days_84d,
        visible.purchase_amount_28d,
        visible.purchase_amount_84d,
        visible.gap_days_mean,
        scores.score,
        coalesce(scores.band, 'unscored') as band,
        scores.band_since,
        coalesce(scores.value_at_risk, 0) as value_at_risk,
        scores.top_reasons,
        scores.model_version,
        scores.scored_at
    from visible
    left join profiles on visible.customer_id = profiles.customer_id
    left join scores on visible.customer_id = scores.customer_id

)

select * from described
