select messages.alert_id
from {{ ref('outbox') }} as messages
inner join {{ ref('high_risk_history') }} as alerts on messages.alert_id = alerts.alert_id
where alerts.arm = 'holdout'
