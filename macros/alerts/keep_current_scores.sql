{# Makes the latest score of each customer the current one. It looks back a day, so that a run that
   broke off after scoring is made good by the next. #}
{% macro keep_current_scores(scores, score_history) %}
    {%- set columns = [
    'score', 'band', 'band_since', 'value_at_risk', 'top_reasons', 'model_version',
    'features_hash', 'scored_at',
    ] -%}
    merge into {{ scores }} as scores
    using (
    select *
    from {{ score_history }}
    where scored_at >= {{ as_of() }} - interval '1 day'
    qualify row_number() over (partition by customer_id order by scored_at desc) = 1
    ) as latest
    on scores.customer_id = latest.customer_id
    when matched and latest.scored_at > scores.scored_at then update set
    {%- for column in columns %}
    {{ column }} = latest.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
    when not matched then insert (customer_id, {{ columns | join(', ') }})
    values (latest.customer_id, latest.{{ columns | join(', latest.') }})
{% endmacro %}
