{# Not kept by itself: the snapshots keep those of the population, with their labels. #}
{{ config(materialized='ephemeral') }}

with

daily as (

    select * from {{ ref('customer_activity_daily') }}

),

whole_months as (

    select * from {{ ref('customer_activity_monthly') }}

),

cutoffs as (

    select * from {{ ref('training_cutoffs') }}

),

history as (

    {{ history_days('cutoffs', 'daily') }}

),

monthly as (

    {{ history_months('cutoffs', 'whole_months', 'history') }}

),

metrics as (

    {{ customer_metrics('history', 'monthly', ['cutoff_date', 'customer_id']) }}

),

features as (

    {{ with_clock_features('metrics', 'cutoff_date') }}

)

select * from features
