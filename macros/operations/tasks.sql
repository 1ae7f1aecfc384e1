{# dbt run-operation resume_tasks · suspend_tasks · start_new_tasks ·
   execute_task --args '{name: process_alerts}' #}

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

{# What a deploy does at its end: starts the tasks and alerts that a build has made for the first time, and
   leaves alone what somebody, or Snowflake after failures, has suspended: it says which. #}
{% macro start_new_tasks(dry_run=false) %}
    {%- if execute -%}{{ return(adapter.dispatch('start_new_tasks')(dry_run)) }}{%- endif -%}
{% endmacro %}
{% macro default__start_new_tasks(dry_run) %}{{ no_such_engine('start_new_tasks') }}{% endmacro %}
{% macro duckdb__start_new_tasks(dry_run) %}
    {%- do log('start_new_tasks: nothing to do on DuckDB, where tasks are made running', info=True) -%}
{% endmacro %}
{% macro snowflake__start_new_tasks(dry_run) %}
    {%- if dry_run -%}
        {%- do log('-- start_new_tasks, as ' ~ target.role ~ ': those tasks and alerts that are new', info=True) -%}
        {{ return('') }}
    {%- endif -%}
    {%- set left = [] -%}
    {%- for task in pipeline_tasks() | reverse -%}
        {%- set shown = shown_object('task', task.relation) -%}
        {%- if is_to_start('task', task.relation, shown) -%}
            {%- do set_one_task(task, 'resume') -%}
        {%- elif is_suspended(shown) -%}
            {%- do left.append(task.relation.identifier) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for warning in pipeline_relations('warning') -%}
        {%- set shown = shown_object('alert', warning) -%}
        {%- if is_to_start('alert', warning, shown) -%}
            {%- do set_warning(warning, 'resume') -%}
        {%- elif is_suspended(shown) -%}
            {%- do left.append(warning.identifier) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for table in in_order_of_the_flow('dynamic_table') if is_suspended(shown_object('dynamic table', table)) -%}
        {%- do left.append(table.identifier) -%}
    {%- endfor -%}
    {%- do log(
        'start_new_tasks: ' ~ left | join(', ') ~ ' were suspended and stay so; resume_tasks resumes them',
        info=True
    ) if left -%}
{% endmacro %}

{# Of what SHOW says of a task, an alert or a dynamic table. #}
{% macro is_suspended(shown) %}
    {{ return(
        shown is not none
        and (shown['state'] if 'state' in shown.keys() else shown['scheduling_state']) | lower == 'suspended'
    ) }}
{% endmacro %}

{# Suspended in the order of the flow, what a stream triggers first, so that nothing is started that
   cannot be ended; resumed the other way round. #}
{% macro set_tasks(verb) %}
    {%- if execute -%}
        {%- set tasks = pipeline_tasks() -%}
        {%- for task in (tasks if verb == 'suspend' else tasks | reverse) -%}
            {%- do set_one_task(task, verb) -%}
        {%- endfor -%}
        {%- for warning in pipeline_relations('warning') -%}
            {%- do set_warning(warning, verb) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{# task: as pipeline_tasks() has it. #}
{% macro set_one_task(task, verb) %}
    {%- do run_query(set_task(task.relation, verb)) -%}
    {%- do forget_start('task', task.relation) -%}
    {%- do log(task.relation.identifier ~ ': ' ~ verb ~ ('d' if verb == 'resume' else 'ed'), info=True) -%}
    {%- do catch_up(task.stream) if task.stream and verb == 'resume' -%}
{% endmacro %}

{# A task or alert that was resumed or suspended by an operator is no new one any more. #}
{% macro forget_start(kind, relation) %}{{ return(adapter.dispatch('forget_start')(kind, relation)) }}{% endmacro %}
{% macro default__forget_start(kind, relation) %}{{ no_such_engine('forget_start') }}{% endmacro %}
{% macro snowflake__forget_start(kind, relation) %}
    {%- do run_query(
        'delete from ' ~ object_definitions(relation) ~ " where kind = 'start of " ~ kind ~ "' and name = '"
        ~ relation.identifier | upper ~ "'"
    ) -%}
{% endmacro %}
{% macro duckdb__forget_start(kind, relation) %}{% endmacro %}

{# A warning is suspended and resumed with the tasks that it looks after. #}
{% macro set_warning(warning, verb) %}
    {{ return(adapter.dispatch('set_warning')(warning, verb)) }}
{% endmacro %}
{% macro default__set_warning(warning, verb) %}{{ no_such_engine('set_warning') }}{% endmacro %}
{% macro snowflake__set_warning(warning, verb) %}
    {%- do run_query('alter alert ' ~ warning ~ ' ' ~ verb) -%}
    {%- do forget_start('alert', warning) -%}
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

{% macro execute_task(name='') %}
    {%- if execute -%}
        {%- set known = [] -%}
        {%- for task in pipeline_relations('task') if task.identifier | lower == name | lower -%}
            {%- do known.append(task) -%}
        {%- endfor -%}
        {%- if not known -%}
            {%- do refuse(
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
