{{ config(materialized='function') }}

{{ function_definition(
    review_retention_email_statement() if var('email_provider') == 'cortex' else drop_function()
) }}
