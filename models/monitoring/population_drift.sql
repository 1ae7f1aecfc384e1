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
        -- An earlier run may not say how many it was tested on.
        coalesce(bins.reference_n, totals.n) as reference_n,
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
        {{ psi_by_chance('count(*)', 'max(n)', 'max(reference_n)') }} as psi_by_chance,
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
        {{ psi_moderate('psi_by_chance') }} as moderate_from,
        {{ psi_major('psi_by_chance') }} as major_from,
        {{ shift_in_words('psi', 'psi_by_chance') }} as shift,
        feature in (
            {%- for feature in growing_features() %}
            '{{ feature }}'{{ ',' if not loop.last }}
            {%- endfor %}
        ) as grows_by_nature,
        n
    from measured

)

select * from drift
