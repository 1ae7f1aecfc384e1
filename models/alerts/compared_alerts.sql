{# By which alerts the treated are compared with the held out: each customer counts once, with the
   first alert for which its arm was drawn: a later one comes after the treatment and is no longer
   comparable. Where the arm was drawn when the alert was raised, only those count who could have been
   written to at that moment; an approval asks that itself. A view over few rows. #}
{{ config(materialized='view') }}

with

alerts as (

    select * from {{ ref('drawn_alerts') }}

),

events as (

    select * from {{ ref('alert_events') }}

),

sent as (

    select distinct alert_id
    from events
    where to_state = 'SENT'

),

first_alerts as (

    select *
    from alerts
    where arm_drawn = 'approval' or suppressed_because is null
    qualify row_number() over (partition by customer_id order by drawn_at, alert_id) = 1

),

compared as (

    select
        first_alerts.alert_id,
        first_alerts.customer_id,
        first_alerts.score,
        {{ risk_band('first_alerts.score') }} as risk_band,
        first_alerts.arm,
        first_alerts.arm_drawn,
        first_alerts.offer,
        first_alerts.segment,
        first_alerts.holdout_percent,
        sent.alert_id is not null as is_sent
    from first_alerts
    left join sent on first_alerts.alert_id = sent.alert_id

)

select * from compared
