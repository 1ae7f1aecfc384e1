{# A customer's name, address or message, or a text that may hold one, where some asking role sees
   that customer's region with personal data (seeds/manager_regions.csv). Others see that it is masked;
   what is not there is NULL for everyone. Plain SQL inside secure views, so that it works on every
   edition of Snowflake.
   is_seen: whether personal data of the row's customer is seen, as manager_customers has it. #}
{% macro masked(column, is_seen) -%}
    case when {{ is_seen }} or {{ column }} is null then {{ column }} else 'masked' end
{%- endmacro %}

{# Figures over everyone are for roles that see every region. #}
{% macro may_see_all_regions() -%}
    (
        select count(*) > 0
        from {{ ref('visible_regions') }}
        where region = '*'
    )
{%- endmacro %}

{# Columns of managers' views that hold such texts: beside names, addresses and messages what people,
   mail servers and language models wrote about a customer. #}
{% macro personal_columns() %}
    {{ return([
        'name', 'email', 'subject', 'body', 'marks', 'reason', 'state_reason',
        'suppressed_because', 'draft_error', 'delivery_detail',
    ]) }}
{% endmacro %}

{# Who looks at the dashboard. It runs with its owner's role for everyone, but CURRENT_USER is the
   viewer, once `read session` is granted to that role. On the laptop there is only one user. #}
{% macro asking_user() %}{{ return(adapter.dispatch('asking_user')()) }}{% endmacro %}
{% macro default__asking_user() %}{{ no_such_engine('asking_user') }}{% endmacro %}
{% macro snowflake__asking_user() -%}current_user(){%- endmacro %}
{% macro duckdb__asking_user() -%}current_user{%- endmacro %}
