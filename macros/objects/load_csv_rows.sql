{# dbt-snowflake empties a seed's table, then fills it: between the two, tasks that run would read no
   policy and no region. INSERT OVERWRITE exchanges the rows in one statement, and a failure leaves
   the old ones. Only rows after the first batch, 10,000, come by themselves. An empty file empties the
   table; with --full-refresh the table is made again, so suspend the tasks before that. #}
{% macro snowflake__reset_csv_table(model, full_refresh, old_relation, agate_table) %}
    {%- if full_refresh or not agate_table.rows -%}
        {{ return(default__reset_csv_table(model, full_refresh, old_relation, agate_table)) }}
    {%- endif -%}
    {{ return('') }}
{% endmacro %}

{% macro snowflake__load_csv_rows(model, agate_table) %}
    {%- set columns = get_seed_column_quoted_csv(model, agate_table.column_names) -%}
    {%- set places = '(' ~ (['%s'] * (agate_table.column_names | length)) | join(', ') ~ ')' -%}
    {%- set statements = [] -%}
    {%- for chunk in agate_table.rows | batch(get_batch_size()) -%}
        {%- set bindings = [] -%}
        {%- for row in chunk -%}{%- do bindings.extend(row) -%}{%- endfor -%}
        {%- do statements.append(
            'insert ' ~ ('overwrite ' if loop.first) ~ 'into ' ~ this.render() ~ ' (' ~ columns
            ~ ') values ' ~ ([places] * (chunk | length)) | join(', ')
        ) -%}
        {%- do adapter.add_query(statements[-1], bindings=bindings, abridge_sql_log=True) -%}
    {%- endfor -%}
    {{ return(statements[0]) }}
{% endmacro %}
