{# Counts the customers of the population by bin of each feature and of the score, once a week and
   model version: what PSI compares with the training rows. The bins are those of the version's run.
   The customers are as they were at the end of the last closed day, from the macros that make the
   training rows: with the visits of a day that goes on they would look like other customers, at
   every hour differently.
   Runs after the first one of a week find it counted. Nothing is counted while nothing is scored
   (data_end): a loader that is down is no drift. Safe to run again. #}
{% macro count_features(histograms, references, metrics, daily, monthly, model) %}
    insert into {{ histograms }} (week, model_version, feature, bin, n, counted_at)
    with data_end as (
        {{ data_end(metrics) }}
    ),
    counted as (
        select distinct week, model_version
        from {{ histograms }}
        where week = {{ week_of(as_of()) }}
    ),
    -- No row, and then nothing to read, once the week is counted.
    cutoffs as (
        select
            model.version as model_version,
            data_end.last_closed_date as cutoff_date
        from {{ model }} as model
        cross join data_end
        left join counted on model.version = counted.model_version
        where data_end.is_scored_as_of and counted.model_version is null
    ),
    daily as (
        select * from {{ daily }}
    ),
    whole_months as (
        select * from {{ monthly }}
    ),
    merged_later as (
        {{ merged_later('cutoffs') }}
    ),
    earlier_days as (
        {{ days_before_merges('merged_later') }}
    ),
    history as (
        {{ history_days('cutoffs', 'daily', 'merged_later', 'earlier_days') }}
    ),
    monthly as (
        {{ history_months('cutoffs', 'whole_months', 'history', 'merged_later', 'earlier_days') }}
    ),
    metrics as (
        {{ customer_metrics('history', 'monthly', ['cutoff_date', 'customer_id']) }}
    ),
    clocked as (
        {{ with_clock_features('metrics', 'cutoff_date') }}
    ),
    population as (
        select
            cutoffs.model_version,
            {{ feature_columns('clocked') }}
        from clocked
        inner join cutoffs on clocked.cutoff_date = cutoffs.cutoff_date
        where {{ in_population('clocked.cutoff_date', 'clocked.') }}
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
