{# What both tasks do with the customers they are given: score, alert, and draft what the template
   writes; an LLM is asked elsewhere, because it may take its time. Only the first statement reads
   the changes, and each may be run again. Both tasks may score at the same time; what follows from
   it they do one after the other. #}
{% macro react(changed) %}
{%- do ref('predict_churn') -%}
{{ score_customers(
    changed=changed,
    score_history=ref('churn_score_history'),
    scores=ref('churn_scores'),
    policies=ref('customer_policies'),
    model=ref('active_churn_model'),
    metrics=ref('churn_metrics_live'),
) }};
{{ leave_merged_ids(
    score_history=ref('churn_score_history'),
    scores=ref('churn_scores'),
    metrics=ref('churn_metrics_live'),
) }};
{% call in_turn() %}
{{ keep_current_scores(
    scores=ref('churn_scores'),
    score_history=ref('churn_score_history'),
) }};
{{ raise_alerts(
    history=ref('high_risk_history'),
    scores=ref('churn_scores'),
    policies=ref('customer_policies'),
    offers=ref('offers'),
) }};
{{ open_alerts() }};
{{ move_alerts(suppressed_alerts()) }};
{{ draft_emails() }};
{{ move_alerts(drafted_alerts()) }}
{% endcall %}
{% endmacro %}
