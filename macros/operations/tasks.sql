{# dbt run-operation resume_tasks · suspend_tasks · execute_task --args '{name: process_alerts}' #}

{# What failed too often is suspended, dynamic tables too: resuming them is one and the same, each
   table after those that it reads. With dry_run it says the names. #}
{% macro resume_tasks(dry_run=false) %}
    {%- if execute and dry_run -%}
        {%- do log('-- resume_tasks, as ' ~ target.role ~ ': dynamic tables '
            ~ pipeline_relations('dynamic_table') | map(attribute='identifier') | join(', ')
            ~ ', and tasks ' ~ pipeline_tasks() | map(attribute='relation')
            | map(attribute='identifier') | join(', '), info=True) -%}
    {%- else -%}
        {{ resume_all() }}
    {%- endif -%}
{% endmacro %}

{% macro resume_all() %}
    {%- if execute -%}
        {%- for table in in_order_of_the_flow('dynamic_table') -%}
            {%- do run_query(resume_dynamic_table(table)) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ set_tasks('resume') }}
{% endmacro %}

{% macro resume_dynamic_table(table) %}
    {{ return(adapter.dispatch('resume_dynamic_table')(table)) }}
{% endmacro %}
{% macro default__resume_dynamic_table(table) %}
    {{ no_such_engine('resume_dynamic_table') }}
{% endmacro %}
{% macro snowflake__resume_dynamic_table(table) %}alter dynamic table {{ table }} resume{% endmacro %}
{% macro duckdb__resume_dynamic_table(table) %}
    delete from {{ table.database }}.embedded.refresh_failures
    where name = '{{ table.identifier }}'
{% endmacro %}

{% macro suspend_tasks() %}{{ set_tasks('suspend') }}{% endmacro %}

{# Suspended in the order of the flow, what a stream triggers first, so that nothing is started that
   cannot be ended; resumed the other way round. #}
{% macro set_tasks(verb) %}
    {%- if execute -%}
        {%- set tasks = pipeline_tasks() -%}
        {%- for task in (tasks if verb == 'suspend' else tasks | reverse) -%}
            {%- do run_query(set_task(task.relation, verb)) -%}
            {%- do log(task.relation.identifier ~ ': ' ~ verb ~ ('d' if verb == 'resume' else 'ed'),
                info=True) -%}
            {%- if task.stream and verb == 'resume' -%}{%- do catch_up(task.stream) -%}{%- endif -%}
        {%- endfor -%}
        {%- for warning in pipeline_relations('warning') -%}
            {%- do set_warning(warning, verb) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{# A warning is suspended and resumed with the tasks that it looks after. #}
{% macro set_warning(warning, verb) %}
    {{ return(adapter.dispatch('set_warning')(warning, verb)) }}
{% endmacro %}
{% macro default__set_warning(warning, verb) %}{{ no_such_engine('set_warning') }}{% endmacro %}
{% macro snowflake__set_warning(warning, verb) %}
    {%- do run_query('alter alert ' ~ warning ~ ' ' ~ verb) -%}
    {%- do log(warning.identifier ~ ': ' ~ verb ~ ('d' if verb == 'resume' else 'ed'), info=True) -%}
{% endmacro %}
{% macro duckdb__set_warning(warning, verb) %}
    {%- do log(
        warning.identifier ~ ': nothing to ' ~ verb ~ ' on DuckDB, which sends no warnings', info=True
    ) -%}
{% endmacro %}

{% macro set_task(task, verb) %}{{ return(adapter.dispatch('set_task')(task, verb)) }}{% endmacro %}
{% macro default__set_task(task, verb) %}{{ no_such_engine('set_task') }}{% endmacro %}
{% macro snowflake__set_task(task, verb) %}alter task {{ task }} {{ verb }}{% endmacro %}
{% macro duckdb__set_task(task, verb) %}
    update {{ task.database }}.embedded.tasks
    set
        is_suspended = {{ verb == 'suspend' }},
        consecutive_failures = 0,
        failed_as_of = null
    where name = '{{ task.identifier }}'
{% endmacro %}

{% macro execute_task(name) %}
    {%- if execute -%}
        {%- set known = [] -%}
        {%- for task in pipeline_relations('task') if task.identifier | lower == name | lower -%}
            {%- do known.append(task) -%}
        {%- endfor -%}
        {%- if not known -%}
            {%- do exceptions.raise_compiler_error(
                "there is no task '" ~ name ~ "': the tasks are "
                ~ (pipeline_relations('task') | map(attribute='identifier') | join(', '))
            ) -%}
        {%- endif -%}
        {%- do run_task_now(known[0]) -%}
        {%- do log_scoring_status() -%}
    {%- endif -%}
{% endmacro %}

{% macro run_task_now(task) %}{{ return(adapter.dispatch('run_task_now')(task)) }}{% endmacro %}
{% macro default__run_task_now(task) %}{{ no_such_engine('run_task_now') }}{% endmacro %}
{% macro snowflake__run_task_now(task) %}
    {%- do run_query('execute task ' ~ task) -%}
    {%- do log(task.identifier ~ ': started; see show_pipeline for how it ends', info=True) -%}
{% endmacro %}
{% macro duckdb__run_task_now(task) %}
    {%- do run_query('select 1') -%}
    {%- do embedded_action('execute_task', task.identifier) -%}
{% endmacro %}
