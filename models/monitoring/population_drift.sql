with

histograms as (

    select * from {{ ref('feature_histograms') }}

),

bins as (

    select * from {{ ref('feature_references') }}

),

totals as (

    select
        week,
        model_version,
        feature,
        cast(sum(n) as bigint) as n
    from histograms
    group by week, model_version, feature

),

-- Every bin of the reference, also those that nobody is in now.
compared as (

    select
        totals.week,
        totals.model_version,
        totals.feature,
        totals.n,
        bins.reference_share,
        coalesce(histograms.n, 0) / nullif(cast(totals.n as double), 0) as now_share
    from totals
    inner join bins
        on totals.model_version = bins.model_version and totals.feature = bins.feature
    left join histograms
        on
            totals.week = histograms.week
            and bins.model_version = histograms.model_version
            and bins.feature = histograms.feature
            and bins.bin = histograms.bin

),

measured as (

    select
        week,
        model_version,
        feature,
        {{ population_stability() }} as psi,
        max(n) as n
    from compared
    group by week, model_version, feature

),

drift as (

    select
        week,
        model_version,
        feature,
        psi,
        {{ shift_in_words('psi') }} as shift,
        feature in (
            {%- for feature in growing_features() %}
            '{{ feature }}'{{ ',' if not loop.last }}
            {%- endfor %}
        ) as grows_by_nature,
        n
    from measured

)

select * from drift
