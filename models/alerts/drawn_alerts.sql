{# The alerts whose arm is drawn, and when: by a manager's approval or, where arm_drawn is NULL,
   when the alert was raised, as it was done before. Until then both arms are alike, and whoever
   decides must not know the arm. A view: whoever approves sees at once who is held out. #}
{{ config(materialized='view') }}

with

alerts as (

    select * from {{ ref('high_risk_history') }}

),

approvals as (

    select
        alert_id,
        min(occurred_at) as approved_at
    from {{ ref('alert_events') }}
    where to_state in ('APPROVED', 'HELD_OUT')
    group by alert_id

),

drawn as (

    select
        alerts.alert_id,
        alerts.customer_id,
        alerts.score,
        alerts.offer,
        alerts.segment,
        alerts.suppressed_because,
        alerts.arm,
        alerts.holdout_percent,
        alerts.arm_drawn,
        case
            when alerts.arm_drawn = 'approval' then approvals.approved_at
            else alerts.created_at
        end as drawn_at
    from alerts
    left join approvals on alerts.alert_id = approvals.alert_id
    where alerts.arm_drawn is null or approvals.alert_id is not null

)

select * from drawn
