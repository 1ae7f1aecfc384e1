{# dbt run-operation forget_customer --args '{customer_id: H0900}'
   Removes a customer everywhere, or makes the rows anonymous that carry counts: docs/security.md, "Forget
   a person". --args '{customer_id: H0900, dry_run: true}' lists what there is, and changes nothing. May be
   run again at any time: what was begun and did not end is then ended. #}
{% macro forget_customer(customer_id='', dry_run=false) %}
    {%- if execute -%}
        {%- if customer_id | string | trim == '' -%}
            {%- do refuse("forget_customer needs an id: --args '{customer_id: H0900}', and {dry_run: true} to see what there is") -%}
        {%- endif -%}
        {%- do know_merged_ids() -%}
        {%- set found = call_forget_customer(customer_id | string, true) -%}
        {%- do log_what_there_is(found) -%}
        {%- if dry_run -%}
            {%- do log_sentences(found) -%}
        {%- else -%}
            {%- do log_sentences(call_forget_customer(customer_id | string, false)) -%}
            {%- do forget_outside_of_tables() -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{# Merges that came since the last refresh belong to the customer, too. #}
{% macro know_merged_ids() %}
    {%- for table in in_order_of_the_flow('dynamic_table')
        if table.identifier | lower in ['customer_merges', 'customer_identity_steps', 'customer_identities'] -%}
        {%- do refresh_now(table) -%}
    {%- endfor -%}
{% endmacro %}

{# What FORGET_CUSTOMER answers, as lists of name, action, row_count and sentence. The id is a value for both
   engines, and not in the text of the call. #}
{% macro call_forget_customer(customer_id, dry_run) %}
    {{ return(adapter.dispatch('call_forget_customer')(customer_id, dry_run | string | lower)) }}
{% endmacro %}
{% macro default__call_forget_customer(customer_id, dry_run) %}{{ no_such_engine('forget_customer') }}{% endmacro %}
{% macro snowflake__call_forget_customer(customer_id, dry_run) %}
    {%- set _, cursor = adapter.add_query(
        'call ' ~ model_relation('forget_customer') ~ '(customer_id => %s, dry_run => %s)',
        bindings=[customer_id, dry_run], abridge_sql_log=True
    ) -%}
    {{ return(cursor.fetchall()) }}
{% endmacro %}
{% macro duckdb__call_forget_customer(customer_id, dry_run) %}
    {%- set answer = [] -%}
    {%- do run_query('select 1') -%}
    {%- do embedded_action(
        'forget_customer', 'customer',
        {'customer_id': customer_id, 'dry_run': dry_run, 'answer': answer}
    ) -%}
    {{ return(answer) }}
{% endmacro %}

{% macro log_what_there_is(answer) %}
    {%- for name, action, row_count, _ in answer if name is not none -%}
        {%- do log('  ' ~ name ~ ' | ' ~ row_count ~ ' | ' ~ action, info=True) -%}
    {%- endfor -%}
{% endmacro %}
{% macro log_sentences(answer) %}
    {%- for _, _, _, sentence in answer if sentence is not none -%}
        {%- do log('forget_customer: ' ~ sentence, info=True) -%}
    {%- endfor -%}
{% endmacro %}

{# Snowflake: the dynamic tables follow now and not with the next refresh. DuckDB: the bytes of what was
   deleted, and the files. #}
{% macro forget_outside_of_tables() %}{{ return(adapter.dispatch('forget_outside_of_tables')()) }}{% endmacro %}
{% macro default__forget_outside_of_tables() %}{{ no_such_engine('forget_customer') }}{% endmacro %}
{% macro snowflake__forget_outside_of_tables() %}{{ return(refresh()) }}{% endmacro %}
{% macro duckdb__forget_outside_of_tables() %}
    {%- do embedded_action('forget_files', 'all') -%}
{% endmacro %}
