{# Scheduled: who falls silent sends no events, so time itself must be looked at. Everyone is
   compared; only those whose features changed with the date, or who were never scored, are. #}
{{ config(materialized='task', meta={
    'schedule': '60 MINUTES',
    'divided_by': {'key': ['customer_id'], 'relations': ['churn_metrics_live']},
}) }}

{{ stop_unless(scored_data_end()) }}
{{ react(ref('churn_metrics_live')) }}
