{# Makes the latest score of each customer the current one. It looks back a day, so that a run that
   broke off after scoring is made good by the next. No window function finds the latest: over rows
   of the same transaction, DuckLake on DuckDB 1.5.5 then updates nothing and fails for good. #}
{% macro keep_current_scores(scores, score_history) %}
    {%- set columns = [
    'score', 'band', 'band_since', 'value_at_risk', 'top_reasons', 'model_version',
    'features_hash', 'scored_at',
    ] -%}
    merge into {{ scores }} as scores
    using (
    select scored.*
    from {{ score_history }} as scored
    inner join (
        select customer_id, max(scored_at) as scored_at
        from {{ score_history }}
        where scored_at >= {{ as_of() }} - interval '1 day'
        group by customer_id
    ) as last_times
        on scored.customer_id = last_times.customer_id and scored.scored_at = last_times.scored_at
    ) as latest
    on scores.customer_id = latest.customer_id
    when matched and latest.scored_at > scores.scored_at then update set
    {%- for column in columns %}
    {{ column }} = latest.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
    when not matched then insert (customer_id, {{ columns | join(', ') }})
    values (latest.customer_id, latest.{{ columns | join(', latest.') }})
{% endmacro %}
