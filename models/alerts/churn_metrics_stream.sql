{{ config(materialized='stream') }}

select * from {{ ref('churn_metrics_live') }}
