{# What a manager asks for; the answer says, in a sentence each, what was refused. #}
{{ config(
    materialized='procedure',
    meta={
        'parameters': ['alert_ids', 'to_state', 'actor', 'reason'],
        'returns': ['alert_id', 'sentence'],
    }
) }}

{{ move_alerts(manager_moves()) }};
{{ refused_moves() }}
