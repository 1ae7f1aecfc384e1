-- Sums over customers, none of them named: every role sees all of them.
with

calibration as (

    select * from {{ ref('calibration_drift') }}

),

figures as (

    select
        week,
        model_version,
        cast(score_from as double) as score_from,
        cast(score_to as double) as score_to,
        n,
        churners,
        treated,
        cast(weight as double) as weight,
        predicted,
        observed,
        n < {{ too_few() }} as has_too_few
    from calibration

)

select * from figures
