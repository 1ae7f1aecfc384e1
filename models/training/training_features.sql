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

merged_later as (

    {{ merged_later('cutoffs') }}

),

earlier_days as (

    {{ days_before_merges('merged_later') }}

),

history as (

    {{ history_days('cutoffs', 'daily', 'merged_later', 'earlier_days') }}

),

monthly as (

    {{ history_months('cutoffs', 'whole_months', 'history', 'merged_later', 'earlier_days') }}

),

metrics as (

    {{ customer_metrics('history', 'monthly', ['cutoff_date', 'customer_id']) }}

),

features as (

    {{ with_clock_features('metrics', 'cutoff_date') }}

)

select * from features
