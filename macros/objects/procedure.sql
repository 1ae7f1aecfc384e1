{# PROCEDURE: statements that somebody calls with parameters. All of them are one transaction, in
   which no task and no other procedure writes alerts (in_turn.sql); the last one, a select that begins a
   line and has no semicolon at the end of one, is the answer.
   meta: parameters (names; all are texts) and returns (the answer's columns; all are texts). #}
{% macro create_procedure(relation, body, parameters, returns) %}
    {%- do check_whole_body(body) -%}
    {{ return(adapter.dispatch('create_procedure')(relation, body, parameters, returns)) }}
{% endmacro %}

{% macro default__create_procedure(relation, body, parameters, returns) %}
    {{ no_such_engine('create_procedure') }}
{% endmacro %}

{# Owner's rights, so that a caller needs no right on the tables. COPY GRANTS: a procedure that is
   replaced keeps who may call it; so it is with all that this project replaces. #}
{% macro snowflake__create_procedure(relation, body, parameters, returns) %}
    {%- set parts = (body | trim).rsplit(';\n', 1) -%}
    {%- set alert_turn = relation.database ~ '.' ~ relation.schema ~ '.alert_turn' -%}
    create or replace procedure {{ relation }}(
        {%- for name in parameters %}{{ name }} varchar{{ ', ' if not loop.last }}{% endfor -%}
    )
    copy grants
    returns table (
        {%- for name in returns %}{{ name }} varchar{{ ', ' if not loop.last }}{% endfor -%}
    )
    language sql
    execute as owner
    as
    $$
    declare
        answer resultset;
    begin
        {{ take_turn(alert_turn) }};
        {{ parts[0] }};
        answer := ({{ parts[1] }});
        commit;
        return table(answer);
    exception
        when other then
            rollback;
            raise;
    end;
    $$
{% endmacro %}

{% macro duckdb__create_procedure(relation, body, parameters, returns) %}
    merge into {{ relation.database }}.embedded.procedures as registered
    using (
        select
            {{ sql_literal(relation.identifier) }} as name,
            {{ sql_literal(body) }} as body,
            {{ sql_literal(tojson(parameters)) }} as parameters
    ) as wanted
    on registered.name = wanted.name
    when matched then update set body = wanted.body, parameters = wanted.parameters
    when not matched then insert (name, body, parameters)
        values (wanted.name, wanted.body, wanted.parameters)
{% endmacro %}

{% materialization procedure, default %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') %}{{ create_procedure(
        target_relation, sql, config.meta_require('parameters'), config.meta_require('returns')
    ) }}{% endcall %}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': []}) }}
{% endmaterialization %}

{# A parameter of a procedure, in its body. #}
{% macro parameter(name) %}{{ return(adapter.dispatch('parameter')(name)) }}{% endmacro %}
{% macro default__parameter(name) %}{{ no_such_engine('parameter') }}{% endmacro %}
{% macro snowflake__parameter(name) %}:{{ name }}{% endmacro %}
{% macro duckdb__parameter(name) %}getvariable('{{ name }}'){% endmacro %}
