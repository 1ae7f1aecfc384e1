{# What the model sees, in the order in which it sees it. Training, scoring and PREDICT_CHURN all
   take it from here. No score, cancellation or pause is among the features. #}
{% macro churn_features() %}
    {{ return([
        'days_since_last_activity', 'tenure_days', 'recency_to_usual_gap', 'recency_to_longest_gap',
        'active_days_total', 'active_days_7d', 'active_days_28d', 'active_days_84d',
        'activity_count_28d', 'activity_count_84d',
        'purchase_count_7d', 'purchase_count_28d', 'purchase_count_84d',
        'purchase_amount_7d', 'purchase_amount_28d', 'purchase_amount_84d', 'purchase_amount_total',
        'friction_count_28d', 'friction_count_84d', 'friction_count_since_last_activity',
        'marketing_count_28d', 'marketing_count_84d', 'marketing_count_since_last_activity',
        'gap_days_mean', 'gap_days_max', 'gap_days_stddev',
        'active_days_trend_7d_28d', 'active_days_trend_28d_84d', 'purchase_amount_trend_28d_84d',
    ]) }}
{% endmacro %}

{# Features that only grow while a customer lives. In a business that is younger than its customers'
   lives they drift for ever, which alone is no reason to train again. #}
{% macro growing_features() %}
    {{ return(['tenure_days', 'active_days_total', 'purchase_amount_total', 'gap_days_max']) }}
{% endmacro %}

{# One feature as the model takes it, in training and in scoring: a number, 0 where there is none. #}
{% macro feature_value(feature) -%}
    coalesce(cast({{ feature }} as double), 0)
{%- endmacro %}

{# All features of a relation, as columns under their names. #}
{% macro feature_columns(relation) -%}
    {%- for feature in churn_features() -%}
        {{ feature_value(relation ~ '.' ~ feature) }} as {{ feature }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# Rows of customer_metrics with what depends on the clock, from the end of a date: whole UTC days.
   as_of_date: in training the cut-off, in serving features_date (last_closed_day.sql). #}
{% macro with_clock_features(metrics, as_of_date) %}
    select
        *,
        {{ days_away('last_activity_at', as_of_date) }} as days_since_last_activity,
        greatest(datediff('day', cast(first_seen_at as date), {{ as_of_date }}), 0) as tenure_days,
        round(
            {{ days_away('last_activity_at', as_of_date) }}
            / nullif(gap_days_mean, 0), 6
        ) as recency_to_usual_gap,
        round(
            {{ days_away('last_activity_at', as_of_date) }}
            / nullif(cast(gap_days_max as double), 0), 6
        ) as recency_to_longest_gap
    from {{ metrics }}
{% endmacro %}

{# Whether a row of customer_metrics belongs to the population at a date: enough active days in the
   last days, and neither cancelled nor paused. The k-th last active day says it without another
   window. #}
{% macro in_population(as_of_date, prefix='') -%}
    (
        {{ prefix }}cancelled_at is null
        and {{ prefix }}paused_at is null
        and {{ prefix }}qualifying_active_date is not null
        and {{ prefix }}qualifying_active_date > {{ as_of_date }} - {{ var('population_window_days') }}
    )
{%- endmacro %}

{# A fingerprint of the features: equal fingerprints mean that the score cannot have changed. Each
   engine compares only its own, so that each may use its own, fast, 64 bit hash. #}
{% macro features_hash() -%}
    cast(hash({{ churn_features() | join(', ') }}) as {{ dbt.type_string() }})
{%- endmacro %}
