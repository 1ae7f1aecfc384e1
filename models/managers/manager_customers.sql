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

new_customers as (

    select * from {{ ref('new_customers') }}

),

alike as (

    select * from {{ ref('alike_customers') }}

),

timing as (

    select * from {{ ref('time_to_churn') }}

),

data_end as (

    {{ last_closed_day('metrics', utc_now()) }}

),

placeholders as (

    -- Without the brackets in which the seed has to write null.
    select distinct translate(lower(placeholder), '<>', '') as placeholder
    from {{ ref('name_placeholders') }}

),

visible_regions as (

    select * from {{ ref('visible_regions') }}

),

customer_regions as (

    select region from profiles
    union distinct
    select null as region

),

-- What the asking roles may do in each region that customers have, and without one: looked up by
-- region, because there are few of them, and then once for each customer.
rights as (

    select
        customer_regions.region,
        max(case when visible_regions.sees_personal_data then 1 else 0 end) = 1
            as sees_personal_data,
        max(case when visible_regions.may_act then 1 else 0 end) = 1 as may_act
    from customer_regions
    inner join visible_regions on {{ in_visible_region('customer_regions.region') }}
    group by customer_regions.region

),

named as (

    select
        profiles.*,
        -- As it is written, because this is asked of everybody; letters look more closely.
        case when placeholders.placeholder is null then profiles.name end as shown_name
    from profiles
    left join placeholders on lower(profiles.name) = placeholders.placeholder

),

described as (

    select
        metrics.customer_id,
        {{ masked('profiles.shown_name', 'rights.sees_personal_data') }} as name,
        {{ masked('profiles.email', 'rights.sees_personal_data') }} as email,
        profiles.region,
        profiles.region as mask_region,
        rights.sees_personal_data,
        rights.may_act,
        coalesce(profiles.segment, 'unknown') as segment,
        coalesce(profiles.has_marketing_consent, false) as has_marketing_consent,
        metrics.first_seen_at,
        metrics.last_activity_at,
        not {{ is_paused('metrics') }}
        and {{ has_lapsed('metrics.last_activity_at', 'data_end.last_closed_date') }}
            as has_lapsed,
        metrics.cancelled_at,
        metrics.paused_at,
        metrics.active_days_28d,
        metrics.active_days_84d,
        metrics.purchase_amount_28d,
        metrics.purchase_amount_84d,
        metrics.gap_days_mean,
        scores.score,
        case
            when {{ is_paused('metrics') }} then 'paused'
            else coalesce(scores.band, 'unscored')
        end as band,
        scores.band_since,
        coalesce({{ finite('scores.value_at_risk') }}, 0) as value_at_risk,
        scores.top_reasons,
        {{ json_text(parse_json('scores.top_reasons'), '[0].code') }} as first_reason,
        scores.model_version,
        scores.scored_at,
        scores.score * timing.within_7 as score_7d,
        scores.score * timing.within_14 as score_14d,
        alike.n as alike_n,
        alike.left_n as alike_left,
        alike.left_low as alike_left_low,
        alike.left_high as alike_left_high,
        new_customers.customer_id is not null as is_too_new,
        new_customers.n as new_n,
        new_customers.share as new_share,
        new_customers.segment_n as new_segment_n,
        new_customers.segment_share as new_segment_share
    from metrics
    cross join data_end
    left join named as profiles on metrics.customer_id = profiles.customer_id
    left join scores on metrics.customer_id = scores.customer_id
    left join alike
        on
            scores.model_version = alike.model_version
            and {{ score_tenth('scores.score') }} = alike.score_bin
    left join timing
        on
            scores.model_version = timing.model_version
            and {{ days_away('metrics.last_activity_at', 'data_end.last_closed_date') }}
            >= timing.away_from
            and {{ days_away('metrics.last_activity_at', 'data_end.last_closed_date') }}
            < coalesce(timing.away_to, 1e9)
    left join new_customers on metrics.customer_id = new_customers.customer_id
    inner join rights on profiles.region is not distinct from rights.region

)

select * from described
