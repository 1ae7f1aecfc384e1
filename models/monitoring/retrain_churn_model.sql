{# Scheduled, and off by default (var retrain_schedule): trains again when model_health says why.
   What scores until then goes on, also when the training fails or refuses. PREDICT_CHURN holds the
   artefact on Snowflake, so it is made again after the training. #}
{{ config(
    materialized='task',
    meta={
        'schedule': var('retrain_schedule'),
        'dbt_command': 'run --select training_cutoffs training_snapshots new_customer_shares'
            ~ ' train_churn_model predict_churn',
    },
) }}

select why
from {{ ref('model_health') }}
where retrain_due
