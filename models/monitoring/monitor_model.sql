{# Daily: once a week and version it counts the features, and judges the week whose labels have
   closed; the other runs find nothing to do. #}
{{ config(materialized='task', meta={
    'schedule': '24 HOURS',
    'divided_by': {
        'key': ['customer_id'],
        'relations': [
            'churn_metrics_live', 'churn_score_history', 'customer_activity_daily',
            'customer_activity_monthly',
        ],
    },
}) }}

{{ count_features(
    histograms=ref('feature_histograms'),
    references=ref('feature_references'),
    metrics=ref('churn_metrics_live'),
    daily=ref('customer_activity_daily'),
    monthly=ref('customer_activity_monthly'),
    model=ref('active_churn_model'),
) }};
{{ judge_scores(
    outcomes=ref('score_outcomes'),
    score_history=ref('churn_score_history'),
    daily=ref('customer_activity_daily'),
    alerts=ref('drawn_alerts'),
    policies=ref('alert_policy'),
) }}
