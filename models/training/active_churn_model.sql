{# A view: what PREDICT_CHURN uses and what a score is labelled with must never be two versions. #}
{{ config(materialized='view') }}

with

runs as (

    select * from {{ ref('train_churn_model') }}

),

latest as (

    select *
    from runs
    where status = 'trained'
    qualify row_number() over (order by trained_at desc, version desc) = 1

)

select * from latest
