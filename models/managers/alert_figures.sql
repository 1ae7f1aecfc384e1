{{ config(materialized='ephemeral') }}

with

alerts as (

    {{ of_surviving_ids(ref('high_risk_history')) }}

),

profiles as (

    select
        customer_id,
        region
    from {{ ref('customer_profiles') }}

),

states as (

    select
        alert_id,
        state
    from {{ ref('alert_states') }}

),

visible_regions as (

    {{ visible_regions() }}

),

figures as (

    select
        count(case when alerts.created_at >= {{ utc_now() }} - interval '1 day' then 1 end)
            as new_alerts,
        count(case when states.state = 'DRAFTED' then 1 end) as drafted_messages
    from alerts
    left join states on alerts.alert_id = states.alert_id
    left join profiles on alerts.customer_id = profiles.customer_id
    inner join visible_regions on {{ in_visible_region('profiles.region') }}

)

select * from figures
