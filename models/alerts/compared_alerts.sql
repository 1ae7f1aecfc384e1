{# By which alerts the treated are compared with the held out: each customer counts once, with the
   first alert for which its arm was drawn: a later one comes after the treatment and is no longer
   comparable, and so does one that a customer of two ids had under the other id before both were joined.
   Where the arm was drawn when the alert was raised, only those count who could have been
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

identities as (

    select * from {{ ref('customer_identities') }}

),

-- Alerts of whoever had one before as another id, which was known to be the same customer by then.
after_a_merge as (

    select distinct alerts.alert_id
    from alerts
    inner join identities on alerts.customer_id = identities.surviving_id
    inner join alerts as earlier
        on
            identities.customer_id = earlier.customer_id
            and alerts.drawn_at > earlier.drawn_at
            and alerts.drawn_at >= identities.known_at
    where earlier.arm_drawn = 'approval' or earlier.suppressed_because is null

),

first_alerts as (

    select alerts.*
    from alerts
    left join after_a_merge on alerts.alert_id = after_a_merge.alert_id
    where
        after_a_merge.alert_id is null
        and (alerts.arm_drawn = 'approval' or alerts.suppressed_because is null)
    qualify row_number() over (
        partition by alerts.customer_id order by alerts.drawn_at, alerts.alert_id
    ) = 1

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
