with

customers as (

    select customer_id from {{ ref('manager_customers') }}

),

history as (

    select * from {{ ref('churn_score_history') }}

),

policies as (

    select * from {{ ref('customer_policies') }}

),

scores as (

    select
        history.customer_id,
        history.scored_at,
        history.score,
        history.band,
        coalesce({{ finite('history.value_at_risk') }}, 0) as value_at_risk,
        {{ alert_threshold(
            'policies', finite('history.value_at_risk') ~ ' / nullif(history.score, 0)'
        ) }} as threshold,
        history.model_version
    from history
    inner join customers on history.customer_id = customers.customer_id
    inner join policies on history.customer_id = policies.customer_id
    where history.score is not null

)

select * from scores
