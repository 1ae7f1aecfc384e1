{# A view: an event that was written is the state, at once. Nothing moves back, so the present state
   is the one that no event leads out of, whatever the clocks of those who wrote. #}
{{ config(materialized='view') }}

with

events as (

    select * from {{ ref('alert_events') }}

),

alerts as (

    select
        alert_id,
        customer_id
    from {{ ref('high_risk_history') }}

),

latest as (

    select events.*
    from events
    left join events as next_events
        on
            events.alert_id = next_events.alert_id
            and events.to_state = next_events.from_state
    where next_events.event_id is null
    qualify row_number() over (
        partition by events.alert_id order by events.occurred_at, events.event_id
    ) = 1

),

states as (

    select
        alerts.alert_id,
        alerts.customer_id,
        latest.to_state as state,
        latest.occurred_at as since,
        latest.actor,
        latest.reason
    from alerts
    inner join latest on alerts.alert_id = latest.alert_id

)

select * from states
