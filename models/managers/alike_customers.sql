{{ config(materialized='ephemeral') }}

with

outcomes as (

    select * from {{ ref('score_outcomes') }}

),

runs as (

    select * from {{ ref('train_churn_model') }}

),

-- Of the latest week that is judged, in which every customer counts once.
live as (

    select
        model_version,
        score_bin,
        n,
        coalesce({{ finite('churner_weight_sum') }}, churners)
        / nullif(coalesce({{ finite('weight_sum') }}, n), 0) as observed
    from outcomes
    qualify week = max(week) over (partition by model_version)

),

tested as (

    select
        runs.version as model_version,
        {{ whole_number(json_number(json_part('bins.value', 'from')) ~ ' * 10') }} as score_bin,
        {{ whole_number(json_number(json_part('bins.value', 'n'))) }} as n,
        {{ json_number(json_part('bins.value', 'observed')) }} as observed
    from runs
    cross join {{ json_rows(parse_json('runs.reliability'), 'bins') }}

),

both_of_them as (

    select
        live.*,
        true as is_live
    from live
    union all
    select
        tested.*,
        false as is_live
    from tested

),

-- The more customers say more.
chosen as (

    select
        model_version,
        score_bin,
        greatest(n, 1) as n,
        least(greatest(observed, 0), 1) as observed
    from both_of_them
    where n > 0 and observed is not null
    qualify row_number() over (
        partition by model_version, score_bin order by n desc, is_live desc
    ) = 1

),

counted as (

    select
        model_version,
        score_bin,
        n,
        {{ whole_number('n * observed') }} as left_n,
        {{ whole_number(
            'n * ' ~ wilson_bound('n * observed', 'cast(n as double)', '-')
        ) }} as left_low,
        {{ whole_number(
            'n * ' ~ wilson_bound('n * observed', 'cast(n as double)', '+')
        ) }} as left_high
    from chosen

)

select * from counted
