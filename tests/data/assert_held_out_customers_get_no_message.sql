select emails.alert_id
from {{ ref('retention_emails') }} as emails
inner join {{ ref('high_risk_history') }} as alerts on emails.alert_id = alerts.alert_id
where alerts.arm = 'holdout'
