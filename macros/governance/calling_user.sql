{# Who calls a procedure: a user's name. Snowflake says it itself, so that nobody can give another name:
   a procedure runs as its owner, and there IS_ROLE_IN_SESSION and CURRENT_ROLE speak of the owner, but
   SNOWFLAKE$SESSION speaks of the session that calls. It is NULL until the owner has READ SESSION on the
   account (grant_access). On the laptop it is the user of the operating system. #}
{% macro calling_user() %}{{ return(adapter.dispatch('calling_user')()) }}{% endmacro %}
{% macro default__calling_user() %}{{ no_such_engine('calling_user') }}{% endmacro %}
{% macro snowflake__calling_user() -%}sys_context('SNOWFLAKE$SESSION', 'PRINCIPAL_NAME'){%- endmacro %}
{% macro duckdb__calling_user() -%}getvariable('caller'){%- endmacro %}

{# Whether the caller's session has a role, as its primary or secondary one or beneath them. #}
{% macro has_caller_role(role) %}{{ return(adapter.dispatch('has_caller_role')(role)) }}{% endmacro %}
{% macro default__has_caller_role(role) %}{{ no_such_engine('has_caller_role') }}{% endmacro %}
{% macro snowflake__has_caller_role(role) -%}
    coalesce(cast(sys_context('SNOWFLAKE$SESSION', 'IS_ROLE_ACTIVATED', {{ role }}) as boolean), false)
{%- endmacro %}
{% macro duckdb__has_caller_role(role) -%}is_role_in_session({{ role }}){%- endmacro %}

{# Whether the caller is a user of seeds/dashboard_users.csv; the laptop goes by the role alone. #}
{% macro is_caller(user) %}{{ return(adapter.dispatch('is_caller')(user)) }}{% endmacro %}
{% macro default__is_caller(user) %}{{ no_such_engine('is_caller') }}{% endmacro %}
{% macro snowflake__is_caller(user) -%}{{ user }} = {{ calling_user() }}{%- endmacro %}
{% macro duckdb__is_caller(user) -%}false{%- endmacro %}
