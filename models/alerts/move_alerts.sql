{# What a manager asks for; the answer says, in a sentence each, what was refused, and which of the
   approved alerts are held out. #}
{{ config(
    materialized='procedure',
    pre_hook="{{ drop_procedure_with_actor() }}",
    meta={
        'parameters': ['alert_ids', 'to_state', 'reason', 'revision'],
        'returns': ['alert_id', 'sentence', 'kind'],
    }
) }}

{{ move_alerts(manager_moves()) }};
{{ answers_to_moves() }}
