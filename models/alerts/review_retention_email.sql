{{ config(materialized='function') }}

{{ function_definition(review_retention_email_statement()) }}
