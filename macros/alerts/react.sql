{# What both tasks do with the customers they are given: score, alert, draft. Three statements;
   only the first reads the changes, and each may be run again. #}
{% macro react(changed) %}
{{ score_customers(
    changed=changed,
    scores=ref('churn_scores'),
    policies=ref('customer_policies'),
    model=ref('active_churn_model'),
    metrics=ref('churn_metrics_live'),
) }};
{{ raise_alerts(
    history=ref('high_risk_history'),
    scores=ref('churn_scores'),
    policies=ref('customer_policies'),
    offers=ref('offers'),
) }};
{{ draft_emails(
    emails=ref('retention_emails'),
    history=ref('high_risk_history'),
    policies=ref('customer_policies'),
    offers=ref('offers'),
) }}
{% endmacro %}
