{# Alerts that time or the data may still change: those that wait for something, and those whose outcome
   or spend closes later, or is still corrected by late events. #}
{% macro unfinished_alerts() %}
    select states.alert_id
    from {{ ref('alert_states') }} as states
    inner join {{ ref('high_risk_history') }} as alerts on states.alert_id = alerts.alert_id
    cross join ({{ last_whole_day() }}) as data_end
    where
        states.state in ('OPEN', 'DRAFTED', 'APPROVED', 'QUEUED')
        or cast(alerts.created_at as date) + {{ (spend_spans() | max) + correction_days() }}
        > data_end.last_date
{% endmacro %}
