{# DBT TASK: a task that has dbt do something, when its query returns a row; the first column says
   why. A task with meta.dbt_command is one; a schedule is what it needs beside that.
   Snowflake: EXECUTE DBT PROJECT of the project object CHURN_INTELLIGENCE in the schema of the
   models. DuckDB: dbt in a thread beside the scheduler (embedded/engine/dbt_commands.py). #}
{% macro create_dbt_task(relation, query, schedule, command) %}
    {{ return(adapter.dispatch('create_dbt_task')(relation, query, schedule, command)) }}
{% endmacro %}

{% macro default__create_dbt_task(relation, query, schedule, command) %}
    {{ no_such_engine('create_dbt_task') }}
{% endmacro %}

{# On a warehouse, because a serverless task cannot execute a dbt project. #}
{% macro snowflake__create_dbt_task(relation, query, schedule, command) %}
    create or replace task {{ relation }}
        warehouse = {{ target.warehouse }}
        schedule = '{{ schedule }}'
        user_task_timeout_ms = 7200000
        suspend_task_after_num_failures = {{ var('task_failures_before_suspension') }}
    as
    execute immediate $$
    begin
        {{ stop_unless(query) }}
        execute dbt project {{ relation.database }}.{{ relation.schema }}.churn_intelligence
            args = '{{ command }} --target snowflake';
        return 'done';
    end;
    $$
{% endmacro %}

{% macro duckdb__create_dbt_task(relation, query, schedule, command) %}
    {{ duckdb__create_task(relation, query, none, schedule) }};
    delete from {{ relation.database }}.embedded.task_commands
    where name = {{ sql_literal(relation.identifier) }};
    insert into {{ relation.database }}.embedded.task_commands (name, command)
    values ({{ sql_literal(relation.identifier) }}, {{ sql_literal(tojson(command.split())) }})
{% endmacro %}

{# What a task leaves when it is switched off: nothing. #}
{% macro drop_task(relation) %}{{ return(adapter.dispatch('drop_task')(relation)) }}{% endmacro %}
{% macro default__drop_task(relation) %}{{ no_such_engine('drop_task') }}{% endmacro %}
{% macro snowflake__drop_task(relation) %}drop task if exists {{ relation }}{% endmacro %}
{% macro duckdb__drop_task(relation) %}
    {%- for table in ['tasks', 'task_commands'] %}
    delete from {{ relation.database }}.embedded.{{ table }}
    where name = {{ sql_literal(relation.identifier) }}{{ ';' if not loop.last }}
    {%- endfor %}
{% endmacro %}
