{# Alerts that wait for a draft by an LLM: open, of both arms, without a draft and with tries left;
   nobody while the template writes. The greatest alert_priority has the first place. A view, because
   it changes with every reply. #}
{{ config(materialized='view') }}

with

states as (

    select *
    from {{ ref('alert_states') }}
    where state = 'OPEN'

),

alerts as (

    select * from {{ ref('high_risk_history') }}

),

drafts as (

    select * from {{ ref('current_drafts') }}

),

settings as (

    select * from {{ ref('message_settings') }}

),

calls as (

    select
        alert_id,
        count(*) as tried,
        count(case when outcome in ('replied', 'accepted', 'not_called') then 1 end) as done
    from {{ ref('llm_calls') }}
    group by alert_id

),

waiting as (

    select
        states.alert_id,
        alerts.top_reasons,
        coalesce(calls.tried, 0) as tried,
        row_number() over (
            order by {{ alert_priority('alerts') }} desc, alerts.alert_id asc
        ) as place
    from states
    inner join alerts on states.alert_id = alerts.alert_id
    cross join settings
    left join drafts on states.alert_id = drafts.alert_id
    left join calls on states.alert_id = calls.alert_id
    {{ alert_priority_joins('alerts') }}
    where
        settings.provider <> 'template'
        and drafts.alert_id is null
        and coalesce(calls.tried, 0) < settings.tries
        and coalesce(calls.done, 0) = 0

)

select * from waiting
