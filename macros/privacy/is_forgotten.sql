{# Whether an id is one of a customer who was forgotten: for few rows at a time, because it hashes each.
   False while nobody was forgotten. #}
{% macro is_forgotten(customer_id) -%}
    (
        {{ id_hash('(select max(salt) from ' ~ ref('forgotten_customers') ~ ')', customer_id) }}
        in (select id_hash from {{ ref('forgotten_customers') }})
    )
{%- endmacro %}

{# What is kept of the id of a customer who was forgotten. ingest/forgotten.py makes the same. The salt is
   drawn once for a database, so that hashes of two databases have nothing in common. #}
{% macro id_hash(salt, customer_id) -%}
    {{ sha256_text('coalesce(' ~ salt ~ ", '') || " ~ customer_id) }}
{%- endmacro %}

{% macro sha256_text(text) %}{{ return(adapter.dispatch('sha256_text')(text)) }}{% endmacro %}
{% macro default__sha256_text(text) %}{{ no_such_engine('sha256_text') }}{% endmacro %}
{% macro snowflake__sha256_text(text) -%}sha2({{ text }}, 256){%- endmacro %}
{% macro duckdb__sha256_text(text) -%}sha256({{ text }}){%- endmacro %}

{# What stands in the place of an id of a customer, or of an alert, afterwards: random, so that nobody can
   compute it from the id. #}
{% macro anonymous_id() -%}'{{ anonymous_prefix() }}' || {{ random_id() }}{%- endmacro %}
{% macro anonymous_prefix() %}{{ return('forgotten-') }}{% endmacro %}

{% macro random_id() %}{{ return(adapter.dispatch('random_id')()) }}{% endmacro %}
{% macro default__random_id() %}{{ no_such_engine('random_id') }}{% endmacro %}
{% macro snowflake__random_id() -%}uuid_string(){%- endmacro %}
{% macro duckdb__random_id() -%}cast(uuid() as varchar){%- endmacro %}

{# Whether an id of an alert's customer is an anonymous one: what such a customer did after the alert
   nobody can know any more, so that nothing more is concluded of it. #}
{% macro is_anonymous(customer_id) -%}
    ({{ customer_id }} like '{{ anonymous_prefix() }}%' and length({{ customer_id }}) = {{ 36 + anonymous_prefix() | length }})
{%- endmacro %}
