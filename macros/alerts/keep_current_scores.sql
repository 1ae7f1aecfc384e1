{# Makes the latest score of each customer the current one. #}
{% macro keep_current_scores(scores, score_history) %}
    {{- return(adapter.dispatch('keep_current_scores')(scores, score_history)) -}}
{% endmacro %}

{% macro default__keep_current_scores(scores, score_history) %}
    {{ no_such_engine('keep_current_scores') }}
{% endmacro %}

{% macro snowflake__keep_current_scores(scores, score_history) %}
    {%- set columns = current_score_columns() -%}
    merge into {{ scores }} as scores
    using (
        {{ latest_scores(score_history) }}
        {#- A MERGE fails when two rows match one: a customer may have two scores of one moment. #}
        qualify row_number() over (
            partition by scored.customer_id order by scored.score desc, scored.features_hash
        ) = 1
    ) as latest
    on scores.customer_id = latest.customer_id
    when matched and latest.scored_at > scores.scored_at then update set
    {%- for column in columns %}
    {%- if column == 'band_since' %}
    {#- Another run may have kept this band since these scores were begun: it began only once. #}
    band_since = case
        when latest.band = scores.band then scores.band_since else latest.band_since
    end,
    {%- else %}
    {{ column }} = latest.{{ column }}{{ ',' if not loop.last }}
    {%- endif %}
    {%- endfor %}
    when not matched then insert (customer_id, {{ columns | join(', ') }})
    values (latest.customer_id, latest.{{ columns | join(', latest.') }})
{% endmacro %}

{# Not as a merge: DuckDB cannot prepare one, so it would be planned anew in every pass. #}
{% macro duckdb__keep_current_scores(scores, score_history) %}
    {%- set columns = current_score_columns() -%}
    delete from {{ scores }} as scores
    using ({{ latest_scores(score_history) }}) as latest
    where scores.customer_id = latest.customer_id and scores.scored_at < latest.scored_at;
    insert into {{ scores }} (customer_id, {{ columns | join(', ') }})
    select latest.customer_id, latest.{{ columns | join(', latest.') }}
    from ({{ latest_scores(score_history) }}) as latest
    left join {{ scores }} as scores on latest.customer_id = scores.customer_id
    where scores.customer_id is null
{% endmacro %}

{% macro current_score_columns() %}
    {{ return([
        'score', 'band', 'band_since', 'value_at_risk', 'top_reasons', 'model_version',
        'features_hash', 'scored_at',
    ]) }}
{% endmacro %}

{# The latest scores of the customers that this run has scored. #}
{% macro latest_scores(score_history) %}
    select scored.*
    from {{ score_history }} as scored
    inner join (
        select customer_id, max(scored_at) as scored_at
        from {{ score_history }}
        where scored_at >= {{ oldest_unfinished_run() }}
        group by customer_id
    ) as last_times
        on scored.customer_id = last_times.customer_id and scored.scored_at = last_times.scored_at
{% endmacro %}

{# Since when a run may have broken off after scoring, to be made good by this one. A task is one
   transaction on DuckDB, so that there is none but this one; on Snowflake each statement is. #}
{% macro oldest_unfinished_run() %}
    {{- return(adapter.dispatch('oldest_unfinished_run')()) -}}
{% endmacro %}
{% macro default__oldest_unfinished_run() %}{{ no_such_engine('oldest_unfinished_run') }}{% endmacro %}
{% macro snowflake__oldest_unfinished_run() -%} {{ as_of() }} - interval '1 day' {%- endmacro %}
{% macro duckdb__oldest_unfinished_run() -%} {{ as_of() }} {%- endmacro %}
