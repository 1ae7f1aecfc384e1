{# Why no customer can be scored now and what to do about it, in one sentence for people; NULL while
   customers are scored. Reads the columns that scoring_status puts together. #}
{% macro why_not_scored() -%}
    case
        when data_as_of is null
            then 'no events are loaded: load a file ({{ loading_command() }}), or start the loader'
        when version is null
            then 'no model is trained: ' || coalesce(status, 'training has not run')
                || '; run dbt build once there is more'
        when is_stale
            then 'the newest event is of ' || data_as_of_text
                || ', and events that come over a topic are scored for {{ stale_after_minutes() }}'
                || ' minutes: has the loader stopped? To score data that ends earlier, load it as a'
                || ' file ({{ loading_command() }})'
        when customers_to_score = 0
            then 'no customer has {{ var("population_min_active_days") }} active days in the last'
                || ' {{ var("population_window_days") }} days of the data: load more of it, or lower'
                || ' population_min_active_days'
        when scored_customers = 0
            then 'customers are scored by the next run: {{ scoring_command() | replace("'", "''") }}'
    end
{%- endmacro %}

{# What loads a file into this engine's tables. #}
{% macro loading_command() -%}
    python -m ingest load FILE{{ ' --into snowflake' if target.type == 'snowflake' }}
{%- endmacro %}

{# What scores everybody at once, for whoever does not want to wait. #}
{% macro scoring_command() %}{{ return(adapter.dispatch('scoring_command')()) }}{% endmacro %}
{% macro default__scoring_command() %}{{ no_such_engine('scoring_command') }}{% endmacro %}
{% macro duckdb__scoring_command() -%}python -m embedded tick{%- endmacro %}
{% macro snowflake__scoring_command() -%}
    dbt run-operation execute_task --args '{name: sweep_silent_customers}'
{%- endmacro %}
