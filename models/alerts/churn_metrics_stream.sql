{# When the stream had to be re-created, what it missed is caught up by the sweep. #}
{{ config(materialized='stream', meta={'caught_up_by': 'sweep_silent_customers'}) }}

select * from {{ ref('churn_metrics_live') }}
