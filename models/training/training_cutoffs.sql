{# A view: the snapshots must never be cut at dates of an earlier build. #}
{{ config(materialized='view') }}
{%- set named = var('training_earliest_cutoff') | string -%}
{%- set earliest_cutoff = 'first_date' if named == 'earliest' else date_literal(named) -%}

with

daily as (

    select * from {{ ref('customer_activity_daily') }}

),

-- The last day may still be going on, so labels end with the day before it. What counts is the
-- data's own end: while the loader is down, nobody has fallen silent.
bounds as (

    select
        min(activity_date) as first_date,
        {%- set latest = "max(activity_date) - 1 - " ~ var('churn_horizon_days') %}
        {%- if var('training_latest_cutoff') | string == 'latest' %}
        {{ latest }} as last_cutoff_date
        {%- else %}
        least({{ latest }}, {{ date_literal(var('training_latest_cutoff')) }})
            as last_cutoff_date
        {%- endif %}
    from daily

),

numbers as (

    {% for number in range(var('training_cutoffs')) -%}
    select {{ number }} as number{{ ' union all' if not loop.last }}
    {% endfor %}

),

cutoffs as (

    select
        last_cutoff_date - number * {{ var('training_cutoff_every_days') }} as cutoff_date
    from bounds
    cross join numbers
    where
        last_cutoff_date - number * {{ var('training_cutoff_every_days') }}
        >= greatest(first_date + {{ var('churn_horizon_days') }}, {{ earliest_cutoff }})

)

select * from cutoffs
