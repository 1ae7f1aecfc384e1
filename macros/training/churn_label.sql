{# The label of training: whether a customer churned in the horizon after a cut-off.
   outcomes: the alias of churn_outcomes, left joined: who did nothing at all has no row.
   lapse: no active event, or a cancellation. half_spend: less than half as much a day as in the
   days before, of which only those count on which the customer was known; who spent nothing then has
   nothing to lose. #}
{% macro has_churned(outcomes) %}
    {%- set horizon = var('churn_horizon_days') -%}
    {%- if var('churn_label') == 'half_spend' -%}
        case
            when
                coalesce({{ outcomes }}.purchase_amount_after, 0) / {{ horizon }}
                < 0.5 * {{ outcomes }}.purchase_amount_before / {{ outcomes }}.spend_days_before
                then 1
            else 0
        end
    {%- else -%}
        case
            when coalesce({{ outcomes }}.was_active, 0) = 0 or {{ outcomes }}.was_cancelled = 1
                then 1
            else 0
        end
    {%- endif -%}
{% endmacro %}

{# What the label needs of the days around each cut-off, one row per cut-off and customer.
   by_customer: cutoffs also has customer_id, and only that customer's days count. #}
{% macro churn_outcomes(cutoffs, daily, by_customer=false) %}
    {%- set is_half_spend = var('churn_label') == 'half_spend' -%}
    {%- set is_after = daily ~ '.activity_date > ' ~ cutoffs ~ '.cutoff_date' -%}
    select
        {{ cutoffs }}.cutoff_date,
        {{ daily }}.customer_id,
        max(case when {{ is_after }} and {{ daily }}.is_active then 1 else 0 end) as was_active,
        max(case when {{ is_after }} and {{ daily }}.cancellation_count > 0 then 1 else 0 end)
            as was_cancelled,
        min(case when {{ is_after }} and {{ daily }}.cancellation_count > 0
            then {{ daily }}.activity_date end) as first_cancelled_date,
        {{ spend('case when ' ~ is_after ~ ' then ' ~ daily ~ '.purchase_amount else 0 end') }}
            as purchase_amount_after,
        {{ spend('case when ' ~ is_after ~ ' then 0 else ' ~ daily ~ '.purchase_amount end') }}
            as purchase_amount_before
        {%- if is_half_spend %},
        {{ spend_days(
            "datediff('day', min(cast(seen.first_seen_at as date)), " ~ cutoffs ~ ".cutoff_date) + 1",
            days_before()
        ) }} as spend_days_before
        {%- endif %}
    from {{ cutoffs }}
    inner join {{ daily }}
        on
            {{ daily }}.activity_date > {{ cutoffs }}.cutoff_date - {{ days_before() }}
            and {{ daily }}.activity_date
            <= {{ cutoffs }}.cutoff_date + {{ var('churn_horizon_days') }}
            {%- if by_customer %}
            and {{ daily }}.customer_id = {{ cutoffs }}.customer_id
            {%- endif %}
    {%- if is_half_spend %}
    inner join {{ ref('churn_metrics_live') }} as seen
        on {{ daily }}.customer_id = seen.customer_id
    {%- endif %}
    group by {{ cutoffs }}.cutoff_date, {{ daily }}.customer_id
{% endmacro %}

{# Days before a cut-off that half_spend compares with: the longest window of the metrics. #}
{% macro days_before() %}{{ return(84) }}{% endmacro %}
