{# Scheduled, and off by default (var retrain_schedule): trains again when model_health says why.
   What scores until then goes on, also when the training fails or refuses. #}
{{ config(
    materialized='task',
    meta={
        'schedule': var('retrain_schedule'),
        'dbt_command': 'run --select training_cutoffs training_snapshots new_customer_shares'
            ~ ' train_churn_model',
    },
) }}

select why
from {{ ref('model_health') }}
where retrain_due
