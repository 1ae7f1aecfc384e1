{# A manager's own words: a new revision of a draft that is not approved yet, checked like every
   draft. The same words again add nothing. #}
{{ config(
    materialized='procedure',
    pre_hook="{{ drop_procedure_with_actor() }}",
    meta={
        'parameters': ['alert_id', 'subject', 'body'],
        'returns': ['alert_id', 'sentence'],
    }
) }}

{{ add_revision() }};
{{ refused_revision() }}
