{# TRAIN_CHURN_MODEL(): trains without dbt, and keeps the run. What serves is decided by dbt. #}
{{ config(materialized='python_procedure') }}

select * from {{ ref('train_churn_model') }}
