-- Sums over customers, none of them named: every role sees all of them.
with

drift as (

    select * from {{ ref('population_drift') }}

),

figures as (

    select
        week,
        model_version,
        feature,
        psi,
        moderate_from,
        major_from,
        shift,
        grows_by_nature,
        n
    from drift

)

select * from figures
