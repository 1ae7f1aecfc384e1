{# A relation with the warehouses (name) of which three quarters of the month's credits are used, as
   much as their resource monitors notify at. Account usage comes up to three hours late. It needs a
   privilege of its own, and is asked only where somebody is to be warned. #}
{% macro spent_warehouses() %}{{ return(adapter.dispatch('spent_warehouses')()) }}{% endmacro %}
{% macro default__spent_warehouses() %}{{ no_such_engine('spent_warehouses') }}{% endmacro %}
{% macro snowflake__spent_warehouses() -%}
    {%- if not warns() -%}{{ return(no_warehouses()) }}{%- endif -%}
    (
        select used.warehouse_name as name
        from snowflake.account_usage.warehouse_metering_history as used
        inner join (
            {%- for warehouse in (warehouses() if execute else []) %}
            select '{{ warehouse.name }}' as name, {{ warehouse.quota }} as quota
            {%- if not loop.last %} union all {%- endif %}
            {%- endfor %}
        ) as quotas on used.warehouse_name = quotas.name
        where used.start_time >= date_trunc('month', convert_timezone('UTC', current_timestamp()))
        group by used.warehouse_name, quotas.quota
        having sum(used.credits_used) >= 0.75 * quotas.quota
    )
{%- endmacro %}
{# DuckDB has no warehouses, and costs nothing. #}
{% macro duckdb__spent_warehouses() %}{{ return(no_warehouses()) }}{% endmacro %}

{% macro no_warehouses() %}(select cast(null as varchar) as name where 1 = 0){% endmacro %}
