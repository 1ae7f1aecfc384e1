{# Scheduled: what time and the data bring about, whoever does nothing. Each statement may be run
   again. Outcomes and spend are written by this task alone and look at many days: they need no turn. #}
{{ config(materialized='task', meta={
    'schedule': '60 MINUTES',
    'divided_by': {'key': ['alert_id'], 'relations': ['high_risk_history', 'alert_states']},
}) }}

{{ stop_unless(unfinished_alerts()) }}
{{ close_alerts() }};
{{ close_spend() }};
{{ correct_outcomes() }};
{{ correct_spend() }};
{% call in_turn() %}
{{ draft_messages() }};
{{ move_alerts(suppressed_alerts()) }};
{{ move_alerts(expired_alerts()) }};
{{ move_alerts(closed_alerts()) }};
{{ queue_messages() }}
{% endcall %}
