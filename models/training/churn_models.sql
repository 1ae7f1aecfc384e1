{{ config(materialized='stage') }}

select 'artefacts of trained models' as content
