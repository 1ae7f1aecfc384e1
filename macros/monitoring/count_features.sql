{# Counts the customers of the population by bin of each feature and of the score, once a week and
   model version: what PSI compares with the training rows. The bins are those of the version's run.
   Runs after the first one of a week find it counted. Nothing is counted on data that is older than
   var('stale_after_minutes'): a loader that is down is no drift. Safe to run again. #}
{% macro count_features(histograms, references, metrics, model) %}
    insert into {{ histograms }} (week, model_version, feature, bin, n, counted_at)
    with clocked as (
        {{ with_clock_features(metrics, 'cast(' ~ as_of() ~ ' as date)') }}
    ),
    fresh as (
        select
            max(last_activity_at)
            >= {{ as_of() }} - interval '{{ var("stale_after_minutes") }} minutes' as is_fresh
        from {{ metrics }}
    ),
    counted as (
        select distinct week, model_version
        from {{ histograms }}
        where week = {{ week_of(as_of()) }}
    ),
    population as (
        select
            model.version as model_version,
            {{ feature_columns('clocked') }}
        from clocked
        cross join fresh
        cross join {{ model }} as model
        left join counted on model.version = counted.model_version
        where
            fresh.is_fresh
            and counted.model_version is null
            and {{ in_population('cast(' ~ as_of() ~ ' as date)', 'clocked.') }}
    ),
    scored as (
        select *, predict_churn({{ churn_features() | join(', ') }}) as score
        from population
    ),
    feature_names as (
        {%- for feature in churn_features() + ['score'] %}
        select '{{ feature }}' as feature{{ ' union all' if not loop.last }}
        {%- endfor %}
    ),
    valued as (
        select
            scored.model_version,
            feature_names.feature,
            case feature_names.feature
                {%- for feature in churn_features() + ['score'] %}
                when '{{ feature }}' then scored.{{ feature }}
                {%- endfor %}
            end as feature_value
        from scored
        cross join feature_names
    )
    select
        {{ week_of(as_of()) }} as week,
        valued.model_version,
        valued.feature,
        bins.bin,
        count(*) as n,
        {{ as_of() }} as counted_at
    from valued
    inner join {{ references }} as bins
        on
            valued.model_version = bins.model_version
            and valued.feature = bins.feature
            and (bins.above is null or valued.feature_value > bins.above)
            and (bins.up_to is null or valued.feature_value <= bins.up_to)
    group by valued.model_version, valued.feature, bins.bin
{% endmacro %}

{# The Monday of a moment's week, UTC. Snowflake: while WEEK_START is at its default. #}
{% macro week_of(moment) -%}
    cast(date_trunc('week', {{ moment }}) as date)
{%- endmacro %}
