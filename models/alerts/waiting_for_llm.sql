{# What an LLM is to be asked next: to write for alerts that are open, of both arms, without a draft
   and with tries left, and to read once more what it wrote in words of its own; nothing while the
   template writes. Whoever is being asked right now (asked) still waits. Readings come first, then the
   greatest alert_priority. A view, because it changes with every reply. #}
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
        count(case when {{ is_writing() }} and outcome <> 'asked' then 1 end) as tried,
        count(
            case
                when {{ is_writing() }} and outcome in ('replied', 'accepted', 'not_called') then 1
            end
        ) as written,
        count(case when purpose = 'review' and outcome <> 'asked' then 1 end) as reviewed,
        max(case when outcome = 'accepted' then own_words end) as own_words
    from {{ ref('llm_calls') }}
    group by alert_id

),

undrafted as (

    select
        alerts.*,
        coalesce(calls.tried, 0) as tried,
        coalesce(calls.written, 0) as written,
        case when calls.reviewed = 0 then calls.own_words end as own_words,
        settings.tries
    from states
    inner join alerts on states.alert_id = alerts.alert_id
    cross join settings
    left join drafts on states.alert_id = drafts.alert_id
    left join calls on states.alert_id = calls.alert_id
    where settings.provider <> 'template' and drafts.alert_id is null

),

waiting as (

    select
        undrafted.alert_id,
        case when undrafted.own_words is null then 'write' else 'review' end as purpose,
        coalesce(undrafted.own_words, undrafted.top_reasons) as about,
        undrafted.tried,
        row_number() over (
            order by
                case when undrafted.own_words is null then 1 else 0 end,
                {{ alert_priority('undrafted') }} desc,
                undrafted.alert_id asc
        ) as place
    from undrafted
    {{ alert_priority_joins('undrafted') }}
    where
        undrafted.own_words is not null
        or (undrafted.tried < undrafted.tries and undrafted.written = 0)

)

select * from waiting
