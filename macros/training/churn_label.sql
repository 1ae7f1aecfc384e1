{# The label of training: whether a customer churned in the horizon after a cut-off.
   outcomes: the alias of churn_outcomes, left joined: who did nothing at all has no row.
   lapse: no active event, or a cancellation that stands at the end of the horizon. half_spend: less
   than half as much a day as in the days before, of which only those count on which the customer was
   known; who spent nothing then has nothing to lose. Whoever pauses at the end of the horizon has
   neither left nor been silent, and spends nothing because nothing is due. #}
{% macro has_churned(outcomes) %}
    {%- set horizon = var('churn_horizon_days') -%}
    {%- if var('churn_label') == 'half_spend' -%}
        case
            when {{ is_paused(outcomes) }} then 0
            when
                coalesce({{ outcomes }}.purchase_amount_after, 0) / {{ horizon }}
                < 0.5 * {{ outcomes }}.purchase_amount_before / {{ outcomes }}.spend_days_before
                then 1
            else 0
        end
    {%- else -%}
        case
            when {{ is_paused(outcomes) }} then 0
            when
                coalesce({{ outcomes }}.was_active, 0) = 0
                or {{ outcomes }}.cancelled_at is not null
                then 1
            else 0
        end
    {%- endif -%}
{% endmacro %}

{# What the label needs of the days around each cut-off, one row per cut-off and customer.
   cancelled_at, paused_at: what stands at the end of the horizon, of these days. Nobody for whom an
   earlier one stands is in the population, and an alert may be older than a pause of its own day.
   by_customer: cutoffs also has customer_id, and only that customer's days count. #}
{% macro churn_outcomes(cutoffs, daily, by_customer=false) %}
    {%- set is_half_spend = var('churn_label') == 'half_spend' -%}
    {%- set is_after = daily ~ '.activity_date > ' ~ cutoffs ~ '.cutoff_date' -%}
    {%- set last_active_date -%}
        max(case when {{ daily }}.is_active then {{ daily }}.activity_date end)
    {%- endset -%}
    select
        {{ cutoffs }}.cutoff_date,
        {{ daily }}.customer_id,
        max(case when {{ is_after }} and {{ daily }}.is_active then 1 else 0 end) as was_active,
        {{- cancelled_and_paused(last_active_date, daily ~ '.') }},
        {{ unless_returned(
            'min(case when ' ~ is_after ~ ' then ' ~ daily ~ '.last_cancelled_at end)',
            last_active_date, 'max(' ~ daily ~ '.last_resumed_at)'
        ) }} as first_cancelled_at,
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
