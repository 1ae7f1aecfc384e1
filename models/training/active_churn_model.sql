{# A view: what PREDICT_CHURN uses and what a score is labelled with must never be two versions. #}
{{ config(materialized='view') }}

with

runs as (

    select * from {{ ref('train_churn_model') }}

),

promotions as (

    select * from {{ ref('model_promotions') }}

),

latest as (

    select version
    from promotions
    where action <> 'kept'
    qualify row_number() over (order by decided_at desc, version desc) = 1

),

active as (

    select runs.*
    from runs
    inner join latest on runs.version = latest.version

)

select * from active
