with

customers as (

    select * from {{ ref('manager_customers') }}

),

alerts as (

    select *
    from {{ ref('high_risk_history') }}
    qualify row_number() over (
        partition by customer_id order by created_at desc, alert_id asc
    ) = 1

),

states as (

    select * from {{ ref('alert_states') }}

),

queue as (

    select
        customers.customer_id,
        customers.name,
        customers.region,
        customers.segment,
        customers.score,
        customers.value_at_risk,
        customers.top_reasons,
        customers.last_activity_at,
        customers.band_since,
        customers.model_version,
        customers.scored_at,
        alerts.alert_id,
        alerts.created_at as alerted_at,
        alerts.arm,
        coalesce(states.state, alerts.status) as alert_status
    from customers
    left join alerts on customers.customer_id = alerts.customer_id
    left join states on alerts.alert_id = states.alert_id
    where customers.band = 'high'

)

select * from queue
