{# Messages whose sender died between taking and handing over, or got no answer: nobody sends them
   again, somebody has to look. A view, empty on a good day. #}
{{ config(materialized='view') }}

with

deliveries as (

    select * from {{ latest_deliveries() }} as latest_deliveries

),

states as (

    select * from {{ ref('alert_states') }}

),

unresolved as (

    select
        deliveries.alert_id,
        deliveries.message_id,
        deliveries.step,
        deliveries.sender,
        deliveries.detail,
        deliveries.noted_at
    from deliveries
    inner join states on deliveries.alert_id = states.alert_id
    where states.state = 'QUEUED' and deliveries.step in ('HANDING_OVER', 'UNKNOWN')

)

select * from unresolved
