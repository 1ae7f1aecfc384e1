{{ config(materialized='function') }}

{{ function_definition(generate_retention_email_statement()) }}
