{{ config(
    materialized='function',
    enabled=target.type != 'snowflake' or var('email_provider') == 'cortex'
) }}

{{ function_definition(generate_retention_email_statement()) }}
