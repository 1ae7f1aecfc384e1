{{ config(materialized='function') }}

{{ generate_retention_email_statements() | join(';\n') }}
