{# A pre-hook of every seed: stops the build, in a sentence, while the seed's table still holds its old
   rows. Snowflake commits each statement at once, so that a check of the loaded table would come too
   late: tasks would read the bad rows until somebody corrects them. So what is checked are the rows of
   the file, as a query.
   problems: a query for the column `problem`, one sentence a row, from the relation seed_rows. #}
{% macro check_seed(problems) %}
    {%- if execute and flags.WHICH in ['build', 'seed'] -%}
        {{ return(stop_on_problems(checked_seed(load_agate_table(), problems))) }}
    {%- endif -%}
    select 1
{% endmacro %}

{# The problems of the rows of a file. table: dbt's, of the seed that is being loaded. #}
{% macro checked_seed(table, problems) %}
    with seed_rows as (
        {{ seed_rows(table) }}
    ),
    found as (
        {{ problems }}
    )
    select problem from found order by problem
{% endmacro %}

{# The rows of a seed's file as a query, with the types that its table has. Snowflake takes at most
   16,384 rows in one VALUES. #}
{% macro seed_rows(table) %}
    {%- set wanted, names = model.config.get('column_types', {}), table.column_names -%}
    {%- for rows in (table.rows | batch(get_batch_size()) | list) or [[]] %}
    {{ 'union all' if not loop.first }}
    select
        {%- for name in names %}
        cast({{ name }} as {{ wanted.get(name, adapter.convert_type(table, loop.index0)) }}) as {{ name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from (
        values
        {%- for row in rows or [[none] * (names | length)] %}
        (
            {%- for value in row %}{{ sql_literal(value) | trim }}{{ ', ' if not loop.last }}{% endfor -%}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ) as listed ({{ names | join(', ') }})
    {{- ' where 1 = 0' if not rows }}
    {%- endfor %}
{% endmacro %}

{# What the rows of seed_rows break of the data tests that are declared for the seed. #}
{% macro seed_test_problems() %}
    {%- for node in (graph.nodes.values() if execute else [])
        if node.resource_type == 'test' and node.attached_node == model.unique_id %}
    {%- set test, column = node.test_metadata, node.test_metadata.kwargs.column_name %}
    select
        {{ sql_literal(model.original_file_path ~ ': column ' ~ column ~ ' breaks its data test '
            ~ test.name ~ ' with the value ') }} || coalesce(value_found, '(empty)') as problem
    from (
        select cast({{ column }} as {{ dbt.type_string() }}) as value_found from seed_rows
    ) as tested
    {%- if test.name == 'not_null' %}
    where value_found is null
    {%- elif test.name == 'unique' %}
    where value_found is not null
    group by value_found
    having count(*) > 1
    {%- elif test.name == 'accepted_values' %}
    where
        value_found not in (
            {%- for value in test.kwargs['values'] -%}
            {{ sql_literal(value) | trim }}{{ ', ' if not loop.last }}
            {%- endfor -%}
        )
    {%- else -%}
        {%- do exceptions.raise_compiler_error(
            "macros/objects/check_seed.sql cannot check the data test " ~ test.name ~ " of "
            ~ model.original_file_path ~ " before the seed is loaded: teach it"
        ) -%}
    {%- endif %}
    union all
    {%- endfor %}
    select cast(null as {{ dbt.type_string() }}) as problem from seed_rows where 1 = 0
{% endmacro %}
