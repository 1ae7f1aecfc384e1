{# Holds the active version's artefact, and therefore comes after it. #}
{{ config(materialized='function') }}

{{ function_definition(predict_churn_definition(ref('active_churn_model'))) }}
