{# Cut-offs and customers whose label a message has changed, or may have: it was handed over within the
   horizon before the label window, or in it. Whether somebody gets a message depends on the features
   and on a coin (the hash), so that what is left is right given the features, though riskier
   customers are fewer; docs/outreach.md says what that means. #}
{% macro treated_snapshots(cutoffs) %}
    select distinct
        {{ cutoffs }}.cutoff_date,
        messages.customer_id
    from {{ cutoffs }}
    inner join {{ ref('outbox') }} as messages
        on
            cast(messages.noted_at as date)
            > {{ cutoffs }}.cutoff_date - {{ var('churn_horizon_days') }}
            and cast(messages.noted_at as date)
            <= {{ cutoffs }}.cutoff_date + {{ var('churn_horizon_days') }}
    where messages.step in ('HANDED_OVER', 'UNKNOWN')
{% endmacro %}
