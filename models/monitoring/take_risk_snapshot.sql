{# Hourly: what the value at risk was. Kept, because the sum over the score history of everyone
   would cost a look at all of it each time somebody opens the dashboard. An hour is noted once; an
   hour in which nothing can be scored (data_end) is left out, because its scores say nothing about it. #}
{{ config(materialized='task', meta={
    'schedule': '60 MINUTES',
    'divided_by': {'key': ['customer_id'], 'relations': ['churn_scores', 'customer_profiles']},
}) }}

insert into {{ ref('risk_snapshots') }} (
    taken_at, region, segment, scored_customers, customers_at_risk, value_at_risk
)
with hour_now as (
    select date_trunc('hour', {{ as_of() }}) as taken_at
),

hours_noted as (
    select max(taken_at) as last_taken_at from {{ ref('risk_snapshots') }}
),

data_end as (
    {{ scored_data_end() }}
)
select
    hour_now.taken_at,
    profiles.region,
    coalesce(profiles.segment, 'unknown') as segment,
    count(*) as scored_customers,
    count(case when scores.band = 'high' then 1 end) as customers_at_risk,
    round(sum(
        case when scores.band = 'high' then {{ finite('scores.value_at_risk') }} else 0 end
    ), 2) as value_at_risk
from {{ ref('churn_scores') }} as scores
left join {{ ref('customer_profiles') }} as profiles on scores.customer_id = profiles.customer_id
cross join hour_now
cross join hours_noted
cross join data_end
where
    scores.band in ('high', 'low')
    and coalesce(hours_noted.last_taken_at < hour_now.taken_at, true)
group by hour_now.taken_at, profiles.region, coalesce(profiles.segment, 'unknown')
