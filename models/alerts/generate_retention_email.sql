{{ config(materialized='function') }}

{{ function_definition(
    generate_retention_email_statement() if var('email_provider') == 'cortex' else drop_function()
) }}
