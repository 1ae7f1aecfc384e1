select
    kafka_topic,
    kafka_partition,
    kafka_offset
from {{ ref('churn_scores_raw') }}
group by kafka_topic, kafka_partition, kafka_offset
having count(*) > 1
