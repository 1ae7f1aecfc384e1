-- An offer for a reason that no score is ever given would never be made: correct the reason in
-- seeds/offers.csv. The codes are those of macros/alerts/reason_groups.sql, and `any`.
select
    offer,
    reason
from {{ ref('offers') }}
where
    reason not in (
        {%- for code in reason_codes() %}
        '{{ code }}',
        {%- endfor %}
        'any'
    )
