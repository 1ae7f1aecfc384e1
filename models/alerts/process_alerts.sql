{# Triggered: customers whose metrics just changed. Deletions carry nothing to score; reading the
   stream consumes them all the same. #}
{{ config(materialized='task', meta={'stream': 'churn_metrics_stream'}) }}

{{ react("(select * from " ~ ref('churn_metrics_stream') ~ " where metadata$action = 'INSERT')") }}
