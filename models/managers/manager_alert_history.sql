with

customers as (

    select
        customer_id,
        mask_region,
        sees_personal_data
    from {{ ref('manager_customers') }}

),

alerts as (

    {{ of_surviving_ids(ref('high_risk_history')) }}

),

events as (

    select * from {{ ref('alert_events') }}

),

history as (

    select
        events.event_id,
        alerts.alert_id,
        alerts.customer_id,
        events.from_state,
        events.to_state,
        events.actor,
        customers.mask_region,
        {{ masked('events.reason', 'customers.sees_personal_data') }} as reason,
        events.occurred_at
    from events
    inner join alerts on events.alert_id = alerts.alert_id
    inner join customers on alerts.customer_id = customers.customer_id

)

select * from history
