{# Writes a move of alerts from state to state, whoever asks for it: only those moves that
   seeds/alert_transitions.csv allows from the present state, so that doing one twice writes one row.
   wanted: a query with alert_id, to_state, moved_by (manager or system), actor, reason, which may
   read the CTE states (alert_states); of two moves of one alert the first by name is taken. #}
{% macro move_alerts(wanted) %}
    insert into {{ ref('alert_events') }} (
        event_id, alert_id, from_state, to_state, actor, reason, occurred_at
    )
    with states as (
        select * from {{ ref('alert_states') }}
    ),
    wanted as (
        {{ wanted }}
    ),
    allowed as (
        select
            wanted.alert_id,
            states.state as from_state,
            wanted.to_state,
            wanted.actor,
            wanted.reason
        from wanted
        inner join states on wanted.alert_id = states.alert_id
        inner join {{ ref('alert_transitions') }} as transitions
            on
                states.state = transitions.from_state
                and wanted.to_state = transitions.to_state
                and transitions.moved_by in ('any', wanted.moved_by)
        where not transitions.needs_reason or coalesce(wanted.reason, '') <> ''
        qualify row_number() over (partition by wanted.alert_id order by wanted.to_state) = 1
    )
    select
        md5(alert_id || '|' || from_state || '|' || to_state) as event_id,
        alert_id,
        from_state,
        to_state,
        actor,
        reason,
        {{ as_of() }} as occurred_at
    from allowed
{% endmacro %}

{# The first event of every alert that has none yet. #}
{% macro open_alerts() %}
    insert into {{ ref('alert_events') }} (
        event_id, alert_id, from_state, to_state, actor, reason, occurred_at
    )
    select
        md5(alerts.alert_id || '||' || alerts.status) as event_id,
        alerts.alert_id,
        '' as from_state,
        alerts.status as to_state,
        'process_alerts' as actor,
        case
            when alerts.status = 'HELD_OUT' then {{ why_held_out() }}
            else 'risk of ' || {{ whole_number('100 * alerts.score') }} || ' %, threshold '
                || {{ whole_number('100 * alerts.threshold') }} || ' %'
        end as reason,
        {{ as_of() }} as occurred_at
    from {{ ref('high_risk_history') }} as alerts
    left join {{ ref('alert_events') }} as events on alerts.alert_id = events.alert_id
    where events.alert_id is null
{% endmacro %}

{# Why an alert is held out, as a text of SQL. #}
{% macro why_held_out() %}{{ return("'held out, to measure what messages do'") }}{% endmacro %}
