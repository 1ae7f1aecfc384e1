{{ config(materialized='ephemeral') }}

with

runs as (

    select * from {{ ref('train_churn_model') }}

),

bands as (

    select
        runs.version as model_version,
        {{ json_number(json_part('bands.value', 'from')) }} as away_from,
        {{ json_number(json_part('bands.value', 'to')) }} as away_to,
        {{ json_number(json_part('bands.value', 'n')) }} as n,
        {{ json_number(json_part('bands.value', 'within_7')) }} as within_7,
        {{ json_number(json_part('bands.value', 'within_14')) }} as within_14
    from runs
    cross join {{ json_rows(parse_json('runs.timing_bands'), 'bands') }}

),

-- Few churners say nothing of when others churn.
known as (

    select
        model_version,
        away_from,
        away_to,
        least(greatest(within_7, 0), 1) as within_7,
        least(greatest(within_14, 0), 1) as within_14
    from bands
    where n >= {{ too_few() }} and within_7 is not null and within_14 is not null

)

select * from known
