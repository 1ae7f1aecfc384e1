with

runs as (

    select * from {{ ref('train_churn_model') }}

),

-- Of the features the training rows, of the score the test window: what the run itself noted.
features as (

    select
        runs.version as model_version,
        cast(entries.key as {{ dbt.type_string() }}) as feature,
        entries.value as reference,
        cast(runs.train_rows as double) + cast(runs.test_rows as double) as reference_n
    from runs
    cross join {{ json_rows(parse_json('runs.feature_reference'), 'entries') }}
    union all
    select
        version as model_version,
        'score' as feature,
        {{ parse_json('score_reference') }} as reference,
        cast(test_rows as double) as reference_n
    from runs

),

edges as (

    select
        features.model_version,
        features.feature,
        {{ json_place('edges_of_bins') }} as place,
        {{ json_number('edges_of_bins.value') }} as edge
    from features
    cross join {{ json_rows(json_part('features.reference', 'bins'), 'edges_of_bins') }}

),

shares as (

    select
        features.model_version,
        features.feature,
        features.reference_n,
        {{ json_place('shares_of_bins') }} as bin,
        {{ json_number('shares_of_bins.value') }} as reference_share
    from features
    cross join {{ json_rows(json_part('features.reference', 'shares'), 'shares_of_bins') }}

),

bins as (

    select
        shares.model_version,
        shares.feature,
        shares.bin,
        lower_edges.edge as above,
        upper_edges.edge as up_to,
        shares.reference_n,
        shares.reference_share
    from shares
    left join edges as lower_edges
        on
            shares.model_version = lower_edges.model_version
            and shares.feature = lower_edges.feature
            and shares.bin = cast(lower_edges.place as {{ dbt.type_bigint() }}) + 1
    left join edges as upper_edges
        on
            shares.model_version = upper_edges.model_version
            and shares.feature = upper_edges.feature
            and shares.bin = upper_edges.place

)

select * from bins
